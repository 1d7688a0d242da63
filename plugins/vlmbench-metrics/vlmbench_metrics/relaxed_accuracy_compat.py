"""Relaxed accuracy as the script that other frameworks copied computes it."""

import math

from vlmbench_metrics.options import ToleranceOptions
from vlmbench_sdk import Case, Score, categorize


def score(case: Case, options: ToleranceOptions) -> Score:
    """Return 1 when the answer is right within the tolerance, else 0.

    Formula: where both sides are Python floats (a trailing % divides by 100) and the reference is not zero,
    [|a - r| / |r| <= tolerance]; else [lower(a) = lower(r)]; best over references. Source: lmms-eval 0.7.3,
    `tasks/chartqa/utils.py`, after Qwen-VL's `evaluate_vqa.py`. Range 0 or 1, higher is better.

    Differences to `relaxed_accuracy`: "0.0" against "0" is wrong here, as zero falls through to the comparison of
    texts; "1,000" against "1000" is wrong; "5" against "5%" is wrong; "(5)" is no number; "1e3" is one. For
    comparing with published figures only.
    """
    answer = case.normalize(case.answer)
    right = any(_right(answer, case.normalize(each), options.tolerance) for each in case.references)
    return Score(value=float(right), category=categorize(case, correct=right))


def _right(answer: str, reference: str, tolerance: float) -> bool:
    said, true = _float(answer), _float(reference)
    if said is not None and true:
        change = abs(said - true) / abs(true)
        return change <= tolerance and not math.isnan(change)
    return answer.lower() == reference.lower()


def _float(text: str) -> float | None:
    try:
        return float(text.rstrip("%")) / 100.0 if text.endswith("%") else float(text)
    except ValueError:
        return None
