"""Which models of a dataset can be told apart, what ranks that leaves, and which of them nothing beats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from vlmbench_assets.work.combined import Combine
from vlmbench_assets.work.compare import FEWEST_DOCUMENTS, Difference, difference, paired_rows
from vlmbench_assets.work.paired import FLIPS, LEVEL, holm, p_values
from vlmbench_assets.work.statistics import FloatArray
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
    found: list[Pair] = []
    changes: dict[tuple[str, ...], list[tuple[int, FloatArray]]] = {}
    names = list(combinations(scores, 2))
    for number, (first, second) in enumerate(names):
        both = pair_rows(scores, first, second)
        moved = both["change"].to_numpy(dtype=np.float64) * (1 if plugin.higher_is_better else -1)
        wins, losses = int((moved > 0).sum()), int((moved < 0).sum())
        documents, ids = pd.factorize(both["doc_id"], sort=True)
        p, changed = 1.0, None
        if combine is not None or not np.allclose(both["weight"], both["weight_first"]):
            told: Difference = difference(both, plugin, combine)
            changed = told.difference
            if told.p_value is not None and told.documents >= FEWEST_DOCUMENTS:
                p = told.p_value
        else:
            weight = both["weight"].to_numpy(dtype=np.float64)
            sums = np.bincount(documents, weights=both["change"].to_numpy(dtype=np.float64) * weight)
            changed = float(sums.sum() / weight.sum()) if weight.sum() > 0 else None
            if len(ids) >= FEWEST_DOCUMENTS:
                # Pairs that share their documents share their flips as well.
                changes.setdefault(tuple(ids), []).append((number, sums.astype(np.float64)))
        found.append(Pair(first, second, len(both), changed, 1.0, p, len(ids), wins, len(both) - wins - losses, losses))
    for waiting in changes.values():
        for (number, _), each in zip(waiting, shared_flips([sums for _, sums in waiting], len(names)), strict=True):
            found[number] = replace(found[number], p_value=each)
    return corrected(found)


def pair_rows(scores: Mapping[str, pd.DataFrame], first: str, second: str) -> pd.DataFrame:
    """The samples that two models share, with both scores."""
    return paired_rows(scores[second], scores[first].drop(columns="doc_id"), ["sample_id"])


def shared_flips(changes: Sequence[FloatArray], pairs: int) -> list[float]:
    """p-values of pairs that share their documents, from their changes per document.

    Args:
        changes: Of each pair.
        pairs: How many pairs are tested in all.
    """
    # The smallest p-value that draws can give must still be small once it is corrected.
    return [float(each) for each in p_values(np.column_stack(changes), max(FLIPS, FLIPS_PER_PAIR * pairs))]


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
        others: What else counts, less is better, such as latency and cost. Where a model has no figure, it cannot be
            beaten by what others have there, nor beat them by it.
        higher_is_better: Of the headline.
    """
    sign = -1 if higher_is_better else 1

    def beats(one: str, two: str) -> bool:
        mine, theirs = ([sign * quality[name], *(each.get(name) for each in others)] for name in (one, two))
        known = [(a, b) for a, b in zip(mine, theirs, strict=True) if a is not None or b is not None]
        if any(a is None or b is None for a, b in known):
            return False
        compared = [(a, b) for a, b in known if a is not None and b is not None]
        return all(a <= b for a, b in compared) and any(a < b for a, b in compared)

    return {model for model in quality if not any(beats(other, model) for other in quality if other != model)}
