"""Hallucinated on absent: how often something is answered where the field is not on the page."""

from vlmbench_sdk import Case, Score
from vlmbench_sdk.json_answers import says_nothing
from vlmbench_sdk.metric import NO_GOLD
from vlmbench_structure.options import AbsentHallucinationOptions


def score(case: Case, options: AbsentHallucinationOptions) -> Score:
    """Return 1 when the gold says absent and the answer says something, 0 when the answer is silent too.

    Formula: the mean over absent fields of [answer is not empty and does not say that it is absent]: the rate of
    spurious answers, 1 - specificity. `{}` and `[]` are empty. A field is absent where all of its references are the
    empty string. Null where it is there: what is answered then, other metrics judge.
    Range 0 or 1, lower is better. A failed answer counts as 1 in the headline, as the worst of every metric does.
    """
    if any(reference.strip() for reference in case.references):
        return Score(value=None, detail=NO_GOLD)
    said = _bare(case.normalize(case.answer))
    if not said or says_nothing(case.answer) or said in {_bare(case.normalize(each)) for each in options.says_absent}:
        return Score(value=0.0, category="correct")
    return Score(value=1.0, category="spurious")


def _bare(text: str) -> str:
    return text.casefold().strip(" \t\r\n.!'\"«»")
