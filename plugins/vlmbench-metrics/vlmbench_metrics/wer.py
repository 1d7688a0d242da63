"""WER: word error rate."""

from vlmbench_metrics.edits import normal_pairs
from vlmbench_metrics.error_rates import error_rate, error_rates
from vlmbench_sdk import Case, Cases, NoOptions, Score, Scores


def score(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - every scorer has this signature
    """Return the word error rate against the reference that fits best.

    Formula: (substitutions + deletions + insertions) / max(1, words of the reference); words are what white space
    separates after normalisation. Source: Morris, Maier and Green, "From WER and RIL to MER and WIL: improved
    evaluation measures for connected speech recognition", Interspeech 2004. Range 0 to unbounded, lower is
    better. Weight: the denominator, so that the corpus rate is edits over words. Empty references: see `error_rate`.
    """
    references = (case.normalize(reference).split() for reference in case.references)
    return error_rate(case.normalize(case.answer).split(), references)


def score_many(cases: Cases, options: NoOptions) -> Scores:  # noqa: ARG001 - every scorer has this signature
    """`score` of many cases."""
    answers, references, owners = normal_pairs(cases)
    return error_rates([each.split() for each in answers], [each.split() for each in references], owners)
