"""Kendall's tau of an order."""

from vlmbench_sdk import Case, NoOptions, Score
from vlmbench_structure.ranked import against_orders


def score(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - every scorer has this signature
    """Return Kendall's tau between the answer's order and the gold's.

    Formula: tau = (C - D) / (n (n - 1) / 2) over the pairs of the n items of the gold, C in the same order in
    the answer, D in the other. A pair with an item that the answer leaves out is neither. One item: 1 when named.
    Source: Kendall, "A new measure of rank correlation", Biometrika 30 (1938); for orders of text, Lapata, "Automatic
    evaluation of information ordering: Kendall's tau", Computational Linguistics 32 (2006).
    Range -1 to 1, higher is better; a random order is 0 on average. An answer that names nothing of the gold is -1, as
    a failed one, and so is one that has an item of the gold among other words. Items that the gold has not are passed
    over.
    """
    return against_orders(case, _tau)


def _tau(places: dict[str, int], gold: list[str]) -> float:
    pairs = len(gold) * (len(gold) - 1) // 2
    order = [places[each] for each in gold if each in places]
    same = sum(order[i] < order[j] for i in range(len(order)) for j in range(i + 1, len(order)))
    return (2 * same - len(order) * (len(order) - 1) // 2) / pairs
