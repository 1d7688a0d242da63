"""Compare two scored states of one dataset: which samples flipped, which slices moved, and whether it is noise.

Both states answer the same samples, so differences are taken sample by sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from vlmbench_assets.work.aggregate import BETWEEN, OVERALL, counted, group_values, joined
from vlmbench_assets.work.combined import Combine, combined_change
from vlmbench_assets.work.paired import LEVEL, SCORES, WEIGHTS, Sums, by_t, holm, interval, p_value, smallest_p
from vlmbench_assets.work.statistics import POWER, t_quantile
from vlmbench_sdk import MetricPlugin

Verdict = Literal["better", "worse", "inside the noise", "no difference", "cannot be told"]
FEWEST_GROUPS = 2
FEWEST_DOCUMENTS = 6
"""With five documents the smallest two-sided p-value is 2 / 2**5 = 0.0625, above any usual level."""

ASKED = ("question", "references", "image_sha256")
"""What a sample asks and accepts."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One state: three tables of a cell."""

    samples: pd.DataFrame
    answers: pd.DataFrame
    metrics: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Difference:
    """The paired difference of a metric, second state minus first, over the samples of both."""

    samples: int
    documents: int
    first: float | None
    second: float | None
    difference: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    p_holm: float | None = None
    """Corrected for the other comparisons made beside this one; None where it stands alone."""
    mde: float | None = None
    """The smallest difference that so many documents as these show in 80 % of cases."""
    wins: int = 0
    """Samples on which the second state is better."""
    ties: int = 0
    losses: int = 0
    verdict: Verdict = "cannot be told"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs between two states."""

    overall: Difference
    slices: list[tuple[str, str, Difference]]
    """Dimension, group and difference; those that moved most first. Corrected for how many groups a dimension has."""
    flips: pd.DataFrame
    """Samples whose score differs: sample_id, field, question, references, first, second, difference, moved (better or
    worse), and both answers and statuses; largest loss first."""
    only_first: list[str]
    only_second: list[str]
    scored_first: list[str]
    """Samples left out because of both answers only the first has a score, such as a checksum of an empty answer."""
    scored_second: list[str]
    changed: list[str]
    """Samples left out because they ask or accept something else in the second state."""

    @property
    def moved(self) -> list[tuple[str, str, Difference]]:
        """The slices that moved at all."""
        return [each for each in self.slices if each[2].difference]


def compare(
    first: Scored,
    second: Scored,
    metric: str,
    plugin: MetricPlugin,
    dimensions: Sequence[str] = (),
    *,
    combine: Combine | None = None,
    same_gold: bool = False,
) -> Comparison:
    """Compare two states by one metric; failed answers count as its worst value.

    Args:
        first: The state before, or one model.
        second: The state after, or another model.
        metric: Name of the metric entry.
        plugin: The plugin behind it: direction, range, how it aggregates.
        dimensions: What to look for movement in; one with a single group says no more than all samples do, and is
            left out, as samples are that a dimension has no value for.
        combine: For a metric whose value is no mean of samples, what makes it from the scores of a group.
        same_gold: Leave out samples that ask or accept something else in the second state.
    """
    one, two = (counted_rows(each, metric, plugin) for each in (first, second))
    both = paired_rows(two, one[_PAIRED], ["sample_id"])
    other = pd.Series(data=False, index=both.index)
    if same_gold:
        for name in ASKED:
            other |= both[name] != both[f"{name}_first"]
    changed = sorted(both.loc[other, "sample_id"])
    both = both[~other].reset_index(drop=True)
    slices = [
        (dimension, group, each)
        for dimension in dimensions
        if dimension != OVERALL
        for group, each in _slices(both, dimension, plugin, combine)
    ]
    ids = [set(each.answers["sample_id"]) for each in (first, second)]
    counts = [set(each["sample_id"]) for each in (one, two)]
    return Comparison(
        overall=difference(both, plugin, combine),
        slices=sorted(slices, key=lambda found: -abs(found[2].difference or 0.0)),
        flips=_flips(both, first, second, plugin),
        only_first=sorted(ids[0] - ids[1]),
        only_second=sorted(ids[1] - ids[0]),
        scored_first=sorted((counts[0] - counts[1]) & ids[1]),
        scored_second=sorted((counts[1] - counts[0]) & ids[0]),
        changed=changed,
    )


_PAIRED = ["sample_id", "value", "weight", "category", "detail", *ASKED]


def counted_rows(state: Scored, metric: str, plugin: MetricPlugin) -> pd.DataFrame:
    """Samples of a state that count for a metric, failed answers as its worst value."""
    scores = state.metrics[state.metrics["metric"] == metric]
    return counted(joined(state.samples, state.answers, scores), plugin, "failures_worst")


def _slices(
    both: pd.DataFrame, dimension: str, plugin: MetricPlugin, combine: Combine | None
) -> list[tuple[str, Difference]]:
    """Each group's difference, corrected within the dimension: what it says must not depend on what else was asked."""
    values = group_values(both, dimension)
    values = values[values.str.strip(BETWEEN) != ""]
    if values.nunique() < FEWEST_GROUPS:
        return []
    parts = both.loc[values.index].groupby(values, sort=True)
    found = [(str(group), difference(part, plugin, combine)) for group, part in parts]
    told = corrected_for_number([each for _, each in found], plugin)
    return [(group, each) for (group, _), each in zip(found, told, strict=True)]


