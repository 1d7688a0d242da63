"""What ANLS and Levenshtein similarity share: 1 - edits over the longer length, for the closest reference."""

from collections.abc import Sequence

from vlmbench_metrics.edits import edits, edits_many, normal_pairs, too_long
from vlmbench_sdk import Case, Cases, Score, Scores
from vlmbench_sdk.metric import NO_GOLD


def similarity(case: Case, threshold: float) -> Score:
    """Return the largest 1 - edits / length over references, 0 where edits / length reaches the threshold."""
    answer = case.normalize(case.answer)
    best: float | None = None
    problem = ""
    for reference in case.references:
        gold = case.normalize(reference)
        distance = edits(answer, gold)
        if distance is None:
            problem = too_long(answer, gold)
            continue
        value = _value(distance, max(len(answer), len(gold)), threshold)
        best = value if best is None else max(best, value)
    if problem and best != 1.0:
        return Score(value=None, detail=problem)
    return Score(value=best, detail="" if case.references else NO_GOLD)


def similarity_many(cases: Cases, threshold: float) -> Scores:
    """`similarity` of many cases."""
    answers, references, owners = normal_pairs(cases)
    distances = edits_many(answers, references)
    lengths = map(max, map(len, answers), map(len, references))
    values = [
        None if distance is None else _value(distance, length, threshold)
        for distance, length in zip(distances, lengths, strict=True)
    ]
    if owners is None and None not in values:
        return Scores(values)
    return _closest(cases, answers, references, values, owners)


def _value(distance: int, length: int, threshold: float) -> float:
    if not distance:
        return 1.0
    rate = distance / length
    return 1.0 - rate if rate < threshold else 0.0


def _closest(
    cases: Cases,
    answers: Sequence[str],
    references: Sequence[str],
    values: Sequence[float | None],
    owners: list[int] | None,
) -> Scores:
    best: list[float | None] = [None] * len(cases.answers)
    problems = [""] * len(best)
    for pair, value in enumerate(values):
        owner = pair if owners is None else owners[pair]
        if value is None:
            problems[owner] = too_long(answers[pair], references[pair])
        else:
            before = best[owner]
            best[owner] = value if before is None else max(before, value)
    for index, problem in enumerate(problems):
        if problem and best[index] != 1.0:
            best[index] = None
        else:
            problems[index] = "" if cases.references[index] else NO_GOLD
    return Scores(best, details=problems)
