"""Staleness in the Dagster UI: the check `fresh` and the sensor `keep_fresh`, by the judge of `vlmbench plan`."""

import json
from collections.abc import Iterator, Sequence

import dagster as dg

from vlmbench_assets.bench import Bench, open_bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.environment import without_optional
from vlmbench_assets.hold import is_running
from vlmbench_assets.plan import Plan, PlannedCell, make_plan, summary
from vlmbench_assets.staleness import Judge
from vlmbench_assets.store import CELL_ASSETS, AssetName
from vlmbench_assets.sync import sync_instance
from vlmbench_sdk import CatalogError, VlmBenchError

CHECK = "fresh"
OP = "run_stale_cells"
SHOWN = 200
SAID = 3
BETWEEN = "|"
LOOK_EVERY_S = 60


def planned_cells(bench: Bench, benchmark: str = "") -> list[Cell]:
    """The cells of one benchmark, or of all; optional models that cannot run here are left out."""
    if benchmark and benchmark not in bench.catalog.benchmarks:
        raise CatalogError(
            f"there is no benchmark {benchmark!r}", fix=f"Known: {', '.join(sorted(bench.catalog.benchmarks))}"
        )
    names = [benchmark] if benchmark else sorted(bench.catalog.benchmarks)
    cells = dict.fromkeys(cell for name in names for cell in bench.catalog.cells(name))
    return without_optional(bench, list(cells))[0]


def fresh_checks(bench: Bench) -> dg.AssetChecksDefinition:
    """The check `fresh` of each asset of a cell: which cells are not, and why."""
    specs = [
        dg.AssetCheckSpec(
            name=CHECK,
            asset=asset,
            description="Whether every cell of the benchmarks is what its model, dataset and metrics would make now.",
        )
        for asset in CELL_ASSETS
    ]

    # Dagster offers a check alone only where the function can leave the others out.
    @dg.multi_asset_check(specs=specs, name="fresh", can_subset=True)
    def fresh(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        try:
            now = open_bench(bench.workspace)
            cells = planned_cells(now)
            plan = make_plan(now, cells)
        except VlmBenchError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        sync_instance(now, context.instance, cells)
        for asset, result in check_results(plan).items():
            if dg.AssetCheckKey(dg.AssetKey(asset), CHECK) in context.selected_asset_check_keys:
                yield result

    return fresh


def check_results(plan: Plan) -> dict[AssetName, dg.AssetCheckResult]:
    """What the check says of each asset."""
    results: dict[AssetName, dg.AssetCheckResult] = {}
    for asset in CELL_ASSETS:
        found = [each for each in plan.cells if each.judged.assets[asset].state != "fresh"]
        records = [dg.TableRecord(_record(each, asset)) for each in found[:SHOWN]]
        results[asset] = dg.AssetCheckResult(
            asset_key=asset,
            check_name=CHECK,
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,
            description=_said(len(plan.cells), found, asset),
            metadata={
                "plan": dg.MetadataValue.text(summary(plan)),
                **({"not_fresh": dg.MetadataValue.table(records)} if records else {}),
            },
        )
    return results


def _said(cells: int, found: Sequence[PlannedCell], asset: AssetName) -> str:
    """What the check says where it is shown in one line: how many cells are fresh, and why the first ones are not."""
    said = f"{cells - len(found)} of {cells} cells are fresh"
    reasons = [f"{each.judged.cell}: {'; '.join(each.judged.assets[asset].reasons)}" for each in found[:SAID]]
    more = [f"and {len(found) - SAID} more"] if len(found) > SAID else []
    return "; ".join([said, *reasons, *more])


def keep_fresh_sensor(bench: Bench, job: dg.JobDefinition) -> dg.SensorDefinition:
    """The sensor `keep_fresh`, off by default: launch `refresh_stale` for cells that stopped being fresh.

    Each state of a cell is tried once, whatever comes of it, so that a cell that fails cannot loop. Failed
    answers are kept for the same reason.
    """

    @dg.sensor(
        name="keep_fresh",
        job=job,
        minimum_interval_seconds=LOOK_EVERY_S,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Runs what stopped being fresh: a new registry file, a plugin upgrade, new rows of a dataset.",
    )
    def keep_fresh(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        try:
            now = open_bench(bench.workspace)
            cells = planned_cells(now)
            plan = make_plan(now, cells, keep_errors=True)
        except VlmBenchError as error:
            return dg.SensorResult(skip_reason=str(error), cursor=context.cursor)
        sync_instance(now, context.instance, cells)
        tried: dict[str, str] = json.loads(context.cursor or "{}")
        judge = Judge(now, keep_errors=True)
        wanted = {
            cell_name(each.judged.cell): judge.wanted(each.judged.cell) for each in plan.to_do if _can_run(now, each)
        }
        new = [name for name, version in wanted.items() if tried.get(name) != version]
        if not new:
            return dg.SensorResult(skip_reason=summary(plan), cursor=context.cursor)
        config = {"cells": new, "keep_errors": True}
        request = dg.RunRequest(run_config={"ops": {OP: {"config": config}}})
        return dg.SensorResult([request], cursor=json.dumps({**tried, **{name: wanted[name] for name in new}}))

    return keep_fresh


def _can_run(bench: Bench, planned: PlannedCell) -> bool:
    cell = planned.judged.cell
    return not planned.blocked and not is_running(bench.store, cell.dataset, cell.model)


def cell_name(cell: Cell) -> str:
    """How a cell is named in configurations."""
    return f"{cell.model}{BETWEEN}{cell.dataset}"


def _record(planned: PlannedCell, asset: AssetName) -> dict[str, str | int]:
    judged = planned.judged
    return {
        "model": judged.cell.model,
        "dataset": judged.cell.dataset,
        "state": judged.assets[asset].state,
        "ask": judged.to_ask if asset == "answers" else 0,
        "why": "; ".join([*judged.assets[asset].reasons, *(f"blocked: {each}" for each in planned.blocked)]),
    }
