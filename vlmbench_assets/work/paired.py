"""Differences of two states that answered the same samples, document by document: intervals and p-values.

Fields of one page are not independent, so documents are what is drawn and flipped.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from vlmbench_assets.work.resample import SEED, batches
from vlmbench_assets.work.statistics import FEWEST_DOCUMENTS, FloatArray, symmetric

FLIPS = 10_000
EXACT_DOCUMENTS = 13
"""Up to so many documents every flip of signs is tried: 2**13 are fewer than `FLIPS`."""
LEVEL = 0.05
UNMOVED = 1e-12
"""Below this a difference of sums is what adding up in another order leaves."""

Sums = FloatArray
"""Shape (documents, 4): score times weight in the first state and in the second, then the two weights."""
SCORES, WEIGHTS = slice(0, 2), slice(2, 4)


def change(totals: Sums) -> FloatArray:
    """Second score minus first of each row of totals; NaN where a state weighs nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = totals[:, SCORES] / totals[:, WEIGHTS]
        return np.asarray(scores[:, 1] - scores[:, 0], dtype=np.float64)


def same_weights(sums: Sums) -> bool:
    """Whether both states weigh every document alike, as they do unless references were edited in between."""
    return bool(np.allclose(sums[:, 2], sums[:, 3], rtol=1e-12, atol=0))


def interval(sums: Sums) -> tuple[float, float, float]:
    """Standard error and 95 % interval of the difference; NaN where there is none.

    With equal weights the difference is one ratio, Σ(A2 - A1) / ΣB, with a symmetric bootstrap-t interval. Else every
    document is left out once, and t quantiles are taken.
    """
    documents = len(sums)
    if documents < FEWEST_DOCUMENTS:
        return np.nan, np.nan, np.nan
    if same_weights(sums):
        error, low, high = symmetric((sums[:, 1] - sums[:, 0])[:, None], sums[:, 2][:, None])
        return float(error[0]), float(low[0]), float(high[0])
    left_out = change(sums.sum(axis=0) - sums)
    error = np.sqrt((documents - 1) / documents * ((left_out - left_out.mean()) ** 2).sum())
    return by_t(float(change(sums.sum(axis=0)[None])[0]), float(error), documents)


def by_t(difference: float, error: float, documents: int) -> tuple[float, float, float]:
    """Standard error and 95 % interval by t quantiles; NaN where nothing varies."""
    from scipy.special import stdtrit

    if not error > 0:
        return np.nan, np.nan, np.nan
    half = float(stdtrit(documents - 1, 1 - LEVEL / 2)) * error
    return error, difference - half, difference + half


def p_value(sums: Sums) -> float:
    """Two-sided p-value of a paired permutation test over documents.

    Under no difference a document's two states are as likely the other way round; for equal weights swapping
    them flips the sign of its change. Where all changes are as large as each other this is McNemar's exact test, a
    binomial one; for few documents every flip is tried; else `FLIPS` seeded draws with the observed one counted.
    Source: Fisher, The Design of Experiments (1935), §21; McNemar, Psychometrika 12 (1947); for comparisons of systems,
    also by ratios: Noreen, Computer-Intensive Methods for Testing Hypotheses (1989), ch. 2; Dror et al., ACL 2018,
    P18-1128.
    """
    if same_weights(sums):
        return float(p_values((sums[:, 1] - sums[:, 0])[:, None])[0])
    observed = abs(float(change(sums.sum(axis=0)[None])[0]))
    exact = len(sums) <= EXACT_DOCUMENTS
    extreme = sum(
        int((np.abs(change(_swapped(sums, signs))) >= observed * (1 - 1e-9) - 1e-12).sum())
        for signs in _signs(len(sums))
    )
    return extreme / 2 ** len(sums) if exact else (extreme + 1) / (FLIPS + 1)


def smallest_p(documents: int) -> float:
    """The smallest p-value that so many documents can have: of all flips of signs, two move as much as was seen."""
    return 2.0 ** (1 - documents) if documents <= EXACT_DOCUMENTS else 1 / (FLIPS + 1)


