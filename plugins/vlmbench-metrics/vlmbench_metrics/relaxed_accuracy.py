"""Relaxed accuracy, as ChartQA has it: numbers within 5 %, other answers exactly."""

from vlmbench_metrics.options import RelaxedAccuracyOptions
from vlmbench_metrics.whole_number import WholeNumber, whole_number
from vlmbench_sdk import Case, Score, categorize

_SLACK = 1e-9
"""So that 105 is within 5 % of 100 though 0.05 is no binary fraction."""


def score(case: Case, options: RelaxedAccuracyOptions) -> Score:
    """Return 1 when the answer is right within the tolerance, else 0.

    Formula: where answer and reference are numbers, [|a - r| <= tolerance · |r|]; else [norm(a) = norm(r)]; best
    over references. Source: Masry et al., "ChartQA", Findings of ACL 2022, tolerance 0.05, after Methani
    et al., "PlotQA", 2020. Range 0 or 1, higher is better. For chart and table answers.

    A gold of zero is a number: only zero is right. Thousands separators, currency marks and parentheses for minus are
    read. A per cent mark on both sides is dropped; on one side the number may be the same with or without it, or the
    fraction: 5%, 5 and 0.05 are the same gold. `relaxed_accuracy_compat` is what the copied script does.
    """
    answer = case.normalize(case.answer)
    said = whole_number(answer, options.decimal)
    for reference in case.references:
        gold = case.normalize(reference)
        true = whole_number(gold, options.decimal)
        if answer == gold or (said is not None and true is not None and _near(said, true, options.tolerance)):
            return Score(value=1.0, category="correct")
    return Score(value=0.0, category=categorize(case, correct=False))


def _near(said: WholeNumber, true: WholeNumber, tolerance: float) -> bool:
    readings = [(said.value, true.value)]
    if said.percent and not true.percent:
        readings.append((said.value / 100, true.value))
    if true.percent and not said.percent:
        readings.append((said.value * 100, true.value))
    return any(abs(one - two) <= tolerance * abs(two) * (1 + _SLACK) for one, two in readings)
