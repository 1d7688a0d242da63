"""`vlmbench diff`: why did the score change, or how do two models differ?"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vlmbench_assets.cli.common import (
    json_option,
    open_workspace,
    print_json,
    print_table,
    refuse_unknown,
    workspace_option,
)
from vlmbench_sdk import WorkspaceError

if TYPE_CHECKING:
    from vlmbench_assets.bench import Bench
    from vlmbench_assets.difference import Explained, State
    from vlmbench_assets.work.compare import Difference

LONGEST = 60
SHOWN_SLICES = 10


@click.command()
@click.argument("model", required=False)
@click.argument("dataset", required=False)
@click.argument("a", required=False, type=int)
@click.argument("b", required=False, type=int)
@click.option("--models", nargs=2, help="Compare two models on --dataset instead.")
@click.option("--dataset", "on", help="The dataset of --models.")
@click.option("--metric", default="", help="Compare by this metric; default: the headline.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=20, show_default=True, help="Show so many samples that flipped."
)
@click.option("--list", "listing", is_flag=True, help="List the materialisations of the cell, with their numbers.")
@workspace_option
@json_option
def diff(
    *,
    model: str | None,
    dataset: str | None,
    a: int | None,
    b: int | None,
    models: tuple[str, str] | None,
    on: str | None,
    metric: str,
    limit: int,
    listing: bool,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Explain the difference between two materialisations A and B of a cell; by default its last two.

    A and B are numbers as `--list` shows them.
    """
    from vlmbench_assets.difference import explain

    bench = open_workspace(workspace)
    if models:
        if not on:
            raise click.UsageError("--models needs --dataset")
        if model or listing:
            raise click.UsageError("--models stands for itself: leave out MODEL, DATASET and --list")
        first, second = (_states(bench, name, on)[-1] for name in models)
    elif model and dataset:
        states = _states(bench, model, dataset)
        if listing:
            _list_states(states, as_json=as_json)
            return
        first, second = _pick(states, a, b)
    else:
        raise click.UsageError("name MODEL and DATASET, or --models M1 M2 --dataset D")
    explained = explain(bench, first, second, metric)
    if as_json:
        print_json(_as_json(explained))
    else:
        _print(explained, limit)


def _states(bench: "Bench", model: str, dataset: str) -> "list[State]":
    from vlmbench_assets.catalog import Cell
    from vlmbench_assets.difference import states_of

    # What nothing declares any more can be read as long as it is there.
    states = states_of(bench, Cell(model, dataset))
    if not states:
        refuse_unknown("model", [model], sorted(bench.catalog.models))
        refuse_unknown("dataset", [dataset], sorted(bench.catalog.datasets))
        raise WorkspaceError(
            "this cell was never scored", where=f"{model} × {dataset}", fix="Run it first with `vlmbench run`"
        )
    return states


def _pick(states: "list[State]", a: int | None, b: int | None) -> "tuple[State, State]":
    numbered = {state.number: state for state in states}
    where = f"{states[-1].metrics.model} × {states[-1].metrics.dataset}"
    known = ", ".join(map(str, numbered))
    for number in (a, b):
        if number is not None and number not in numbered:
            raise WorkspaceError(f"there is no materialisation {number}", where=where, fix=f"There are: {known}")
    second = numbered[b] if b is not None else states[-1]
    earlier = [state for state in states if state.number < second.number]
    if a is None and not earlier:
        raise WorkspaceError(
            "it was scored only once, so there is nothing to compare with", where=where, fix=f"There is: {known}"
        )
    return (numbered[a] if a is not None else earlier[-1]), second


def _list_states(states: "list[State]", *, as_json: bool) -> None:
    if as_json:
        print_json([{"number": each.number, **each.metrics.model_dump(mode="json")} for each in states])
        return
    rows = [
        [
            str(state.number),
            state.metrics.written_at,
            state.metrics.version,
            str(state.metrics.facts.get("rows", "")),
            str(state.metrics.facts.get("scored", "")),
        ]
        for state in states
    ]
    print_table(["number", "scored at", "version", "rows", "newly scored"], rows, right=["number", "rows"])


def _print(explained: "Explained", limit: int) -> None:
    found = explained.comparison
    click.echo(f"{explained.first.name} → {explained.second.name}")
    click.echo("what changed:")
    for reason in explained.reasons or ["nothing"]:
        click.echo(f"  {reason}")
    click.echo(_sentence(explained.metric, found.overall))
    for label, ids in (
        ("are in the first", found.only_first),
        ("are in the second", found.only_second),
        ("have a score in the first", found.scored_first),
        ("have a score in the second", found.scored_second),
    ):
        if ids:
            click.echo(f"{len(ids)} samples {label} only, such as {ids[0]}; they are left out")
    if found.moved:
        rows = [[dimension, group, *_figures(each)] for dimension, group, each in found.moved[:SHOWN_SLICES]]
        print_table(["dimension", "group", "n", "from", "to", "change", "verdict"], rows, right=["n", "change"])
    flips = found.flips
    better = int((flips["moved"] == "better").sum())
    click.echo(f"{len(flips)} samples flipped: {better} better, {len(flips) - better} worse")
    if len(flips):
        print_table(
            ["sample", "field", "from", "to", "first answer", "second answer", "references"],
            [
                [
                    row["sample_id"],
                    row["field"],
                    f"{row['first']:.3f}",
                    f"{row['second']:.3f}",
                    _said(row["answer_first"], row["status_first"]),
                    _said(row["answer_second"], row["status_second"]),
                    _cut(row["references"]),
                ]
                for row in flips.head(limit).to_dict("records")
            ],
            right=["from", "to"],
        )
    if len(flips) > limit:
        click.echo(f"and {len(flips) - limit} more; --limit shows them, --json gives all")


def _sentence(metric: str, found: "Difference") -> str:
    from vlmbench_assets.work.compare import FEWEST_DOCUMENTS

    if found.difference is None:
        return f"{metric}: no sample has a score in both, so nothing can be compared"
    ends = f" [{found.low:+.3f}, {found.high:+.3f}]" if found.low is not None and found.high is not None else ""
    few = f"; it takes {FEWEST_DOCUMENTS} to tell" if found.verdict == "cannot be told" else ""
    p_value = f", p = {found.p_value:.3f}" if found.p_value is not None else ""
    return (
        f"{metric}: {found.first:.3f} → {found.second:.3f}, {found.difference:+.3f}{ends}{p_value}: {found.verdict} "
        f"({found.samples} samples of {found.documents} documents{few})"
    )


def _figures(found: "Difference") -> list[str]:
    return [
        str(found.samples),
        f"{found.first:.3f}",
        f"{found.second:.3f}",
        f"{found.difference:+.3f}",
        found.verdict,
    ]


def _said(answer: str, status: str) -> str:
    return _cut(answer) if status == "ok" else f"({status}) {_cut(answer)}".strip()


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _as_json(explained: "Explained") -> dict[str, object]:
    found = explained.comparison
    flips: Sequence[dict[str, object]] = [
        {str(name): value for name, value in row.items()} for row in found.flips.to_dict("records")
    ]
    return {
        "first": explained.first.name,
        "second": explained.second.name,
        "metric": explained.metric,
        "reasons": explained.reasons,
        "overall": asdict(found.overall),
        "slices": [{"dimension": dimension, "group": group, **asdict(each)} for dimension, group, each in found.moved],
        "flips": flips,
        "only_first": found.only_first,
        "only_second": found.only_second,
        "scored_first": found.scored_first,
        "scored_second": found.scored_second,
    }
