"""Who is best in each slice of a dataset, and whether that is more than noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from vlmbench_assets.work.combined import Combine, scores_of
from vlmbench_assets.work.compare import Difference, corrected_for_number, difference, paired_rows
from vlmbench_assets.work.rank import Ranking
from vlmbench_sdk import MetricPlugin

DIMENSIONS = ("field", "doc_type", "subset", "language")
FEWEST = 2
"""Groups that make a dimension, and models that make a comparison."""
SEPARATOR = "/"
"""Between the name of a dataset and an id: no dataset has it in its name."""
MOST_SLICES = 40
"""Of each dimension, those with most samples."""


@dataclass(frozen=True, slots=True)
class Winner:
    """The best model of a slice, held against the next."""

    dimension: str
    group: str
    samples: int
    best: tuple[str, ...]
    """Several where their scores are equal."""
    score: float
    following: str
    """The next one; one of the best, where there are several."""
    following_score: float
    difference: Difference
    """Of the following one to the best one; corrected for the number of groups of the dimension."""


def winners(
    scores: Mapping[str, pd.DataFrame], slices: pd.DataFrame, plugin: MetricPlugin, combine: Combine | None = None
) -> list[Winner]:
    """The best model of every slice.

    A test of the best against the next one needs no correction for having looked who they are: Hung & Fithian, Rank
    Verification for Exponential Families, Annals of Statistics 47 (2019). It is corrected for the groups of its
    dimension, as `compare` does it, so that both say the same.
    A dimension that tells nothing apart is left out, and so are samples that it says nothing of.

    Args:
        scores: By model what counts of its headline, on the same samples, at least two models.
        slices: Column sample_id, and those of `DIMENSIONS`.
        plugin: The metric behind the scores.
        combine: For a metric whose value is no mean of samples.
    """
    held = {model: rows.merge(slices, on="sample_id") for model, rows in scores.items()}
    some = next(iter(held.values()))
    found: list[Winner] = []
    for dimension in DIMENSIONS:
        sizes = some.loc[some[dimension] != "", dimension].value_counts()
        if len(sizes) < FEWEST:
            continue
        best: list[Winner] = []
        for group in sorted(sizes.sort_index().sort_values(ascending=False, kind="stable").index[:MOST_SLICES]):
            parts = {model: rows[rows[dimension] == group] for model, rows in held.items()}
            best += _winner(dimension, str(group), parts, plugin, combine)
        told = corrected_for_number([each.difference for each in best], plugin)
        found += [replace(each, difference=after) for each, after in zip(best, told, strict=True)]
    return found


def over_datasets(
    rankings: Mapping[str, Ranking], models: Sequence[str]
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """The scores and the slices of several datasets as one, for `winners`: only of slices that several of them have.

    Args:
        rankings: By dataset, ranked by one metric.
        models: Those that can be compared on every dataset.
    """
    names = ["sample_id", *DIMENSIONS]
    slices = pd.concat(
        [
            ranking.samples[names].assign(sample_id=dataset + SEPARATOR + ranking.samples["sample_id"], dataset=dataset)
            for dataset, ranking in rankings.items()
            if ranking.samples is not None
        ]
        or [pd.DataFrame(columns=[*names, "dataset"])],
        ignore_index=True,
    )
    for dimension in DIMENSIONS:
        datasets = slices.groupby(dimension)["dataset"].transform("nunique")
        slices[dimension] = slices[dimension].where(datasets >= FEWEST, "")
    scores = {
        model: pd.concat(
            [
                rows.assign(**{name: dataset + SEPARATOR + rows[name] for name in ("sample_id", "doc_id")})
                for dataset, ranking in rankings.items()
                for rows in [ranking.scores[model]]
            ],
            ignore_index=True,
        )
        for model in models
    }
    return scores, slices.drop(columns="dataset")


def _winner(
    dimension: str, group: str, parts: Mapping[str, pd.DataFrame], plugin: MetricPlugin, combine: Combine | None
) -> list[Winner]:
    values = {model: value for model, rows in parts.items() if (value := _value(rows, combine)) is not None}
    ordered: Sequence[str] = sorted(values, key=lambda model: values[model], reverse=plugin.higher_is_better)
    if len(ordered) < FEWEST:
        return []
    best, following = ordered[:2]
    columns = ["sample_id", "doc_id", "value", "weight", "category", "detail"]
    both = paired_rows(parts[best][columns], parts[following][columns].drop(columns="doc_id"), ["sample_id"])
    told = difference(both, plugin, combine)
    tied = tuple(model for model in ordered if values[model] == values[best])
    return [Winner(dimension, group, len(both), tied, values[best], following, values[following], told)]


def _value(rows: pd.DataFrame, combine: Combine | None) -> float | None:
    if combine is not None:
        return combine(scores_of(rows)) if len(rows) else None
    weight = float(rows["weight"].sum())
    return float((rows["value"] * rows["weight"]).sum()) / weight if weight > 0 else None
