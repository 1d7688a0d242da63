"""Which models of a dataset can be told apart, what ranks that leaves, and which of them nothing beats."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from vlmbench_assets.work.combined import Combine
from vlmbench_assets.work.compare import FEWEST_DOCUMENTS, Difference, difference, paired_rows
from vlmbench_assets.work.paired import FLIPS, LEVEL, holm, p_values
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


def all_pairs(scores: Mapping[str, pd.DataFrame], plugin: MetricPlugin, combine: Combine | None = None) -> list[Pair]:
    """Test every pair of models, with Holm's correction over the pairs.

    Args:
        scores: By model what counts of its headline: sample_id, doc_id, value, weight, category, detail.
        plugin: The metric behind it.
        combine: For a metric whose value is no mean of samples.
    """
    names = list(combinations(scores, 2))
    found: list[tuple[int, float | None]] = []
    changes: dict[tuple[str, ...], list[tuple[int, np.ndarray[tuple[int], np.dtype[np.float64]]]]] = {}
    p: list[float] = [1.0] * len(names)
    for number, (first, second) in enumerate(names):
        both = paired_rows(scores[second], scores[first].drop(columns="doc_id"), ["sample_id"])
        if combine is not None or not np.allclose(both["weight"], both["weight_first"]):
            told: Difference = difference(both, plugin, combine)
            found.append((len(both), told.difference))
            if told.p_value is not None and told.documents >= FEWEST_DOCUMENTS:
                p[number] = told.p_value
            continue
        documents, ids = pd.factorize(both["doc_id"], sort=True)
        weight = both["weight"].to_numpy(dtype=np.float64)
        changed = both["change"].to_numpy(dtype=np.float64)
        sums = np.bincount(documents, weights=changed * weight).astype(np.float64)
        found.append((len(both), float(sums.sum() / weight.sum()) if weight.sum() > 0 else None))
        if len(ids) >= FEWEST_DOCUMENTS:
            # Pairs that share their documents share their flips as well.
            changes.setdefault(tuple(ids), []).append((number, sums))
    for waiting in changes.values():
        # The smallest p-value that draws can give must still be small once it is corrected.
        flips = max(FLIPS, FLIPS_PER_PAIR * len(names))
        tested = p_values(np.column_stack([sums for _, sums in waiting]), flips)
        for (number, _), each in zip(waiting, tested, strict=True):
            p[number] = float(each)
    adjusted = holm(p)
    return [
        Pair(first, second, samples, changed, each)
        for (first, second), (samples, changed), each in zip(names, found, adjusted, strict=True)
    ]


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
        if pair.p_holm <= LEVEL and pair.difference:
            second_wins = (pair.difference > 0) == higher_is_better
            winner, loser = (pair.second, pair.first) if second_wins else (pair.first, pair.second)
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
