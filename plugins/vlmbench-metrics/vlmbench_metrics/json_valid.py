"""JSON validity: does the answer have the form that was asked for, whatever its content."""

from vlmbench_metrics.options import JsonValidOptions
from vlmbench_sdk import Case, Score
from vlmbench_sdk.json_answers import read_json_answer


def score(case: Case, options: JsonValidOptions) -> Score:
    """Return 1 when the answer is a JSON object with the keys that were asked for, else 0.

    Formula: [parses as one object] · [required ∪ keys(reference) ⊆ keys(answer)], best over references.
    Range 0 or 1, higher is better. Structural fidelity, kept apart from content: values are not looked at.
    """
    found = read_json_answer(case.answer)
    if found.value is None or (options.strict and found.form == "embedded"):
        return Score(value=0.0, category="unparsed", detail=found.problem or "prose around the object")
    lacking: list[set[str]] = []
    for reference in case.references:
        gold = read_json_answer(reference).value or {}
        lacking.append(({*options.required} | set(gold)) - set(found.value))
    fewest = min(lacking, key=len)
    if not fewest:
        return Score(value=1.0, category="correct")
    return Score(value=0.0, category="wrong_format", detail=f"lacks {', '.join(sorted(fewest))}"[:300])
