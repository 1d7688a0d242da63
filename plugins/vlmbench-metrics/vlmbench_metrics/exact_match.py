"""Exact match: is the answer one of the references."""

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

from vlmbench_metrics.normalizers.dates import dates
from vlmbench_metrics.normalizers.money import money
from vlmbench_metrics.options import ExactMatchOptions
from vlmbench_sdk import Case, Cases, Score, Scores, categorize, categorize_many

_BY_TYPE: dict[str, Callable[[str], str]] = {"date": dates, "money": money, "number": money}


def score(case: Case, options: ExactMatchOptions) -> Score:
    """Return 1 when the normalised answer equals a normalised reference, else 0.

    Formula: max over references r of [norm(answer) = norm(r)]. Range 0 or 1, higher is better. An empty
    answer equals an empty reference, which stands for an absent field. The category is the SDK's. For short answers.
    """
    canonical = _BY_TYPE.get(case.answer_type) if options.typed else None
    if canonical is not None:
        case = replace(case, normalize=_then(case.normalize, canonical))
    answer = case.normalize(case.answer)
    correct = any(answer == case.normalize(reference) for reference in case.references)
    return Score(value=float(correct), category=categorize(case, correct=correct))


def score_many(cases: Cases, options: ExactMatchOptions) -> Scores:
    """`score` of many cases."""
    answers = [*cases.normalize(cases.answers)]
    flat = iter(cases.normalize([reference for each in cases.references for reference in each]))
    references = [list(islice(flat, len(each))) for each in cases.references]
    if options.typed:
        for index, kind in enumerate(cases.answer_types):
            canonical = _BY_TYPE.get(kind)
            if canonical is not None:
                answers[index] = canonical(answers[index])
                references[index] = [canonical(each) for each in references[index]]
    correct = [answer in golds for answer, golds in zip(answers, references, strict=True)]
    categories = categorize_many(answers, references, correct, cases.bare)
    return Scores([float(each) for each in correct], categories=categories)


def _then(first: Callable[[str], str], second: Callable[[str], str]) -> Callable[[str], str]:
    def both(text: str) -> str:
        return second(first(text))

    return both
