"""Compare two scored states of one dataset: which samples flipped, which slices moved, and whether it is noise.

Both states answer the same samples, so differences are taken sample by sample, and documents, not samples,
are what is drawn and flipped: fields of one page are not independent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vlmbench_assets.work.aggregate import OVERALL, counted, group_values, joined
from vlmbench_sdk import MetricPlugin

Verdict = Literal["better", "worse", "inside the noise", "no difference", "cannot be told"]
SEED = 20240501
DRAWS = 2000
FLIPS = 10_000
EXACT_DOCUMENTS = 13
"""Up to so many documents every flip of signs is tried: 2**13 are fewer than `FLIPS`."""
FEWEST_DOCUMENTS = 6
"""With five documents the smallest two-sided p-value is 2 / 2**5 = 0.0625, above any usual level."""
LEVEL = 0.05
BATCH = 1_000_000
"""Numbers held at once: with 5,000 documents all draws in one matrix took 430 MB."""

Sums = NDArray[np.float64]
"""Shape (rows, 4): score times weight in the first state and in the second, then the two weights."""
SCORES, WEIGHTS = slice(0, 2), slice(2, 4)


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
    verdict: Verdict = "cannot be told"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs between two states."""

    overall: Difference
    slices: list[tuple[str, str, Difference]]
    """Dimension, group and difference; those that moved, most first."""
    flips: pd.DataFrame
    """Samples whose score differs: sample_id, field, question, references, first, second, difference, moved (better or
    worse), and both answers and statuses; largest loss first."""
    only_first: list[str]
    only_second: list[str]


def compare(
    first: Scored, second: Scored, metric: str, plugin: MetricPlugin, dimensions: Sequence[str] = ()
) -> Comparison:
    """Compare two states by one metric; failed answers count as its worst value.

    Args:
        first: The state before, or one model.
        second: The state after, or another model.
        metric: Name of the metric entry.
        plugin: The plugin behind it: direction, range, how it aggregates.
        dimensions: What to look for movement in.
    """
    both = _paired(first, second, metric, plugin)
    slices = [
        (dimension, str(group), _difference(part, plugin))
        for dimension in dimensions
        if dimension != OVERALL
        for group, part in both.groupby(group_values(both, dimension), sort=True)
    ]
    moved = [found for found in slices if found[2].difference]
    ids = [set(each.answers["sample_id"]) for each in (first, second)]
    return Comparison(
        overall=_difference(both, plugin),
        slices=sorted(moved, key=lambda found: -abs(found[2].difference or 0.0)),
        flips=_flips(both, first, second, plugin),
        only_first=sorted(ids[0] - ids[1]),
        only_second=sorted(ids[1] - ids[0]),
    )


def _paired(first: Scored, second: Scored, metric: str, plugin: MetricPlugin) -> pd.DataFrame:
    """Samples that count in both states, with both scores; slices and questions are those of the second."""
    one, two = (
        counted(scores[scores["metric"] == metric], plugin, "failures_worst")
        for scores in (joined(each.samples, each.answers, each.metrics) for each in (first, second))
    )
    both = two.merge(one[["sample_id", "value", "weight"]], on="sample_id", suffixes=("", "_first"))
    both = both.sort_values("sample_id", kind="stable", ignore_index=True)
    both["document"] = pd.factorize(both["doc_id"], sort=True)[0]
    return both.assign(change=both["value"] - both["value_first"])


def _difference(both: pd.DataFrame, plugin: MetricPlugin) -> Difference:
    sums = _sums(both)
    totals = sums.sum(axis=0)
    if min(totals[WEIGHTS]) <= 0:
        return Difference(len(both), len(sums), None, None, None)
    first, second = (float(score) for score in totals[SCORES] / totals[WEIGHTS])
    found = Difference(len(both), len(sums), first, second, second - first)
    if not both["change"].any() and (both["weight"] == both["weight_first"]).all():
        return _with(found, 0.0, 0.0, 1.0, "no difference")
    low, high = _interval(sums)
    p_value = _p_value(sums)
    return _with(found, low, high, p_value, _verdict(found, p_value, plugin))


