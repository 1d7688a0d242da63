"""`vlmbench run`: run cells, with progress, and say how each ended."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vlmbench_assets.cli.common import (
    json_option,
    open_workspace,
    print_json,
    select_cells,
    workspace_option,
)
from vlmbench_assets.cli.progress import TerminalProgress

if TYPE_CHECKING:
    from vlmbench_assets.bench import Bench
    from vlmbench_assets.catalog import Cell
    from vlmbench_assets.runs import CellOutcome

STAGES = ("answers", "metrics", "aggregates", "report")


@click.command()
@click.option("--benchmark", help="Run the cells of this benchmark; default: the only one there is.")
@click.option("--model", "models", multiple=True, help="Only this model; may be repeated.")
@click.option("--dataset", "datasets", multiple=True, help="Only this dataset; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only the first samples of each dataset.")
@click.option(
    "--stage",
    "stages",
    multiple=True,
    type=click.Choice(STAGES),
    help="Run only this stage; may be repeated. Default: all four.",
)
@workspace_option
@json_option
@click.pass_context
def run(
    context: click.Context,
    *,
    benchmark: str | None,
    models: tuple[str, ...],
    datasets: tuple[str, ...],
    limit: int | None,
    stages: tuple[str, ...],
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Run cells: ask, score, aggregate, report. Exit code 1 when any cell failed."""
    from vlmbench_assets.runs import CellRunner, run_benchmark
    from vlmbench_assets.store import CELL_ASSETS

    progress = TerminalProgress()
    bench = open_workspace(workspace, progress.samples)
    cells, skipped = _leave_out_optional(bench, select_cells(bench.catalog, benchmark, models, datasets), models)
    for line in skipped:
        click.echo(line, err=True)
    chosen = [stage for stage in CELL_ASSETS if not stages or stage in stages]
    started = time.monotonic()
    runner = CellRunner(bench)
    try:
        with progress.showing(len(cells)):
            outcomes = run_benchmark(runner, cells, chosen, limit, progress.cell_done)
    finally:
        runner.close()
    failed = [outcome for outcome in outcomes if outcome.reason]
    if as_json:
        print_json(_as_json(outcomes))
    else:
        _print_summary(bench, cells, failed, time.monotonic() - started)
    if failed:
        context.exit(1)


def _leave_out_optional(
    bench: "Bench", cells: "list[Cell]", asked_for: tuple[str, ...]
) -> "tuple[list[Cell], list[str]]":
    """Leave out optional models whose programs are not installed, unless they were asked for by name."""
    from vlmbench_assets.worker import missing_binaries

    optional = {name for each in bench.catalog.benchmarks.values() for name in each.optional_models}
    lines: dict[str, str] = {}
    for model in optional - set(asked_for):
        environment = bench.catalog.environments[bench.catalog.models[model].environment]
        for program, install in missing_binaries(environment):
            lines[model] = f"{model} is left out: `{program}` is not installed ({install})"
    left_out = {cell.model for cell in cells} & set(lines)
    return [cell for cell in cells if cell.model not in left_out], [lines[name] for name in sorted(left_out)]


def _print_summary(bench: "Bench", cells: "list[Cell]", failed: "list[CellOutcome]", seconds: float) -> None:
    from vlmbench_assets.cli.leaderboard import print_leaderboard

    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        print_leaderboard(bench, dataset)
    click.echo(f"{len(cells) - len(failed)} of {len(cells)} cells done in {seconds:.0f} s")
    for outcome in failed:
        click.echo(f"failed: {outcome.cell}: {outcome.reason}", err=True)
    click.echo(f"reports:      {bench.store.root / 'report'}/MODEL/DATASET/report.md")
    click.echo(f"leaderboards: {bench.store.root / 'leaderboard'}/DATASET/leaderboard.md")


def _as_json(outcomes: "list[CellOutcome]") -> list[dict[str, str]]:
    return [
        {
            "model": outcome.cell.model,
            "dataset": outcome.cell.dataset,
            "state": "failed" if outcome.reason else "done",
            "reason": outcome.reason,
        }
        for outcome in outcomes
    ]
