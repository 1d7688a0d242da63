"""Normalised edit distance of whole pages."""

from vlmbench_metrics.levenshtein_similarity import NEVER
from vlmbench_metrics.similarity import similarity, similarity_many
from vlmbench_sdk import Case, Cases, NoOptions, Score, Scores


def score(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - every scorer has this signature
    """Return the distance to the closest reference.

    Formula: min over references r of Levenshtein(a, r) / max(|a|, |r|), in code points; both empty: 0.
    Source: Ouyang et al., "OmniDocBench: Benchmarking Diverse PDF Document Parsing with Comprehensive Annotations",
    CVPR 2025, its metric of pure text, mean over pages. Range 0 to 1, lower is better; symmetric. Unlike CER it cannot
    pass 1, so one page of endless text does not outweigh all others.
    """
    found = similarity(case, NEVER)
    return found if found.value is None else Score(value=1.0 - found.value)


def score_many(cases: Cases, options: NoOptions) -> Scores:  # noqa: ARG001 - every scorer has this signature
    """`score` of many cases."""
    found = similarity_many(cases, NEVER)
    return Scores([None if value is None else 1.0 - value for value in found.values], details=found.details)
