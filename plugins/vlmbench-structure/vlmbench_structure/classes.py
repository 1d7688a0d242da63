"""What the classification metrics share: which class an answer names, and the confusion matrix."""

from collections import Counter
from collections.abc import Iterable

from vlmbench_sdk import Case, Score
from vlmbench_sdk.entries import Expects
from vlmbench_sdk.metric import UNPARSED_CLASS, class_detail, classes_of
from vlmbench_sdk.parsing import LONGEST, parse
from vlmbench_sdk.records import Category
from vlmbench_structure.options import ClassOptions

UNPARSED = UNPARSED_CLASS
"""The class of answers that name none, or several, and of failed ones."""


def judged(case: Case, options: ClassOptions) -> Score:
    """Return 1 when the answer names the gold class, else 0; the detail has both, for `confusion_matrix`.

    The gold class is the first reference. Naming another reference, a second name of it, is naming it.
    """
    names = [case.normalize(reference).strip() for reference in case.references]
    gold = names[0]
    said = _named(case, options)
    if said in names:
        said = gold
    detail = class_detail(gold, said)
    if not case.answer.strip() and not gold:
        # Nothing is there, and nothing is said.
        return Score(value=1.0, category="correct", detail=class_detail(gold, gold))
    if said == gold:
        return Score(value=1.0, category="correct", detail=detail)
    if not case.answer.strip():
        return Score(value=0.0, category="missing", detail=detail)
    category: Category = "unparsed" if said == UNPARSED else "wrong_value" if gold else "spurious"
    return Score(value=0.0, category=category, detail=detail)


def confusion_matrix(scores: Iterable[Score]) -> dict[str, dict[str, int]]:
    """Count answers by gold class and, within it, by class named.

    A failed answer is `(unparsed)`, a column of its own. Rows without classes, for want of gold, are left out.
    """
    counts: Counter[tuple[str, str]] = Counter(pair for each in scores if (pair := classes_of(each.detail)) is not None)
    matrix: dict[str, dict[str, int]] = {}
    for (gold, said), number in sorted(counts.items()):
        matrix.setdefault(gold, {})[said] = number
    return matrix


def _named(case: Case, options: ClassOptions) -> str:
    text = case.normalize(case.answer).strip()
    if not options.classes:
        return text if text and len(text) <= LONGEST else UNPARSED
    choices = tuple(dict.fromkeys(case.normalize(each).strip() for each in options.classes))
    found = parse(text, Expects(type="choice", choices=choices))
    return UNPARSED if found.problem else found.text
