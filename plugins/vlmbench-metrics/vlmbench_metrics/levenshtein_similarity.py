"""Levenshtein similarity: ANLS without a threshold."""

from vlmbench_metrics.similarity import similarity, similarity_many
from vlmbench_sdk import Case, Cases, NoOptions, Score, Scores

NEVER = 2.0
"""A threshold that no rate reaches."""


def score(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - every scorer has this signature
    """Return the similarity to the closest reference.

    Formula: max over references r of 1 - Levenshtein(a, r) / max(|a|, |r|), in code points; both empty: 1.
    Source: Levenshtein 1966 for the distance; the normalisation is that of Biten et al. 2019 without threshold.
    Symmetric in answer and reference. Range 0 to 1, higher is better. For short answers and pages.
    """
    return similarity(case, NEVER)


def score_many(cases: Cases, options: NoOptions) -> Scores:  # noqa: ARG001 - every scorer has this signature
    """`score` of many cases."""
    return similarity_many(cases, NEVER)