def _sums(both: pd.DataFrame) -> Sums:
    """Each document's sums in both states.

    Each state has weights of its own: where references were edited, the length that edits are divided by
    is another one, and an average of both would be the score of neither.
    """
    numbers = np.unique(both["document"], return_inverse=True)[1]
    columns = [
        (both["value_first"] * both["weight_first"], both["value"] * both["weight"]),
        (both["weight_first"], both["weight"]),
    ]
    flat = [column.to_numpy(dtype=np.float64) for pair in columns for column in pair]
    documents = int(both["document"].nunique())
    return np.column_stack([np.bincount(numbers, weights=each, minlength=documents) for each in flat])


def _interval(sums: Sums) -> tuple[float, float]:
    """95 % percentile interval of the difference, by drawing documents with replacement.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), ch. 13; documents as clusters:
    Davison & Hinkley, Bootstrap Methods and their Application (1997), §3.8.
    """
    chance = np.random.default_rng(SEED)
    documents = len(sums)
    drawn = [
        _change(sums[chance.integers(documents, size=(rows, documents))].sum(axis=1))
        for rows in _batches(DRAWS, documents)
    ]
    low, high = np.nanpercentile(np.concatenate(drawn), [2.5, 97.5])
    return float(low), float(high)


def _p_value(sums: Sums) -> float:
    """Two-sided p-value of a paired permutation test over documents.

    Under no difference a document's two states are as likely the other way round; for equal weights swapping
    them flips the sign of its change. Exact for few documents, else `FLIPS` seeded draws with the observed one
    counted. Source: Fisher, The Design of Experiments (1935), §21; for comparisons of systems, also by ratios:
    Noreen, Computer-Intensive Methods for Testing Hypotheses (1989), ch. 2; Dror et al., ACL 2018, P18-1128.
    """
    documents = len(sums)
    observed = abs(float(_change(sums.sum(axis=0)[None])[0]))
    # Sums of the same numbers in another order differ in their last digits.
    least = observed - 1e-12 * float(np.abs(sums[:, SCORES]).sum() / sums[:, WEIGHTS].sum(axis=0).min())
    exact = documents <= EXACT_DOCUMENTS
    extreme = sum(
        # What cannot be divided counts as extreme: the test then claims less, not more.
        int(np.count_nonzero(~(np.abs(_change(_swapped(sums, signs))) < least)))
        for signs in (_all_signs(documents) if exact else _some_signs(documents))
    )
    return extreme / 2**documents if exact else (extreme + 1) / (FLIPS + 1)


def _all_signs(documents: int) -> Iterator[NDArray[np.float64]]:
    bits = (np.arange(2**documents)[:, None] >> np.arange(documents)) & 1
    yield (1 - 2 * bits).astype(np.float64)


def _some_signs(documents: int) -> Iterator[NDArray[np.float64]]:
    chance = np.random.default_rng(SEED)
    for rows in _batches(FLIPS, documents):
        yield (1 - 2 * chance.integers(2, size=(rows, documents), dtype=np.int8)).astype(np.float64)


def _swapped(sums: Sums, signs: NDArray[np.float64]) -> Sums:
    """Totals with the states of the documents of sign -1 swapped, one row per row of signs."""
    first, second = sums[:, [0, 2]], sums[:, [1, 3]]
    middle, half = (first + second).sum(axis=0) / 2, signs @ ((second - first) / 2)
    one, two = middle - half, middle + half
    return np.column_stack([one[:, 0], two[:, 0], one[:, 1], two[:, 1]])


def _change(totals: Sums) -> NDArray[np.float64]:
    """Second score minus first of each row; NaN where a state weighs nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = totals[:, SCORES] / totals[:, WEIGHTS]
        return np.asarray(scores[:, 1] - scores[:, 0], dtype=np.float64)


def _batches(total: int, documents: int) -> Iterator[int]:
    """Numbers of rows that together make `total`, each of a matrix that stays small."""
    rows = max(1, BATCH // documents)
    for start in range(0, total, rows):
        yield min(rows, total - start)


def _verdict(found: Difference, p_value: float, plugin: MetricPlugin) -> Verdict:
    if found.documents < FEWEST_DOCUMENTS:
        return "cannot be told"
    if p_value > LEVEL or not found.difference:
        return "inside the noise"
    return "better" if (found.difference > 0) == plugin.higher_is_better else "worse"


def _with(found: Difference, low: float, high: float, p_value: float, verdict: Verdict) -> Difference:
    return Difference(
        found.samples, found.documents, found.first, found.second, found.difference, low, high, p_value, verdict
    )


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
