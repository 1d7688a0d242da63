"""Jobs named as people speak: `benchmark_NAME`, `refresh_stale`, `re_score`, `redraw`.

Launched as it is, a job does all of its work in one run; launched for a partition, as by a backfill, that cell's. Each
does what `vlmbench run` does, by the same code.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import dagster as dg
from pydantic import Field

from vlmbench_assets.bench import Bench, open_bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.environment import without_optional
from vlmbench_assets.instance import HOST_TAG, host
from vlmbench_assets.make.answers import Asking
from vlmbench_assets.make.exported import exportable
from vlmbench_assets.partitions import Partitions, cell_of
from vlmbench_assets.plan import Estimate, PlannedCell, make_plan, summary
from vlmbench_assets.refresh import OP, cell_name, check_results, planned_cells
from vlmbench_assets.runs import CellOutcome, CellRunner, Order, run_cells
from vlmbench_assets.staleness import Judge
from vlmbench_assets.store import AssetName
from vlmbench_sdk import VlmBenchError

SCORING: tuple[AssetName, ...] = ("metrics", "aggregates", "report")
BENCHMARK_TAG = "vlmbench/benchmark"
LONGEST_TAG = 63
"""Characters of a tag's value that Dagster takes."""


class CellsConfig(dg.Config):
    """Which cells a job is for."""

    benchmark: str = Field(default="", description="Only the cells of this benchmark; empty for all benchmarks")
    cells: list[str] = Field(default=[], description="Only these cells, each as `model|dataset`; empty for all")


class RefreshConfig(CellsConfig):
    """Run configuration of `refresh_stale`."""

    keep_errors: bool = Field(default=False, description="Do not ask again what ended in an error or a timeout")


class ScoreConfig(CellsConfig):
    """Run configuration of `re_score`."""

    again: bool = Field(default=False, description="Score also what the same metric scored before")


class BenchmarkConfig(dg.Config):
    """Run configuration of `benchmark_NAME`."""

    cells: list[str] = Field(default=[], description="Only these cells, each as `model|dataset`; empty for all")
    keep_errors: bool = Field(default=False, description="Do not ask again what ended in an error or a timeout")
    limit: int | None = Field(default=None, ge=1, description="Ask only the first samples of each dataset")
    everything: bool = Field(default=False, description="Run every cell and ask every sample again, fresh or not")


def named_jobs(bench: Bench) -> list[dg.JobDefinition]:
    """The jobs of a workspace; `refresh_stale` is the first."""
    benchmarks = [_benchmark_job(bench, job, name) for name, job in job_names(bench.catalog.benchmarks).items()]
    return [_refresh_job(bench), *benchmarks, _score_job(bench), _redraw_job(bench)]


def job_names(benchmarks: Iterable[str]) -> dict[str, str]:
    """Each benchmark's job: Dagster takes letters, digits and `_` only.

    Where two benchmarks would share a job, the later one in the alphabet is numbered.
    """
    taken: dict[str, str] = {}
    for name in sorted(benchmarks):
        job = wanted = f"benchmark_{re.sub(r'[^A-Za-z0-9_]', '_', name)}"
        number = 1
        while job in taken.values():
            number += 1
            job = f"{wanted}_{number}"
        taken[name] = job
    return taken


def _benchmark_job(bench: Bench, job: str, name: str) -> dg.JobDefinition:
    entry = bench.catalog.benchmarks[name]
    cells = without_optional(bench, bench.catalog.cells(name))[0]
    partitions = dg.MultiPartitionsDefinition(
        {
            "model": dg.StaticPartitionsDefinition(list(dict.fromkeys(cell.model for cell in cells))),
            "dataset": dg.StaticPartitionsDefinition(list(dict.fromkeys(cell.dataset for cell in cells))),
        }
    )

    @dg.op(name=f"run_{job}", description="Runs the cells that are stale, missing or failed, then the leaderboards.")
    @_in_words()
    def work(context: dg.OpExecutionContext, config: BenchmarkConfig) -> None:
        now = open_bench(bench.workspace)
        wanted = _wanted(context, planned_cells(now, name), config.cells)
        plan = make_plan(now, wanted, limit=config.limit, keep_errors=config.keep_errors)
        context.log.info(summary(plan))
        asking = Asking(limit=config.limit, again=config.everything, keep_errors=config.keep_errors)
        _run(
            now,
            context,
            plan.cells if config.everything else plan.to_do,
            wanted,
            Order(asking, everything=config.everything),
        )

    @dg.job(
        name=job,
        description=f"benchmark {name}: {entry.description or 'all its models on all its datasets'}. "
        "Asks, scores and reports what is not fresh. Launched without a partition: all of it; a partition is one cell.",
        tags={BENCHMARK_TAG: name} if len(name) <= LONGEST_TAG else None,
        partitions_def=partitions,
    )
    def run_benchmark() -> None:
        work()

    return run_benchmark


