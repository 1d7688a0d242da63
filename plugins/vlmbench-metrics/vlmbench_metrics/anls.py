"""ANLS: average normalised Levenshtein similarity."""

from vlmbench_metrics.options import AnlsOptions
from vlmbench_metrics.similarity import similarity, similarity_many
from vlmbench_sdk import Case, Cases, Score, Scores


def score(case: Case, options: AnlsOptions) -> Score:
    """Return 1 - NL for the closest reference when NL < threshold, else 0.

    Formula: NL(a, r) = Levenshtein(a, r) / max(|a|, |r|), in code points; both empty: NL = 0.
    Source: Biten et al., "Scene Text Visual Question Answering", ICCV 2019, threshold 0.5.
    Range 0 to 1, higher is better; a distance of exactly the threshold scores 0. For short answers.

    Distance and length are taken from the same, normalised strings. `anls_compat` is what other frameworks do.
    """
    return similarity(case, options.threshold)


def score_many(cases: Cases, options: AnlsOptions) -> Scores:
    """`score` of many cases."""
    return similarity_many(cases, options.threshold)
