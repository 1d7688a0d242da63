"""What numeric and date tolerance share: read both sides by an output contract, then compare values."""

from collections.abc import Callable

from vlmbench_sdk import Case, Score
from vlmbench_sdk.entries import Expects
from vlmbench_sdk.metric import NO_GOLD
from vlmbench_sdk.parsing import parse


def within(case: Case, expects: Expects, near: Callable[[str, str], bool]) -> Score:
    """Return 1 when the one value of the answer is near that of a reference, else 0.

    An answer without one value is `unparsed`, unless it is empty. Empty against an absent field is right. References
    without a value are left out; when none has one, there is no score.
    """
    golds = [case.normalize(reference) for reference in case.references]
    found = [parsed.text for gold in golds if (parsed := parse(gold, expects)).text]
    absent = any(not gold.strip() for gold in golds)
    if not found and not absent:
        return Score(value=None, detail=NO_GOLD)
    answer = case.normalize(case.answer)
    if not answer.strip():
        return Score(value=float(absent), category="correct" if absent else "missing")
    if not found:
        return Score(value=0.0, category="spurious")
    said = parse(answer, expects)
    if said.problem:
        return Score(value=0.0, category="unparsed", detail=said.problem[:300])
    right = any(near(said.text, gold) for gold in found)
    return Score(value=float(right), category="correct" if right else "wrong_value")