def p_values(changes: FloatArray, flips: int = FLIPS) -> FloatArray:
    """The same for several pairs of states with equal weights.

    Args:
        changes: Sums of changes, shape (documents, pairs).
        flips: How many are drawn where not all can be tried.
    """
    from scipy.stats import binomtest

    documents, pairs = changes.shape
    found = np.ones(pairs)
    sizes, observed = np.abs(changes), np.abs(changes.sum(axis=0))
    flipped = np.zeros(pairs, dtype=bool)
    for pair in range(pairs):
        moved = sizes[:, pair][sizes[:, pair] > 0]
        if not len(moved):
            continue
        if np.ptp(moved) <= 1e-9 * moved[0]:
            found[pair] = binomtest(int((changes[:, pair] > 0).sum()), len(moved)).pvalue
        else:
            flipped[pair] = True
    if not flipped.any():
        return found
    some, least = changes[:, flipped], observed[flipped] * (1 - 1e-9) - 1e-12
    extreme = np.zeros(int(flipped.sum()))
    for signs in _signs(documents, flips):
        extreme += (np.abs(signs @ some) >= least).sum(axis=0)
    exact = documents <= EXACT_DOCUMENTS
    found[flipped] = extreme / 2**documents if exact else (extreme + 1) / (flips + 1)
    return found


def p_values_between(sums: FloatArray, flips: int = FLIPS) -> dict[tuple[int, int], float]:
    """The same for every two of some states that answered the same: each total is flipped once, not once a pair.

    Args:
        sums: Scores times weights, shape (documents, states).
        flips: How many are drawn where not all can be tried.
    """
    from scipy.stats import binomtest

    documents, states = sums.shape
    found: dict[tuple[int, int], float] = {}
    least = np.full((states, states), np.inf)
    for first, second in combinations(range(states), 2):
        change = sums[:, second] - sums[:, first]
        moved = change[np.abs(change) > UNMOVED]
        found[first, second] = 1.0
        if len(moved) and np.ptp(np.abs(moved)) <= 1e-9 * abs(moved[0]):
            found[first, second] = float(binomtest(int((moved > 0).sum()), len(moved)).pvalue)
        elif len(moved):
            least[first, second] = abs(change.sum()) * (1 - 1e-9) - 1e-12
    extreme = np.zeros((states, states))
    for signs in _signs(documents, flips) if np.isfinite(least).any() else ():
        totals = np.ascontiguousarray((signs @ sums).T)
        for first in range(states - 1):
            changes = np.abs(totals[first + 1 :] - totals[first])
            extreme[first, first + 1 :] += (changes >= least[first, first + 1 :, None]).sum(axis=1)
    exact = documents <= EXACT_DOCUMENTS
    for first, second in zip(*np.nonzero(np.isfinite(least)), strict=True):
        count = extreme[first, second]
        found[int(first), int(second)] = float(count / 2**documents if exact else (count + 1) / (flips + 1))
    return found


def holm(p_values_of: Sequence[float]) -> list[float]:
    """p-values corrected for how many there are, at most 1, in the order given.

    Source: Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian J. of Statistics 6 (1979).
    """
    order = sorted(range(len(p_values_of)), key=lambda each: p_values_of[each])
    adjusted, most = [0.0] * len(order), 0.0
    for position, each in enumerate(order):
        most = max(most, min(1.0, (len(order) - position) * p_values_of[each]))
        adjusted[each] = most
    return adjusted


def _signs(documents: int, flips: int = FLIPS) -> Iterator[NDArray[np.float64]]:
    if documents <= EXACT_DOCUMENTS:
        bits = (np.arange(2**documents)[:, None] >> np.arange(documents)) & 1
        yield (1 - 2 * bits).astype(np.float64)
        return
    chance = np.random.default_rng(SEED)
    for rows in batches(flips, documents):
        yield (1 - 2 * chance.integers(2, size=(rows, documents), dtype=np.int8)).astype(np.float64)


def _swapped(sums: Sums, signs: NDArray[np.float64]) -> Sums:
    """Totals with the states of the documents of sign -1 swapped, one row per row of signs."""
    first, second = sums[:, [0, 2]], sums[:, [1, 3]]
    middle, half = (first + second).sum(axis=0) / 2, signs @ ((second - first) / 2)
    one, two = middle - half, middle + half
    return np.column_stack([one[:, 0], two[:, 0], one[:, 1], two[:, 1]])
