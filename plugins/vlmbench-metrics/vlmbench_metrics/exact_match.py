"""Exact match: is the answer one of the references."""

from collections.abc import Callable
from dataclasses import replace

from vlmbench_metrics.normalizers.dates import dates
from vlmbench_metrics.normalizers.money import money, number
from vlmbench_metrics.options import ExactMatchOptions
from vlmbench_sdk import Case, Cases, Score, Scores, categorize, categorize_many
from vlmbench_sdk.records import Category

_BY_TYPE: dict[str, Callable[[str], str]] = {"date": dates, "money": money, "number": number}


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
    # Whatever normalising does, it does the same to what is equal as it stands.
    correct = [answer in golds for answer, golds in zip(cases.answers, cases.references, strict=True)]
    rest = [index for index, same in enumerate(correct) if not same]
    answers = [*cases.normalize([cases.answers[index] for index in rest])]
    owners = [at for at, index in enumerate(rest) for _ in cases.references[index]]
    references = [*cases.normalize([reference for index in rest for reference in cases.references[index]])]
    if options.typed and not _BY_TYPE.keys().isdisjoint(cases.answer_types):
        for texts, whose in ((answers, range(len(answers))), (references, owners)):
            for at, owner in enumerate(whose):
                canonical = _BY_TYPE.get(cases.answer_types[rest[owner]], str)
                texts[at] = canonical(texts[at])
    right = [False] * len(rest)
    for owner, reference in zip(owners, references, strict=True):
        if answers[owner] == reference:
            right[owner] = True
    categories: list[Category] = ["correct"] * len(correct)
    for index, passes, category in zip(
        rest, right, categorize_many(answers, references, owners, right, cases.letters), strict=True
    ):
        correct[index], categories[index] = passes, category
    return Scores(list(map(float, correct)), categories=categories)


def _then(first: Callable[[str], str], second: Callable[[str], str]) -> Callable[[str], str]:
    def both(text: str) -> str:
        return second(first(text))

    return both
