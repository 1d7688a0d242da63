"""Which models of a dataset can be told apart, what ranks that leaves, and which of them nothing beats."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from vlmbench_assets.work.combined import Combine
from vlmbench_assets.work.compare import FEWEST_DOCUMENTS, difference, paired_rows
from vlmbench_assets.work.paired import FLIPS, LEVEL, holm, p_values, p_values_between
from vlmbench_sdk import MetricPlugin

FLIPS_PER_PAIR = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models, tested on the samples that both have."""

    first: str
    second: str
    samples: int
    """Samples that count in both."""
    difference: float | None
    """Second minus first; None where they share nothing."""
    p_holm: float
    """Corrected for the number of pairs."""
    p_value: float = 1.0
    """Of this pair alone; 1 where nothing can be told."""
    documents: int = 0
    wins: int = 0
    """Samples on which the second is better."""
    ties: int = 0
    losses: int = 0
    low: float | None = None
    high: float | None = None
    """95 % interval of this difference alone; None where it was not asked for."""

    @property
    def told(self) -> bool:
        """Whether the test tells them apart."""
        return self.p_holm <= LEVEL and bool(self.difference)

    def first_is_better(self, *, higher_is_better: bool) -> bool:
        """Which way the difference points."""
        return bool(self.difference) and ((self.difference or 0.0) < 0) == higher_is_better


def all_pairs(scores: Mapping[str, pd.DataFrame], plugin: MetricPlugin, combine: Combine | None = None) -> list[Pair]:
    """Test every pair of models, with Holm's correction over the pairs.

    Args:
        scores: By model what counts of its headline: sample_id, doc_id, value, weight, category, detail.
        plugin: The metric behind it.
        combine: For a metric whose value is no mean of samples.
    """
    found: dict[tuple[str, str], Pair] = {}
    names = list(combinations(scores, 2))
    # The smallest p-value that draws can give must still be small once it is corrected.
    flips = max(FLIPS, FLIPS_PER_PAIR * len(names))
    if combine is None:
        for models in _alike(scores):
            found |= _together({model: scores[model] for model in models}, plugin, flips)
    for first, second in names:
        if (first, second) not in found:
            found[first, second] = _alone(first, second, pair_rows(scores, first, second), plugin, combine, flips)
    return corrected([found[each] for each in names])


def pair_rows(scores: Mapping[str, pd.DataFrame], first: str, second: str) -> pd.DataFrame:
    """The samples that two models share, with both scores."""
    return paired_rows(scores[second], scores[first].drop(columns="doc_id"), ["sample_id"])


def _alike(scores: Mapping[str, pd.DataFrame]) -> list[list[str]]:
    """Models whose scores are of the same samples with the same weights."""
    found: dict[tuple[int, ...], list[str]] = {}
    for model, rows in scores.items():
        same = pd.util.hash_pandas_object(rows[["sample_id", "doc_id", "weight"]], index=False).sort_values()
        found.setdefault(tuple(same.tolist()), []).append(model)
    return [models for models in found.values() if len(models) > 1]


def _together(scores: Mapping[str, pd.DataFrame], plugin: MetricPlugin, flips: int) -> dict[tuple[str, str], Pair]:
    """Every pair of models that answered the same, worked out at once."""
    held = [rows.sort_values("sample_id", kind="stable") for rows in scores.values()]
    weight = held[0]["weight"].to_numpy(dtype=np.float64)
    documents, ids = pd.factorize(held[0]["doc_id"], sort=True)
    values = [rows["value"].to_numpy(dtype=np.float64) for rows in held]
    sums = np.column_stack([np.bincount(documents, each * weight, len(ids)) for each in values]).astype(np.float64)
    p = p_values_between(sums, flips) if len(ids) >= FEWEST_DOCUMENTS else {}
    total, up = float(weight.sum()), 1 if plugin.higher_is_better else -1
    found = {}
    for (one, first), (two, second) in combinations(enumerate(scores), 2):
        change = values[two] - values[one]
        wins, losses = int((change * up > 0).sum()), int((change * up < 0).sum())
        changed = float((change * weight).sum() / total) if total > 0 else None
        p_value = p.get((one, two), 1.0)
        ties = len(change) - wins - losses
        found[first, second] = Pair(first, second, len(change), changed, 1.0, p_value, len(ids), wins, ties, losses)
    return found


