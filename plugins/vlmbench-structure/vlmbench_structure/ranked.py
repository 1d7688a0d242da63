"""What the rank correlations share."""

from collections.abc import Callable

from vlmbench_sdk import Case, Score
from vlmbench_sdk.json_answers import says_nothing
from vlmbench_sdk.metric import NO_GOLD
from vlmbench_structure.orders import PROSE, Order, items_against, places, read_order

LONGEST = 2000
"""Items of a gold order; a longer one is no gold."""


def against_orders(case: Case, correlation: Callable[[dict[str, int], list[str]], float]) -> Score:
    """The best correlation with a reference; the detail says what is left out and what is not of the gold.

    Args:
        case: The answer and its references.
        correlation: Of the places that the answer gives to items of the gold, and the gold of 2 or more items.
    """
    answer = read_order(case.answer, case.normalize)
    best: tuple[float, str] | None = None
    for reference in case.references:
        gold = read_order(reference, case.normalize).items
        # An item twice has no place of its own.
        if len(gold) > LONGEST or len(set(gold)) < len(gold) or not (gold or says_nothing(reference)):
            continue
        value, detail = _value(answer, gold, correlation)
        if best is None or value > best[0]:
            best = (value, detail)
    if best is None:
        return Score(value=None, detail=NO_GOLD)
    value, detail = best
    if value == 1:
        return Score(value=value, category="correct", detail=detail)
    if answer.problem or detail == PROSE:
        return Score(value=value, category="unparsed", detail=detail)
    if all(map(says_nothing, case.references)):
        return Score(value=value, category="spurious", detail=detail)
    return Score(value=value, category="wrong_value" if answer.items else "missing", detail=detail)


def _value(
    order: Order, gold: list[str], correlation: Callable[[dict[str, int], list[str]], float]
) -> tuple[float, str]:
    answer = items_against(order, gold)
    if answer is None:
        return -1.0, order.problem or PROSE
    if not gold:
        return (-1.0, "") if answer else (1.0, "")
    found = places(answer, gold)
    left_out, foreign = len(gold) - len(found), len(set(answer) - set(gold))
    parts = [f"{number} {what}" for number, what in ((left_out, "left out"), (foreign, "not of the gold")) if number]
    if not found:
        return -1.0, ", ".join(parts)
    return (1.0 if len(gold) == 1 else correlation(found, gold)), ", ".join(parts)
