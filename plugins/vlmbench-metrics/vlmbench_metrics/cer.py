"""CER: character error rate."""

from vlmbench_metrics.edits import normal_pairs
from vlmbench_metrics.error_rates import error_rate, error_rates
from vlmbench_sdk import Case, Cases, NoOptions, Score, Scores


def score(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - every scorer has this signature
    """Return the character error rate against the reference that fits best.

    Formula: (substitutions + deletions + insertions) / max(1, characters of the reference), after normalisation;
    characters are code points. Source: Morris, Maier and Green, "From WER and RIL to MER and WIL: improved evaluation
    measures for connected speech recognition", Interspeech 2004, over characters. Range 0 to unbounded,
    lower is better. Weight: the denominator, so that the corpus rate is edits over length. Empty references: see
    `error_rate`.
    """
    return error_rate(case.normalize(case.answer), map(case.normalize, case.references))


def score_many(cases: Cases, options: NoOptions) -> Scores:  # noqa: ARG001 - every scorer has this signature
    """`score` of many cases."""
    return error_rates(*normal_pairs(cases))
