"""Run cells headless, in the same Dagster instance that the UI shows."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

import dagster as dg

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.graph import build_assets
from vlmbench_assets.instance import HOST_TAG, host, open_instance
from vlmbench_assets.jobs import CellOrder, run_at_once
from vlmbench_assets.make.answers import Asking
from vlmbench_assets.make.benchmark_leaderboard import benchmark_is_fresh, benchmarks_to_show
from vlmbench_assets.make.leaderboard import leaderboard_is_fresh
from vlmbench_assets.partitions import cell_key
from vlmbench_assets.plan import PlannedCell
from vlmbench_assets.store import CELL_ASSETS, AssetName
from vlmbench_assets.sync import sync_instance

INTERRUPTED = "DagsterExecutionInterruptedError"
QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """How the run of one cell ended."""

    cell: Cell
    reason: str = ""
    """Why it failed; empty when it did not."""


@dataclass(frozen=True, slots=True)
class Order:
    """What to run of each cell, and how."""

    asking: Asking
    stages: Sequence[AssetName] = CELL_ASSETS
    """Only these stages."""
    everything: bool = False
    """Also stages that are fresh."""
    jobs: int = 1
    """How many cells at once; each in a process of its own where it is more than one."""


class CellRunner:
    """Runs cells in this process, one after another."""

    def __init__(self, bench: Bench, instance: dg.DagsterInstance | None = None) -> None:
        """Build the assets and open the instance, unless one is given."""
        self._bench = bench
        self._assets = build_assets(bench)
        self._own = instance is None
        self._instance = instance or open_instance(bench.workspace)

    def sync(self, cells: Sequence[Cell]) -> int:
        """Tell the instance what is on disk."""
        return sync_instance(self._bench, self._instance, cells)

    def run(self, cell: Cell, stages: Sequence[AssetName], asking: Asking) -> CellOutcome:
        """Run some stages of a cell, in the graph's order."""
        how = {"limit": asking.limit, "again": asking.again, "keep_errors": asking.keep_errors}
        given = {name: value for name, value in how.items() if value}
        config: dict[str, object] = {"answers": {"config": given}} if given and "answers" in stages else {}
        if asking.again and "metrics" in stages:
            config["metrics"] = {"config": {"again": True}}
        return CellOutcome(cell, self._materialize(stages, cell_key(cell), config))

    def rank(self, dataset: str) -> str:
        """Make a dataset's leaderboard; return why that failed, or an empty string."""
        return self._materialize(["leaderboard"], dataset)

    def rank_benchmark(self, benchmark: str) -> str:
        """Make a benchmark's leaderboard; return why that failed, or an empty string."""
        return self._materialize(["benchmark_leaderboard"], benchmark)

    def close(self) -> None:
        """Give the instance back."""
        if self._own:
            self._instance.dispose()

    def _materialize(self, assets: Sequence[AssetName], partition: str, ops: dict[str, object] | None = None) -> str:
        result = dg.materialize(
            self._assets,
            selection=list(assets),
            partition_key=partition,
            instance=self._instance,
            raise_on_error=False,
            tags={HOST_TAG: host()},
            run_config={"ops": ops or {}, "loggers": QUIET},
        )
        if result.success:
            return ""
        reason, interrupted = _reason(result)
        if interrupted:
            # Dagster turns Ctrl-C into a failed step; to go on with the next cell would ignore the user.
            raise KeyboardInterrupt
        return reason


def run_cells(
    bench: Bench,
    runner: CellRunner,
    cells: Sequence[PlannedCell],
    datasets: Sequence[str],
    order: Order,
    done: Callable[[CellOutcome], None],
) -> list[CellOutcome]:
    """Run what a plan says, and then the leaderboards that changed.

    Args:
        bench: The workspace.
        runner: What runs cells.
        cells: Which cells, as planned.
        datasets: Whose leaderboards to look after.
        order: What to run of each.
        done: Called as each cell ends.
    """
    outcomes: list[CellOutcome] = []
    to_run: list[CellOrder] = []
    for planned in cells:
        judged = planned.judged
        stages = tuple(stage for stage in order.stages if order.everything or stage in judged.stages)
        if stages and not planned.blocked:
            how = order.asking
            cell = CellOrder(model=judged.cell.model, dataset=judged.cell.dataset, stages=stages)
            given = {"limit": how.limit, "again": how.again, "keep_errors": how.keep_errors}
            to_run.append(cell.model_copy(update=given))
        else:
            outcomes.append(CellOutcome(judged.cell, "; ".join(planned.blocked)))
            done(outcomes[-1])
    with closing(_ran(bench, runner, to_run, order)) as ran:
        for outcome in ran:
            outcomes.append(outcome)
            done(outcome)
    for dataset in dict.fromkeys(datasets):
        fresh = not order.everything and leaderboard_is_fresh(bench, dataset)
        reason = "" if fresh else runner.rank(dataset)
        if reason:
            outcomes.append(CellOutcome(Cell(model="leaderboard", dataset=dataset), reason))
    for benchmark in benchmarks_to_show(bench, datasets):
        fresh = not order.everything and benchmark_is_fresh(bench, benchmark)
        reason = "" if fresh else runner.rank_benchmark(benchmark)
        if reason:
            outcomes.append(CellOutcome(Cell(model="benchmark_leaderboard", dataset=benchmark), reason))
    return outcomes


def _ran(
    bench: Bench, runner: CellRunner, to_run: Sequence[CellOrder], order: Order
) -> Generator[CellOutcome, None, None]:
    if min(order.jobs, len(to_run)) > 1:
        with closing(run_at_once(bench, to_run, order.jobs)) as ends:
            for end in ends:
                yield CellOutcome(end.cell, end.reason)
    else:
        for each in to_run:
            yield runner.run(each.cell, each.stages, order.asking)


def _reason(result: dg.ExecuteInProcessResult) -> tuple[str, bool]:
    """Why a run failed, and whether it was interrupted."""
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data and data.user_failure_data.description:
                return f"{event.step_key}: {data.user_failure_data.description}", False
            error = data.error.cause if data.error and data.error.cause else data.error
            said = error.message.strip() if error else "failed"
            return f"{event.step_key}: {said}", bool(error and error.cls_name == INTERRUPTED)
    return "the run failed before any step", False
