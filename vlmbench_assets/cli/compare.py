"""`vlmbench compare`: are these models different, and where?"""

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
    from vlmbench_assets.comparing import ComparedDataset, ComparedPair
    from vlmbench_assets.work.compare import Difference

FEWEST = 2
SMALLEST_P = 0.001


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option(
    "--dataset", "datasets", multiple=True, help="On these only; default: all that every model has scores of."
)
@click.option("--metric", default="", help="Compare by this metric; default: the headline.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=10, show_default=True, help="Show so many slices of each pair."
)
@workspace_option
@json_option
def compare(
    *,
    models: tuple[str, ...],
    datasets: tuple[str, ...],
    metric: str,
    limit: int,
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Compare MODELS on the samples that they share: paired tests over documents, corrected for their number."""
    from vlmbench_assets.comparing import compare_models, shared_datasets

    different = tuple(dict.fromkeys(models))
    if len(different) < FEWEST:
        again = f"; {models[0]} is named {len(models)} times" if len(models) > 1 else ""
        raise click.UsageError(f"name at least two models{again}")
    models = different
    bench = open_workspace(workspace)
    refuse_unknown("model", models, sorted(bench.catalog.models))
    refuse_unknown("dataset", datasets, sorted(bench.catalog.datasets))
    refuse_unknown("metric", [metric] if metric else [], sorted(bench.catalog.metrics))
    chosen = datasets or shared_datasets(bench, models)
    if not chosen:
        raise WorkspaceError(
            "there is no dataset on which all of them were scored",
            where=", ".join(models),
            fix="Run them first with `vlmbench run`",
        )
    found = [compare_models(bench, models, dataset, metric) for dataset in chosen]
    if as_json:
        print_json([_as_json(each) for each in found])
        return
    for each in found:
        _print(each, limit)


def _print(found: "ComparedDataset", limit: int) -> None:
    direction = "higher" if found.higher_is_better else "lower"
    click.echo(f"\n{found.dataset}: {found.metric} ({direction} is better)")
    header = ["from", "to", "n", "documents", "score from", "score to", "change", "95 %", "p", "p (Holm)", "detectable"]
    rows = [
        [pair.first, pair.second, *_figures(pair.comparison.overall), _wins(pair), pair.comparison.overall.verdict]
        for pair in found.pairs
    ]
    print_table([*header, "win/tie/loss", "verdict"], rows, right=header[2:])
    for model, warnings in found.warnings.items():
        click.echo(f"{model}: {'; '.join(warnings)}")
    for pair in found.pairs:
        for line in _left_out(pair):
            click.echo(line)
    for pair in found.pairs:
        _print_slices(pair, limit)
    if found.robustness:
        click.echo("from clean to each degradation, paired by document and question:")
        rows = [
            [model, name, *_figures(each), each.verdict]
            for model, all_ in found.robustness.items()
            for name, each in all_
        ]
        print_table(
            ["model", "subset", *header[2:4], "clean", "damaged", *header[6:], "verdict"], rows, right=header[2:]
        )


def _print_slices(pair: "ComparedPair", limit: int) -> None:
    slices = pair.comparison.slices
    if not slices:
        return
    click.echo(f"{pair.first} → {pair.second} by slice, p corrected over the groups of each dimension:")
    rows = [
        [
            dimension,
            group or "(none)",
            str(each.samples),
            _number(each.difference),
            _p(each.p_holm),
            f"{each.wins}/{each.ties}/{each.losses}",
            each.verdict,
        ]
        for dimension, group, each in slices[:limit]
    ]
    print_table(
        ["dimension", "group", "n", "change", "p (Holm)", "win/tie/loss", "verdict"], rows, right=["n", "change"]
    )
    if len(slices) > limit:
        click.echo(f"and {len(slices) - limit} more; --limit shows them, --json gives all")


def _left_out(pair: "ComparedPair") -> list[str]:
    """What of the samples is not compared, in words."""
    found = pair.comparison
    parts = [
        (found.only_first, f"asked of {pair.first} only"),
        (found.only_second, f"asked of {pair.second} only"),
        (found.scored_first, f"with a score for {pair.first} only"),
        (found.scored_second, f"with a score for {pair.second} only"),
        (found.changed, f"with another question, images or references for {pair.first} than for {pair.second}"),
    ]
    return [f"left out: {len(ids)} samples {why}, such as {ids[0]}" for ids, why in parts if ids]


def _wins(pair: "ComparedPair") -> str:
    found = pair.comparison.overall
    return f"{found.wins}/{found.ties}/{found.losses}"


def _figures(found: "Difference") -> list[str]:
    ends = f"{found.low:+.3f} to {found.high:+.3f}" if found.low is not None and found.high is not None else "—"
    return [
        str(found.samples),
        str(found.documents),
        _number(found.first, sign=False),
        _number(found.second, sign=False),
        _number(found.difference),
        ends,
        _p(found.p_value),
        _p(found.p_holm),
        _number(found.mde, sign=False),
    ]


def _p(value: float | None) -> str:
    return "<0.001" if value is not None and value < SMALLEST_P else _number(value, sign=False)


def _number(value: float | None, *, sign: bool = True) -> str:
    if value is None:
        return "—"
    return f"{value:+.3f}" if sign else f"{value:.3f}"


def _as_json(found: "ComparedDataset") -> dict[str, object]:
    return {
        "dataset": found.dataset,
        "metric": found.metric,
        "higher_is_better": found.higher_is_better,
        "pairs": [
            {
                "first": pair.first,
                "second": pair.second,
                "overall": asdict(pair.comparison.overall),
                "slices": [
                    {"dimension": dimension, "group": group, **asdict(each)}
                    for dimension, group, each in pair.comparison.slices
                ],
                "only_first": pair.comparison.only_first,
                "only_second": pair.comparison.only_second,
                "scored_first": pair.comparison.scored_first,
                "scored_second": pair.comparison.scored_second,
                "changed": pair.comparison.changed,
            }
            for pair in found.pairs
        ],
        "warnings": found.warnings,
        "robustness": {
            model: [{"subset": name, **asdict(each)} for name, each in drops]
            for model, drops in found.robustness.items()
        },
    }
