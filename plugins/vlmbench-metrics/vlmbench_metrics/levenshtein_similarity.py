"""Levenshtein similarity: ANLS without a threshold."""

from rapidfuzz.distance import Levenshtein

from vlmbench_sdk import Case, NoOptions, Score


def score(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - every scorer has this signature
    """Return the similarity to the closest reference.

    Formula: max over references r of 1 - Levenshtein(a, r) / max(|a|, |r|), in code points; both empty: 1.
    Symmetric in answer and reference. Range 0 to 1, higher is better.
    """
    answer = case.normalize(case.answer)
    return Score(
        value=max(Levenshtein.normalized_similarity(answer, case.normalize(reference)) for reference in case.references)
    )
