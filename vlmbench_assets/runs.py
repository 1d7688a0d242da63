"""Run cells headless, in the same Dagster instance that the UI shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import dagster as dg

from vlmbench_assets.bench import Bench
from vlmbench_assets.build import build_assets
from vlmbench_assets.catalog import Cell
from vlmbench_assets.instance import open_instance
from vlmbench_assets.partitions import cell_key
from vlmbench_assets.store import AssetName

INTERRUPTED = "DagsterExecutionInterruptedError"
QUIET = {"console": {"config": {"log_level": "CRITICAL"}}}


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """How the run of one cell ended."""

    cell: Cell
    reason: str = ""
    """Why it failed; empty when it did not."""


class CellRunner:
    """Runs cells one after another."""

    def __init__(self, bench: Bench) -> None:
        """Build the assets and open the instance."""
        self._assets = build_assets(bench)
        self._instance = open_instance(bench.workspace)

    def read(self, dataset: str) -> str:
        """Read a dataset's samples; return why that failed, or an empty string."""
        return self._materialize(["samples"], dataset)

    def run(self, cell: Cell, stages: Sequence[AssetName], limit: int | None) -> CellOutcome:
        """Run some stages of a cell, in the graph's order."""
        config: dict[str, object] = {"answers": {"config": {"limit": limit}}} if limit and "answers" in stages else {}
        return CellOutcome(cell, self._materialize(stages, cell_key(cell), config))

    def rank(self, dataset: str) -> str:
        """Make a dataset's leaderboard; return why that failed, or an empty string."""
        return self._materialize(["leaderboard"], dataset)

    def close(self) -> None:
        """Give the instance back."""
        self._instance.dispose()

    def _materialize(self, assets: Sequence[AssetName], partition: str, ops: dict[str, object] | None = None) -> str:
        result = dg.materialize(
            self._assets,
            selection=list(assets),
            partition_key=partition,
            instance=self._instance,
            raise_on_error=False,
            run_config={"ops": ops or {}, "loggers": QUIET},
        )
        if result.success:
            return ""
        reason, interrupted = _reason(result)
        if interrupted:
            # Dagster turns Ctrl-C into a failed step; to go on with the next cell would ignore the user.
            raise KeyboardInterrupt
        return reason


def run_benchmark(
    runner: CellRunner,
    cells: Sequence[Cell],
    stages: Sequence[AssetName],
    limit: int | None,
    done: Callable[[CellOutcome], None],
) -> list[CellOutcome]:
    """Run cells: each dataset is read first, leaderboards are made last.

    Args:
        runner: What runs them.
        cells: Which cells.
        stages: Which stages of each.
        limit: Ask only the first samples.
        done: Called as each cell ends.
    """
    outcomes: list[CellOutcome] = []
    datasets = list(dict.fromkeys(cell.dataset for cell in cells))
    unreadable = {name: runner.read(name) for name in datasets} if "answers" in stages else {}
    for cell in cells:
        reason = unreadable.get(cell.dataset, "")
        outcome = CellOutcome(cell, reason) if reason else runner.run(cell, stages, limit)
        outcomes.append(outcome)
        done(outcome)
    for dataset in datasets:
        reason = runner.rank(dataset)
        if reason:
            outcomes.append(CellOutcome(Cell(model="leaderboard", dataset=dataset), reason))
    return outcomes


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