def _alone(
    first: str, second: str, both: pd.DataFrame, plugin: MetricPlugin, combine: Combine | None, flips: int
) -> Pair:
    """One pair, on what both share."""
    equal = combine is None and np.allclose(both["weight"], both["weight_first"])
    told = difference(both, plugin, combine, tested=not equal)
    p = told.p_value
    if equal and told.difference:
        documents = pd.factorize(both["doc_id"], sort=True)[0]
        sums = np.bincount(documents, both["change"].to_numpy(dtype=np.float64) * both["weight"].to_numpy(dtype=float))
        p = float(p_values(sums.astype(np.float64)[:, None], flips)[0])
    if p is None or told.documents < FEWEST_DOCUMENTS:
        p = 1.0
    counts = (told.wins, told.ties, told.losses)
    return Pair(first, second, len(both), told.difference, 1.0, p, told.documents, *counts)


def corrected(pairs: Sequence[Pair]) -> list[Pair]:
    """The same pairs, with p-values corrected for how many they are."""
    adjusted = holm([pair.p_value for pair in pairs])
    return [replace(pair, p_holm=each) for pair, each in zip(pairs, adjusted, strict=True)]


def with_intervals(
    pairs: Sequence[Pair], scores: Mapping[str, pd.DataFrame], plugin: MetricPlugin, combine: Combine | None = None
) -> list[Pair]:
    """The same pairs, with the interval of each difference."""
    told = [difference(pair_rows(scores, pair.first, pair.second), plugin, combine, tested=False) for pair in pairs]
    return [replace(pair, low=each.low, high=each.high) for pair, each in zip(pairs, told, strict=True)]


def rank_intervals(
    models: Sequence[str], pairs: Sequence[Pair], *, higher_is_better: bool
) -> dict[str, tuple[int, int]]:
    """The best and the worst rank of each model that its comparisons leave open.

    A model is behind as many as beat it beyond the noise, and before as many as it beats. With a correction over
    all pairs, all intervals together hold the true ranks with 95 %. Source: Al Mohamad, Goeman, van Zwet,
    Simultaneous confidence intervals for ranks, Biometrics 78 (2022).
    """
    better, worse = dict.fromkeys(models, 0), dict.fromkeys(models, 0)
    for pair in pairs:
        if pair.told:
            first_wins = pair.first_is_better(higher_is_better=higher_is_better)
            winner, loser = (pair.first, pair.second) if first_wins else (pair.second, pair.first)
            worse[winner] += 1
            better[loser] += 1
    return {model: (1 + better[model], len(models) - worse[model]) for model in models}


def front(
    quality: Mapping[str, float], others: Sequence[Mapping[str, float | None]], *, higher_is_better: bool
) -> set[str]:
    """The models that no other beats: as good or better in everything, and better in something.

    Args:
        quality: The headline of each model.
        others: What else counts, less is better, such as latency and cost. A model without a figure stands last there:
            what is not known speaks for nobody.
        higher_is_better: Of the headline.
    """
    sign = -1 if higher_is_better else 1
    placed = {
        name: [sign * value, *(math.inf if (figure := each.get(name)) is None else figure for each in others)]
        for name, value in quality.items()
    }

    def beats(one: str, two: str) -> bool:
        compared = list(zip(placed[one], placed[two], strict=True))
        return all(a <= b for a, b in compared) and any(a < b for a, b in compared)

    return {model for model in quality if not any(beats(other, model) for other in quality if other != model)}
