"""Edit distances with a bound on the work: a score or a reason, never a hang."""

from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from vlmbench_sdk import Cases

MOST_CELLS = 40_000_000_000
"""Largest product of two lengths that is compared, such as 200,000 by 200,000 characters: about a second. Longer pairs
have no score unless they are equal; a page of print has some 5,000 characters."""


def edits(answer: Sequence[str], reference: Sequence[str]) -> int | None:
    """Return the Levenshtein distance: insertions, deletions and substitutions (Levenshtein 1966).

    Args:
        answer: A text, or a list of words.
        reference: The same kind.

    Returns:
        The distance; None when the pair is too long to compare (`MOST_CELLS`) and not equal.
    """
    if len(answer) * len(reference) > MOST_CELLS:
        return 0 if answer == reference else None
    return int(Levenshtein.distance(answer, reference))


def edits_many(answers: Sequence[Sequence[str]], references: Sequence[Sequence[str]]) -> list[int | None]:
    """`edits` of many pairs."""
    if max(map(len, answers), default=0) * max(map(len, references), default=0) > MOST_CELLS:
        return list(map(edits, answers, references))
    return list(map(Levenshtein.distance, answers, references))


def too_long(answer: Sequence[str], reference: Sequence[str]) -> str:
    """Say why a pair has no score."""
    return f"too long to compare: {len(answer)} by {len(reference)}"


def normal_pairs(cases: Cases) -> tuple[Sequence[str], Sequence[str], list[int] | None]:
    """Pair every answer with each of its references, normalised.

    Returns:
        Answers, references, and the case of each pair; None where each case has one reference and so one pair.
    """
    answers = cases.normalize(cases.answers)
    if all(len(each) == 1 for each in cases.references):
        return answers, cases.normalize([each[0] for each in cases.references]), None
    owners = [index for index, each in enumerate(cases.references) for _ in each]
    references = cases.normalize([reference for each in cases.references for reference in each])
    return [answers[index] for index in owners], references, owners
