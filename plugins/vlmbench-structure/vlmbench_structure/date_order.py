"""A rule without gold: do two dates of an answer stand in the order that they must have."""

from pydantic import JsonValue

from vlmbench_sdk import Case, Score
from vlmbench_sdk.dates import find_dates
from vlmbench_sdk.json_answers import read_json_answer
from vlmbench_structure.json_paths import text_at
from vlmbench_structure.options import DateOrderOptions

LONGEST = 100
"""Characters of a date; what is longer is none."""


def score(case: Case, options: DateOrderOptions) -> Score:
    """Return 1 when the earlier date is not after the later one, else 0.

    Formula: [earlier <= later]. Needs no gold. Range 0 or 1, higher is better. Null where there is nothing to
    check: no JSON, or one of them is missing, no date, or several.
    """
    answer = read_json_answer(case.answer).value
    if answer is None:
        return Score(value=None, detail="no JSON object to check")
    found = {path: _date(answer, path, options.order) for path in (options.earlier, options.later)}
    for path, date in found.items():
        if not date:
            return Score(value=None, detail=f"no date in {path!r}")
    earlier, later = found[options.earlier], found[options.later]
    if earlier <= later:
        return Score(value=1.0)
    return Score(value=0.0, detail=f"{earlier} is after {later}")


def _date(value: JsonValue, path: str, order: str) -> str:
    """The one date at a path, as YYYY-MM-DD; empty where there is none, or several."""
    text = text_at(value, path)
    found = set(find_dates(text, order)) if len(text) <= LONGEST else set()
    return found.pop() if len(found) == 1 else ""
