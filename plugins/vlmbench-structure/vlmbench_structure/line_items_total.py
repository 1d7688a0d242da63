"""A rule without gold: do the line items of an answer add up to its total."""

from decimal import Decimal

from pydantic import JsonValue

from vlmbench_sdk import Case, Score
from vlmbench_sdk.json_answers import read_json_answer
from vlmbench_sdk.numbers import find_amounts
from vlmbench_structure.json_paths import at_path, text_at
from vlmbench_structure.options import LineItemsTotalOptions

LONGEST = 100
"""Characters of an amount; what is longer is none."""
MOST_ITEMS = 10_000


def score(case: Case, options: LineItemsTotalOptions) -> Score:
    """Return 1 when the items' amounts, with what is added and taken off, are the total; else 0.

    Formula: |sum(amounts) + sum(plus) - sum(minus) - total| <= tolerance, in decimal arithmetic. Needs no gold.
    Range 0 or 1, higher is better. Null where there is nothing to check: no JSON, no items, an item without an
    amount, no total, or a total of 0 with nothing but zeros, which any empty form fulfils.
    """
    answer = read_json_answer(case.answer).value
    if answer is None:
        return Score(value=None, detail="no JSON object to check")
    items = at_path(answer, options.items)
    if not isinstance(items, list) or not 0 < len(items) <= MOST_ITEMS:
        return Score(value=None, detail=f"no line items in {options.items!r}")
    amounts = [_amount(each, options.amount, options.decimal) for each in items]
    total = _amount(answer, options.total, options.decimal)
    if total is None or any(each is None for each in amounts):
        lacking = options.total if total is None else f"{options.items}.{options.amount}"
        return Score(value=None, detail=f"no amount in {lacking!r}")
    known = [each for each in amounts if each is not None]
    if not total and not any(known):
        return Score(value=None, detail="nothing but zeros")
    expected = sum(known, Decimal(0))
    for sign, paths in ((1, options.plus), (-1, options.minus)):
        expected += sign * sum((_amount(answer, path, options.decimal) or Decimal(0) for path in paths), Decimal(0))
    off = expected - total
    if abs(off) <= Decimal(str(options.tolerance)):
        return Score(value=1.0)
    return Score(value=0.0, detail=f"the items make {expected}, the total is {total}")


def _amount(value: JsonValue, path: str, decimal: str) -> Decimal | None:
    """The one amount that stands at a path; null where there is none, or several."""
    text = text_at(value, path)
    found = {each.value for each in find_amounts(text, decimal)} if len(text) <= LONGEST else set()
    return Decimal(found.pop()) if len(found) == 1 else None
