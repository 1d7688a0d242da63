"""Spearman's rho of an order."""

from vlmbench_sdk import Case, NoOptions, Score
from vlmbench_structure.ranked import against_orders


def score(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - every scorer has this signature
    """Return Spearman's rho between the answer's order and the gold's.

    Formula: rho = 1 - 6 sum d^2 / (n (n^2 - 1)), d the difference of an item's ranks, of the n items of the gold.
    An item that the answer leaves out is in the middle, and those that it names are around it:
    rho = sum (a - m)(g - m) / sum (g - m)^2 with m = (n + 1) / 2, which is the same where none is left out.
    One item: 1 when named.
    Source: Spearman, "The proof and measurement of association between two things", American Journal of
    Psychology 15 (1904).
    Range -1 to 1, higher is better; a random order is 0 on average. An answer that names nothing of the gold is -1, as
    a failed one, and so is one that has an item of the gold among other words. Items that the gold has not are passed
    over.
    """
    return against_orders(case, _rho)


def _rho(places: dict[str, int], gold: list[str]) -> float:
    # Twice the distance from the middle, so that all numbers are whole and the same order is exactly 1.
    size = len(gold)
    together = sum(
        (2 * rank - size + 1) * (2 * places[each] - len(places) + 1) for rank, each in enumerate(gold) if each in places
    )
    return together / (size * (size * size - 1) // 3)
