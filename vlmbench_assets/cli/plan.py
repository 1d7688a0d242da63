"""`vlmbench plan`: what would run, why, and what it would take; starts nothing."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vlmbench_assets.cli.common import (
    json_option,
    open_workspace,
    print_json,
    print_table,
    select_cells,
    together,
    workspace_option,
)

if TYPE_CHECKING:
    from vlmbench_assets.plan import Estimate, Plan, PlannedCell

SOMETHING_TO_DO = 3
SHOWN_REASONS = 4
MINUTE, HOUR = 60, 3600
TOO_LONG = 100


@click.command()
@click.option("--benchmark", help="Only the cells of this benchmark; default: the only one there is.")
@click.option("--model", "models", multiple=True, help="Only this model; may be repeated.")
@click.option("--dataset", "datasets", multiple=True, help="Only this dataset; may be repeated.")
@click.option("--limit", type=click.IntRange(min=1), help="As of `run`: only the first samples are wanted.")
@click.option("--keep-errors", is_flag=True, help="As of `run`: failed answers may stay.")
@workspace_option
@json_option
@click.pass_context
def plan(
    context: click.Context,
    *,
    benchmark: str | None,
    models: tuple[str, ...],
    datasets: tuple[str, ...],
    limit: int | None,
    keep_errors: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Show what would run and why. Exit code 0 when there is nothing to do, 3 when there is something."""
    from vlmbench_assets.environment import without_optional
    from vlmbench_assets.plan import make_plan

    bench = open_workspace(workspace)
    cells, skipped = without_optional(bench, select_cells(bench.catalog, benchmark, models, datasets), models)
    made = make_plan(bench, cells, limit=limit, keep_errors=keep_errors)
    if as_json:
        print_json(_as_json(made, skipped))
    else:
        _print(made, skipped)
    if made.to_do or made.leaderboards or made.benchmarks:
        context.exit(SOMETHING_TO_DO)


def _print(made: "Plan", skipped: Sequence[str]) -> None:
    from vlmbench_assets.plan import summary

    for dataset, reasons in made.read.items():
        click.echo(f"dataset {dataset} was read for this plan: {'; '.join(reasons)}")
    for line in skipped:
        click.echo(line)
    rows = [
        [
            each.judged.cell.model,
            each.judged.cell.dataset,
            each.judged.state,
            ", ".join(each.judged.stages),
            f"{each.judged.to_ask} of {each.judged.samples}",
            _time(each.estimate.seconds),
            _tokens(each.estimate),
            _why(each),
        ]
        for each in made.to_do
    ]
    if rows:
        header = ["model", "dataset", "state", "run", "ask", "time", "tokens", "why"]
        print_table(header, rows, right=["ask", "time", "tokens"])
    for line in _notes(made):
        click.echo(line)
    click.echo(summary(made) + _total(made))


def _notes(made: "Plan") -> Iterator[str]:
    blocked = [(obstacle, str(each.judged.cell)) for each in made.to_do for obstacle in each.blocked]
    for obstacle, cells in together(blocked).items():
        yield f"blocked: {', '.join(cells)}: {obstacle}"
    for each in made.cells:
        if each.judged.imported:
            yield f"imported: {each.judged.cell}: from {each.judged.imported}, never asked"
    for dataset, found in made.leaderboards.items():
        yield f"leaderboard of {dataset}: {found.state}: {'; '.join(found.reasons)}"
    for benchmark, found in made.benchmarks.items():
        yield f"leaderboard of benchmark {benchmark}: {found.state}: {'; '.join(found.reasons)}"
    for dataset, number in made.without_gold.items():
        yield f"dataset {dataset}: {number} samples have no gold and will not be scored"
    for dataset, metrics in made.never_scoring.items():
        for metric in metrics:
            yield f"metric {metric} applies to no sample of {dataset}; see `applies_to` in its entry"
    for cell, note in made.unreadable_gold.items():
        yield f"{cell}: {note}"


def _why(each: "PlannedCell") -> str:
    reasons = each.judged.reasons
    more = f"; and {len(reasons) - SHOWN_REASONS} more" if len(reasons) > SHOWN_REASONS else ""
    return "; ".join(reasons[:SHOWN_REASONS]) + more


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    if seconds < TOO_LONG:
        return f"{seconds:.0f} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < TOO_LONG * MINUTE else f"{seconds / HOUR:.1f} h"


def _tokens(estimate: "Estimate") -> str:
    if estimate.seconds == 0.0:
        return ""
    if estimate.input_tokens is None:
        return "unknown"
    cost = f", {estimate.cost:.2f} {estimate.currency}" if estimate.cost is not None else ""
    return f"{estimate.input_tokens} in, {estimate.output_tokens} out{cost}"


def _total(made: "Plan") -> str:
    known = [each.estimate.seconds for each in made.to_do]
    if not known:
        return ""
    seconds = sum(each for each in known if each is not None)
    unknown = known.count(None)
    if unknown == len(known):
        return "; time unknown"
    return f"; about {_time(seconds)}" + (f" and {unknown} cells of unknown time" if unknown else "")


def _as_json(made: "Plan", skipped: Sequence[str]) -> dict[str, object]:
    return {
        "cells": [
            {
                "model": each.judged.cell.model,
                "dataset": each.judged.cell.dataset,
                "state": each.judged.state,
                "assets": {
                    asset: {"state": found.state, "reasons": list(found.reasons)}
                    for asset, found in each.judged.assets.items()
                },
                "samples": each.judged.samples,
                "to_ask": each.judged.to_ask,
                "reasons": each.judged.reasons,
                "imported": each.judged.imported,
                "blocked": list(each.blocked),
                "seconds": each.estimate.seconds,
                "input_tokens": each.estimate.input_tokens,
                "output_tokens": each.estimate.output_tokens,
                "cost": each.estimate.cost,
                "currency": each.estimate.currency,
            }
            for each in made.cells
        ],
        "unreadable": made.unreadable,
        "read": {dataset: list(reasons) for dataset, reasons in made.read.items()},
        "without_gold": made.without_gold,
        "never_scoring": {dataset: list(metrics) for dataset, metrics in made.never_scoring.items()},
        "unreadable_gold": made.unreadable_gold,
        "leaderboards": {dataset: list(found.reasons) for dataset, found in made.leaderboards.items()},
        "benchmark_leaderboards": {name: list(found.reasons) for name, found in made.benchmarks.items()},
        "left_out": list(skipped),
        "to_do": len(made.to_do),
    }