def paired_rows(two: pd.DataFrame, one: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Rows of both states side by side; columns of the first end in `_first`."""
    both = two.merge(one, on=key, suffixes=("", "_first"))
    both = both.sort_values("sample_id", kind="stable", ignore_index=True)
    return both.assign(change=both["value"] - both["value_first"])


def difference(
    both: pd.DataFrame, plugin: MetricPlugin, combine: Combine | None = None, *, tested: bool = True
) -> Difference:
    """The difference over some samples, with its interval and what can be said of it.

    Args:
        both: Samples of both states, as `paired_rows` gives them.
        plugin: The metric behind their scores.
        combine: For a metric whose value is no mean of samples.
        tested: Whether its p-value is wanted, which most of the time goes to.
    """
    documents = pd.factorize(both["doc_id"], sort=True)[0]
    sums = _sums(both, documents)
    totals = sums.sum(axis=0)
    better = (both["change"] > 0) == plugin.higher_is_better
    moved = both["change"] != 0
    wins, losses = int((moved & better).sum()), int((moved & ~better).sum())
    found = Difference(len(both), len(sums), None, None, None, wins=wins, ties=len(both) - wins - losses, losses=losses)
    if min(totals[WEIGHTS]) <= 0:
        return found
    if combine is not None:
        return _of_combined(found, both, documents, plugin, combine)
    first, second = (float(score) for score in totals[SCORES] / totals[WEIGHTS])
    found = replace(found, first=first, second=second, difference=second - first)
    if not moved.any() and (both["weight"] == both["weight_first"]).all():
        return replace(found, low=0.0, high=0.0, p_value=1.0, verdict="no difference")
    error, low, high = interval(sums)
    if plugin.lower is not None and plugin.upper is not None:
        # No two scores are further apart; few documents, of which one stands out, would say so otherwise.
        reach = plugin.upper - plugin.lower
        low, high = max(low, -reach), min(high, reach)
    return _judged(_with(found, error, low, high, p_value(sums) if tested else None), plugin)


def corrected_for_number(found: Sequence[Difference], plugin: MetricPlugin) -> list[Difference]:
    """Differences with p-values corrected for how many there are, and the verdicts that follow.

    Where even the smallest p-values that so many documents can have would not stay below the level once corrected, a
    difference that is no more than noise could not have been told from one that is.
    """
    tested = [number for number, each in enumerate(found) if each.p_value is not None]
    adjusted = holm([found[number].p_value or 0.0 for number in tested])
    smallest = holm([smallest_p(found[number].documents) for number in tested])
    by_number = {number: each for number, *each in zip(tested, adjusted, smallest, strict=True)}
    return [
        _judged(replace(each, p_holm=by_number[number][0]), plugin, by_number[number][1])
        if number in by_number
        else each
        for number, each in enumerate(found)
    ]


def _sums(both: pd.DataFrame, documents: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Sums:
    """Each document's sums in both states.

    Each state has weights of its own: where references were edited, the length that edits are divided by
    is another one, and an average of both would be the score of neither.
    """
    columns = [
        (both["value_first"] * both["weight_first"], both["value"] * both["weight"]),
        (both["weight_first"], both["weight"]),
    ]
    flat = [column.to_numpy(dtype=np.float64) for pair in columns for column in pair]
    sums = np.column_stack([np.bincount(documents, weights=each) for each in flat]).reshape(-1, 4)
    # What weighs nothing in both states can be drawn and flipped without any effect.
    return np.asarray(sums[sums[:, WEIGHTS].sum(axis=1) > 0], dtype=np.float64)


def _of_combined(
    found: Difference,
    both: pd.DataFrame,
    documents: np.ndarray[tuple[int], np.dtype[np.int64]],
    plugin: MetricPlugin,
    combine: Combine,
) -> Difference:
    """Of a metric that is no mean: by the spread of the difference in resamples of documents, and Student's t."""
    from scipy.special import stdtr

    columns = ["value", "weight", "category", "detail"]
    one = both[[f"{name}_first" for name in columns]].set_axis(columns, axis=1)
    first, second, error = combined_change(one, both[columns], documents, combine)
    if first is None or second is None:
        return found
    found = replace(found, first=first, second=second, difference=second - first)
    if second == first and not error:
        return replace(found, low=0.0, high=0.0, p_value=1.0, verdict="no difference")
    p = float(2 * stdtr(found.documents - 1, -abs(second - first) / error)) if error else None
    return _judged(_with(found, *by_t(second - first, error, found.documents), p), plugin)


def _with(found: Difference, error: float, low: float, high: float, p: float | None) -> Difference:
    known = not np.isnan(error)
    factor = t_quantile(found.documents - 1) + t_quantile(found.documents - 1, POWER) if known else np.nan
    ends = (low, high, factor * error) if known else (None, None, None)
    return replace(found, low=ends[0], high=ends[1], mde=ends[2], p_value=p)


def _judged(found: Difference, plugin: MetricPlugin, smallest: float = 0.0) -> Difference:
    p = found.p_holm if found.p_holm is not None else found.p_value
    if found.verdict == "no difference":
        return found
    if found.documents < FEWEST_DOCUMENTS or p is None or found.difference is None:
        return replace(found, verdict="cannot be told")
    if p > LEVEL or not found.difference:
        return replace(found, verdict="cannot be told" if smallest > LEVEL else "inside the noise")
    return replace(found, verdict="better" if (found.difference > 0) == plugin.higher_is_better else "worse")


def _flips(both: pd.DataFrame, first: Scored, second: Scored, plugin: MetricPlugin) -> pd.DataFrame:
    flipped = both[both["change"] != 0]
    columns = ["sample_id", "field", "question", "references"]
    table = flipped[[*columns, "value_first", "value", "change"]].set_axis(
        [*columns, "first", "second", "difference"], axis=1
    )
    better = (table["difference"] > 0) == plugin.higher_is_better
    table["moved"] = np.where(better, "better", "worse")
    for name, state in (("first", first), ("second", second)):
        said = state.answers[["sample_id", "answer", "status"]]
        table = table.merge(said.set_axis(["sample_id", f"answer_{name}", f"status_{name}"], axis=1), on="sample_id")
    return table.sort_values("difference", ascending=plugin.higher_is_better, kind="stable", ignore_index=True)
