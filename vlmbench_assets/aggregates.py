"""Asset `aggregates`: scores of a cell over every declared dimension, with intervals and coverage."""

import dagster as dg
import pandas as pd

from vlmbench_assets.bench import Bench
from vlmbench_assets.checks import StageEvents, contract_kept, contract_spec, run_stage, table_schema
from vlmbench_assets.hold import cell_held
from vlmbench_assets.make.aggregates import make_aggregates
from vlmbench_assets.partitions import Partitions, cell_of
from vlmbench_assets.preview import preview


def aggregates_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        name="aggregates",
        partitions_def=partitions.cells,
        deps=["metrics"],
        check_specs=[contract_spec("aggregates")],
        group_name="cells",
        kinds={"csv"},
        description="Scores over every dimension, under both failure policies, with 95 % intervals.",
        metadata={"dagster/column_schema": table_schema("aggregates")},
    )
    def aggregates(context: dg.AssetExecutionContext) -> StageEvents:
        cell = cell_of(context)

        def make() -> dg.MaterializeResult[None]:
            with cell_held(bench.store, "aggregates", cell.dataset, cell.model):
                frame, manifest = make_aggregates(bench, cell)
            return dg.MaterializeResult(
                metadata={
                    **_headline(frame, bench.catalog.headline_of(cell.dataset, cell.model)),
                    "rows": dg.MetadataValue.int(len(frame)),
                    "preview": dg.MetadataValue.md(preview(frame, list(frame.columns))),
                    "lineage": dg.MetadataValue.json(manifest.lineage),
                    "table": dg.MetadataValue.path(bench.store.table("aggregates", cell.dataset, cell.model)),
                },
                data_version=dg.DataVersion(manifest.version),
                check_results=[contract_kept("aggregates", len(frame))],
            )

        yield from run_stage("aggregates", make)

    return aggregates


def _headline(frame: pd.DataFrame, metric: str) -> dict[str, dg.MetadataValue]:
    """The headline score as numbers, which the UI plots over partitions and time; absent when null."""
    rows = frame[
        (frame["dimension"] == "overall") & (frame["metric"] == metric) & (frame["policy"] == "failures_worst")
    ]
    shown: dict[str, dg.MetadataValue] = {"headline": dg.MetadataValue.text(metric)}
    for row in rows.to_dict("records"):
        for name in ("value", "ci_low", "ci_high", "coverage"):
            if not pd.isna(row[name]):
                shown["score" if name == "value" else name] = dg.MetadataValue.float(float(row[name]))
    return shown
