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
    together,
    workspace_option,
)
from vlmbench_assets.cli.progress import TerminalProgress

if TYPE_CHECKING:
    from vlmbench_assets.bench import Bench
    from vlmbench_assets.catalog import Cell
    from vlmbench_assets.plan import Choice
    from vlmbench_assets.runs import CellOutcome

STAGES = ("answers", "metrics", "aggregates", "report")


@click.command()
@click.option("--benchmark", help="Run the cells of this benchmark; default: the only one there is.")
@click.option("--model", "models", multiple=True, help="Only this model; may be repeated.")
@click.option("--dataset", "datasets", multiple=True, help="Only this dataset; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only the first samples; what is answered stays.")
@click.option(
    "--stage",
    "stages",
    multiple=True,
    type=click.Choice(STAGES),
    help="Run only this stage; may be repeated. Default: all four.",
)
@click.option("--all", "everything", is_flag=True, help="Run every cell and ask every sample again, fresh or not.")
@click.option("--only-missing", is_flag=True, help="Run only cells that were never run.")
@click.option("--retry-failed", is_flag=True, help="Run only cells that failed or have failed answers.")
@click.option("--keep-errors", is_flag=True, help="Do not ask again what ended in an error or a timeout.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, help="Run so many cells at once; default: 1.")
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
    everything: bool,
    only_missing: bool,
    retry_failed: bool,
    keep_errors: bool,
    jobs: int,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Run what is stale, missing or failed: ask, score, aggregate, report.

    Exit code 1 when any cell failed, or any sample ended in an error or a timeout and may not stay so (--keep-errors).
    """
    from vlmbench_assets.environment import without_optional
    from vlmbench_assets.make.answers import Asking
    from vlmbench_assets.plan import chosen, make_plan, summary
    from vlmbench_assets.runs import CellRunner, Order, run_cells
    from vlmbench_assets.store import CELL_ASSETS

    choice = _choice(everything=everything, only_missing=only_missing, retry_failed=retry_failed)
    progress = TerminalProgress()
    bench = open_workspace(workspace, progress.samples, progress.line)
    cells, skipped = without_optional(bench, select_cells(bench.catalog, benchmark, models, datasets), models)
    for line in skipped:
        click.echo(line, err=True)
    plan = make_plan(bench, cells, limit=limit, keep_errors=keep_errors)
    planned = chosen(plan, choice)
    click.echo(summary(plan), err=True)
    order = Order(
        asking=Asking(limit=limit, again=everything, keep_errors=keep_errors),
        stages=[stage for stage in CELL_ASSETS if not stages or stage in stages],
        everything=everything,
        jobs=jobs,
    )
    started = time.monotonic()
    runner = CellRunner(bench)
    try:
        runner.sync(cells)
        with progress.showing(len(planned)):
            outcomes = run_cells(bench, runner, planned, [cell.dataset for cell in cells], order, progress.cell_done)
    finally:
        runner.close()
    failed = [outcome for outcome in outcomes if outcome.reason]
    open_ = {} if keep_errors else _unanswered(bench, [each.cell for each in outcomes if each.cell in cells])
    if as_json:
        print_json(_as_json(outcomes, cells, open_))
    else:
        _print_summary(bench, cells, len(planned), failed, time.monotonic() - started)
    for cell, count in open_.items():
        says = "ended in an error or a timeout; the next run asks them again, with --keep-errors they stay"
        click.echo(f"unanswered: {cell}: {count} {says}", err=True)
    if failed or open_:
        context.exit(1)


def _unanswered(bench: "Bench", cells: "list[Cell]") -> "dict[Cell, str]":
    """How many samples of how many have no answer, of cells where some have none."""
    found = {}
    for cell in cells:
        manifest = bench.store.manifest("answers", cell.dataset, cell.model)
        if manifest is not None and manifest.facts.get("asked_again_next"):
            found[cell] = f"{manifest.facts['asked_again_next']} of {manifest.facts['samples']} samples"
    return found


def _choice(*, everything: bool, only_missing: bool, retry_failed: bool) -> "Choice":
    if everything + only_missing + retry_failed > 1:
        raise click.UsageError("--all, --only-missing and --retry-failed exclude each other")
    if everything:
        return "all"
    return "only_missing" if only_missing else "retry_failed" if retry_failed else "needed"


def _print_summary(
    bench: "Bench", cells: "list[Cell]", planned: int, failed: "list[CellOutcome]", seconds: float
) -> None:
    from vlmbench_assets.cli.leaderboard import print_leaderboard
    from vlmbench_assets.make.benchmark_leaderboard import benchmarks_to_show

    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        print_leaderboard(bench, dataset)
    fresh = len(cells) - planned
    failed_cells = [outcome for outcome in failed if outcome.cell in cells]
    untouched = f"; {fresh} left as they are" if fresh else ""
    click.echo(f"{planned - len(failed_cells)} of {planned} cells done in {seconds:.0f} s{untouched}")
    for reason, names in together([(outcome.reason, str(outcome.cell)) for outcome in failed]).items():
        click.echo(f"failed: {', '.join(names)}: {reason}", err=True)
    click.echo(f"reports:      {bench.store.root / 'report'}/MODEL/DATASET/report.html")
    click.echo(f"leaderboards: {bench.store.root / 'leaderboard'}/DATASET/leaderboard.html")
    for name in benchmarks_to_show(bench, [cell.dataset for cell in cells]):
        page = bench.store.folder("benchmark_leaderboard", name) / "leaderboard.html"
        if page.exists():
            click.echo(f"benchmark {name}: {page}")


def _as_json(outcomes: "list[CellOutcome]", cells: "list[Cell]", unanswered: "dict[Cell, str]") -> list[dict[str, str]]:
    ran = {outcome.cell for outcome in outcomes}
    return [
        {
            "model": outcome.cell.model,
            "dataset": outcome.cell.dataset,
            "state": "failed" if outcome.reason else "done",
            "reason": outcome.reason,
            "unanswered": unanswered.get(outcome.cell, ""),
        }
        for outcome in outcomes
    ] + [
        {"model": cell.model, "dataset": cell.dataset, "state": "untouched", "reason": "", "unanswered": ""}
        for cell in cells
        if cell not in ran
    ]
