"""Contracts as Dagster asset checks, and errors as Dagster failures."""

from collections.abc import Callable, Iterator

import dagster as dg

from vlmbench_assets.contracts import CONTRACTS, TableName
from vlmbench_assets.reasons import counted
from vlmbench_assets.tables import TableContractError
from vlmbench_sdk import VlmBenchError

CHECK = "contract"
SHOWN = 50

StageEvents = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]


def contract_spec(table: TableName) -> dg.AssetCheckSpec:
    """The check that shows whether a table keeps its contract."""
    contract = CONTRACTS[table]
    columns = ", ".join(f"`{name}`" for name in contract.columns)
    return dg.AssetCheckSpec(
        name=CHECK, asset=table, blocking=True, description=f"One row is {contract.row}. Columns: {columns}."
    )


def contract_kept(table: TableName, rows: int) -> dg.AssetCheckResult:
    """The table was checked when it was written, and is right."""
    says = f"{counted(rows, 'row')}, all as the contract says"
    return dg.AssetCheckResult(
        asset_key=table, check_name=CHECK, passed=True, description=says, metadata={"rows": rows}
    )


def run_stage(asset: str, make: Callable[[], dg.MaterializeResult[None]]) -> StageEvents:
    """Run a stage; turn this project's errors into failures that read as sentences.

    A table that breaks its contract never becomes a materialisation: Dagster would take the partition
    for done although its check failed. So the check's result is reported first, then the step fails.
    """
    try:
        made = make()
    except TableContractError as error:
        if error.contract.name == asset:
            yield _contract_broken(error)
        raise dg.Failure(str(error), allow_retries=False) from error
    except VlmBenchError as error:
        raise dg.Failure(str(error), allow_retries=False) from error
    yield made


def _contract_broken(error: TableContractError) -> dg.AssetCheckResult:
    records = [
        dg.TableRecord({"row": each.row, "column": each.column, "value": each.value[:200], "rule": each.rule})
        for each in error.violations[:SHOWN]
    ]
    return dg.AssetCheckResult(
        asset_key=error.contract.name,
        check_name=CHECK,
        passed=False,
        description=str(error),
        metadata={
            "violations": len(error.violations),
            "first": dg.MetadataValue.table(records),
            "kept": dg.MetadataValue.path(error.kept),
        },
    )


def table_schema(table: TableName) -> dg.TableSchema:
    """The contract's columns, as Dagster shows them in an asset's definition."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name,
                type=str(column.dtype),
                description=column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable, other=[str(check.error) for check in column.checks]
                ),
            )
            for name, column in CONTRACTS[table].schema.columns.items()
        ]
    )
