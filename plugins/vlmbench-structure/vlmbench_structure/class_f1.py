"""Macro and weighted precision, recall and F1 of classification."""

from collections.abc import Sequence

from vlmbench_sdk import Case, Score
from vlmbench_structure.classes import confusion_matrix, judged
from vlmbench_structure.options import ClassF1Options


def score(case: Case, options: ClassF1Options) -> Score:
    """Return 1 when the answer names the gold class, else 0; the value of a group is made by `combine`."""
    return judged(case, options)


def combine(scores: Sequence[Score], options: ClassF1Options) -> float | None:
    """The mean over classes of precision, recall or F1; null when no sample has a class.

    Formula: of class c, P = TP / named c, R = TP / gold c, F1 = 2 TP / (named c + gold c), 0 where nothing was named c.
    `macro` is the plain mean over the classes that occur in the gold of the group, `weighted` weighs them by their
    samples. Unparsed and failed answers are a class of their own that no gold has: they take recall from the gold class
    and precision from none. Range 0 to 1, higher is better. Source: Sokolova & Lapalme, "A systematic analysis of
    performance measures for classification tasks", Information Processing and Management, 2009; equals scikit-learn's
    `f1_score(labels=classes of the gold, average=..., zero_division=0)`. Without `labels` that function also averages
    over classes that were only named, each 0.
    """
    matrix = confusion_matrix(scores)
    if not matrix:
        return None
    named: dict[str, int] = {}
    for row in matrix.values():
        for said, number in row.items():
            named[said] = named.get(said, 0) + number
    whole = weights = 0.0
    for gold, row in matrix.items():
        there, right = sum(row.values()), row.get(gold, 0)
        of = {"precision": named.get(gold, 0), "recall": there, "f1": (named.get(gold, 0) + there) / 2}
        weight = there if options.average == "weighted" else 1
        whole += weight * (right / of[options.measure] if right else 0.0)
        weights += weight
    return whole / weights
