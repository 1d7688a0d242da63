"""JSON validity: does the answer have the form that was asked for, whatever its content."""

from vlmbench_metrics.options import JsonValidOptions
from vlmbench_sdk import Case, Score
from vlmbench_sdk.json_answers import read_json_answer, read_json_found
from vlmbench_sdk.metric import NO_GOLD


def score(case: Case, options: JsonValidOptions) -> Score:
    """Return 1 when the answer is a JSON object with the keys that were asked for, else 0.

    Formula: [parses as one object] · [required ∪ keys(reference) ⊆ keys(answer)], best over references.
    Range 0 or 1, higher is better. Structural fidelity, kept apart from content: values are not looked at.
    A reference that is a list is no gold, as no object is asked for; one that is not JSON asks for no keys.
    """
    golds = [read_json_answer(reference).value for reference in case.references if not _is_list(reference)]
    if not golds:
        return Score(value=None, detail=NO_GOLD)
    found = read_json_answer(case.answer)
    if _is_list(case.answer):
        return Score(value=0.0, category="unparsed", detail="a list, not an object")
    if found.value is None or (options.strict and found.form == "embedded"):
        return Score(value=0.0, category="unparsed", detail=found.problem or "prose around the object")
    fewest = min(({*options.required, *(gold or ())} - found.value.keys() for gold in golds), key=len)
    if not fewest:
        return Score(value=1.0, category="correct")
    return Score(value=0.0, category="wrong_format", detail=f"lacks {', '.join(sorted(fewest))}"[:300])


def _is_list(text: str) -> bool:
    return isinstance(read_json_found(text).value, list)
