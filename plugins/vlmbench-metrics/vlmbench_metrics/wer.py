"""WER: word error rate."""

from vlmbench_metrics.error_rates import error_rate
from vlmbench_sdk import Case, NoOptions, Score


def score(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - every scorer has this signature
    """Return the word error rate against the reference that fits best.

    Formula: (substitutions + deletions + insertions) / max(1, words of the reference); words are what
    white space separates after normalisation. Range 0 to unbounded, lower is better. Weight: the
    denominator, so that the corpus rate is edits over words. Empty references: see `error_rate`.
    """
    references = (case.normalize(reference).split() for reference in case.references)
    return error_rate(case.normalize(case.answer).split(), references)
