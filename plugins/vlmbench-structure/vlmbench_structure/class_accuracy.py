"""Accuracy of classification."""

from vlmbench_sdk import Case, Score
from vlmbench_structure.classes import judged
from vlmbench_structure.options import ClassOptions


def score(case: Case, options: ClassOptions) -> Score:
    """Return 1 when the answer names the gold class, else 0; the mean is accuracy.

    Formula: [class named = gold class]. With `classes` the answer may be a sentence that names exactly one of
    them; without, the whole answer is the class. Range 0 or 1, higher is better. An answer that names no class
    counts as wrong, never as missing from the mean.
    """
    return judged(case, options)
