"""Compare two scored states of one dataset: which samples flipped, which slices moved, and whether it is noise.

Both states answer the same samples, so differences are taken sample by sample, and documents, not samples,
are what is drawn and flipped: fields of one page are not independent.
"""

from collections.abc import Sequence
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
    """Samples whose score differs: sample_id, field, question, references, first, second, difference, and both
    answers and statuses; largest loss first."""
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
    return both.assign(weight=(both["weight"] + both["weight_first"]) / 2, change=both["value"] - both["value_first"])


def _difference(both: pd.DataFrame, plugin: MetricPlugin) -> Difference:
    weights = both["weight"].to_numpy(dtype=np.float64)
    total = float(weights.sum())
    documents = int(both["document"].nunique())
    if total <= 0:
        return Difference(len(both), documents, None, None, None)
    means = [float((both[name].to_numpy() * weights).sum() / total) for name in ("value_first", "value")]
    numbers = np.unique(both["document"], return_inverse=True)[1]
    change = both["change"].to_numpy(dtype=np.float64)
    moved = np.bincount(numbers, weights=weights * change, minlength=documents).astype(np.float64)
    sizes = np.bincount(numbers, weights=weights, minlength=documents).astype(np.float64)
    found = Difference(len(both), documents, means[0], means[1], float(moved.sum() / total))
    if not change.any():
        return _with(found, 0.0, 0.0, 1.0, "no difference")
    low, high = _interval(moved, sizes)
    p_value = _p_value(moved)
    return _with(found, low, high, p_value, _verdict(found, p_value, plugin))


def _interval(moved: NDArray[np.float64], sizes: NDArray[np.float64]) -> tuple[float, float]:
    """95 % percentile interval of the difference, by drawing documents with replacement.

    Source: Efron & Tibshirani, An Introduction to the Bootstrap (1993), ch. 13; documents as clusters:
    Davison & Hinkley, Bootstrap Methods and their Application (1997), §3.8.
    """
    chance = np.random.default_rng(SEED)
    drawn = chance.integers(len(moved), size=(DRAWS, len(moved)))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = moved[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.nanpercentile(means, [2.5, 97.5])
    return float(low), float(high)


def _p_value(moved: NDArray[np.float64]) -> float:
    """Two-sided p-value of a sign-flip permutation test over documents.

    Under no difference each document's change is as likely its negative. Exact for few documents, else
    `FLIPS` seeded draws with the observed one counted. Source: Fisher, The Design of Experiments (1935), §21;
    for paired comparisons of systems: Dror et al., ACL 2018, P18-1128.
    """
    documents = len(moved)
    observed = abs(float(moved.sum()))
    # Sums of the same numbers in another order differ in their last digits.
    tolerance = 1e-12 * float(np.abs(moved).sum())
    if documents <= EXACT_DOCUMENTS:
        bits = (np.arange(2**documents)[:, None] >> np.arange(documents)) & 1
        return float(np.mean(np.abs((1 - 2 * bits) @ moved) >= observed - tolerance))
    chance = np.random.default_rng(SEED)
    signs = chance.choice(np.array([-1, 1], dtype=np.int8), size=(FLIPS, documents))
    extreme = int(np.count_nonzero(np.abs(signs @ moved) >= observed - tolerance))
    return (extreme + 1) / (FLIPS + 1)


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
    for name, state in (("first", first), ("second", second)):
        said = state.answers[["sample_id", "answer", "status"]]
        table = table.merge(said.set_axis(["sample_id", f"answer_{name}", f"status_{name}"], axis=1), on="sample_id")
    return table.sort_values("difference", ascending=plugin.higher_is_better, kind="stable", ignore_index=True)