def _refresh_job(bench: Bench) -> dg.JobDefinition:
    @dg.op(name=OP, description="Runs the cells that are stale, missing or failed, and no others.")
    @_in_words()
    def work(context: dg.OpExecutionContext, config: RefreshConfig) -> None:
        now = open_bench(bench.workspace)
        cells = _wanted(context, planned_cells(now, config.benchmark), config.cells)
        plan = make_plan(now, cells, keep_errors=config.keep_errors)
        context.log.info(summary(plan))
        for each in plan.to_do:
            context.log.info(f"{each.judged.cell}: {'; '.join(each.judged.reasons)}")
        _run(now, context, plan.to_do, cells, Order(Asking(keep_errors=config.keep_errors)))

    @dg.job(
        name="refresh_stale",
        description="Run exactly the cells that are stale, missing or failed. The check `fresh` says which and why.",
    )
    def refresh_stale() -> None:
        work()

    return refresh_stale


def _score_job(bench: Bench) -> dg.JobDefinition:
    @dg.op(name="re_score_cells", description="Scores the answers that are there; asks no model.")
    @_in_words()
    def work(context: dg.OpExecutionContext, config: ScoreConfig) -> None:
        now = open_bench(bench.workspace)
        cells = _wanted(context, list(_with_table(now, "answers", config.benchmark)), config.cells)
        _run(now, context, _unjudged(now, cells), cells, Order(Asking(again=config.again), SCORING, everything=True))

    @dg.job(
        name="re_score",
        description="re-score: metrics, aggregates and report of every cell that has answers, and the leaderboards. No "
        "model is asked. Launched without a partition: all of them.",
        partitions_def=Partitions(bench.catalog).cells,
    )
    def re_score() -> None:
        work()

    return re_score


def _redraw_job(bench: Bench) -> dg.JobDefinition:
    @dg.op(name="redraw_cells", description="Writes reports and leaderboards anew.")
    @_in_words()
    def work(context: dg.OpExecutionContext, config: CellsConfig) -> None:
        now = open_bench(bench.workspace)
        cells = _wanted(context, list(_with_table(now, "aggregates", config.benchmark)), config.cells)
        _run(now, context, _unjudged(now, cells), cells, Order(Asking(), ("report",), everything=True))

    @dg.job(
        name="redraw",
        description="redraw: the report of every cell that has scores, and the leaderboards. Nothing is asked or "
        "scored. Launched without a partition: all of them.",
        partitions_def=Partitions(bench.catalog).cells,
    )
    def redraw() -> None:
        work()

    return redraw


@contextmanager
def _in_words() -> Iterator[None]:
    """Errors that a person can mend are shown as sentences, without a traceback."""
    try:
        yield
    except VlmBenchError as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def _wanted(context: dg.OpExecutionContext, cells: Sequence[Cell], named: Sequence[str]) -> list[Cell]:
    """Of some cells that of the run's partition, or those that its configuration names."""
    if context.has_partition_key:
        own = cell_of(context)
        if own not in cells:
            raise dg.Failure(f"{own}: there is nothing of it that this job could start from", allow_retries=False)
        return [own]
    known = {cell_name(cell): cell for cell in cells}
    if unknown := [name for name in named if name not in known]:
        raise dg.Failure(
            f"{unknown[0]!r} is no cell of this job; those are: {', '.join(known) or 'none'}", allow_retries=False
        )
    return [known[name] for name in named] if named else list(cells)


def _with_table(bench: Bench, asset: AssetName, benchmark: str) -> Iterator[Cell]:
    """Cells that have a table, of one benchmark or of all there are."""
    planned = planned_cells(bench, benchmark) if benchmark else None
    for cell in exportable(bench, [], []):
        if (planned is None or cell in planned) and bench.store.table(asset, cell.dataset, cell.model).exists():
            yield cell


def _unjudged(bench: Bench, cells: Sequence[Cell]) -> list[PlannedCell]:
    """Cells to run whatever their state; no environment is needed for it, so none can be in the way."""
    judge = Judge(bench)
    return [PlannedCell(judge.cell(cell), Estimate()) for cell in cells]


def _run(
    bench: Bench, context: dg.OpExecutionContext, planned: Sequence[PlannedCell], cells: Sequence[Cell], order: Order
) -> None:
    """Run cells in the instance of the job, show how each ended, and say anew what is fresh."""
    context.instance.add_run_tags(context.run_id, {HOST_TAG: host()})
    runner = CellRunner(bench, context.instance)
    runner.sync(cells)
    datasets = [cell.dataset for cell in cells]
    outcomes = run_cells(bench, runner, planned, datasets, order, lambda outcome: context.log.info(_ended(outcome)))
    after = make_plan(bench, planned_cells(bench), keep_errors=order.asking.keep_errors)
    for asset, result in check_results(after).items():
        context.instance.report_runless_asset_event(_evaluation(asset, result))
    records = [
        dg.TableRecord({"model": each.cell.model, "dataset": each.cell.dataset, "ended": each.reason or "done"})
        for each in outcomes
    ]
    shown = {"cells": dg.MetadataValue.table(records)} if records else {}
    failed = [f"{outcome.cell}: {outcome.reason}" for outcome in outcomes if outcome.reason]
    if failed:
        raise dg.Failure("; ".join(failed), metadata=shown, allow_retries=False)
    context.add_output_metadata(shown)


def _ended(outcome: CellOutcome) -> str:
    return f"{outcome.cell}: failed: {outcome.reason}" if outcome.reason else f"{outcome.cell}: done"


def _evaluation(asset: AssetName, result: dg.AssetCheckResult) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(asset),
        check_name=result.check_name or "",
        passed=result.passed,
        severity=result.severity,
        description=result.description,
        metadata=result.metadata,
    )
