"""chrF: F-score of character n-grams, by sacrebleu."""

from vlmbench_metrics.options import ChrfOptions
from vlmbench_metrics.sacre import MOST, compared, points, sacrebleu_needed
from vlmbench_sdk import Case, Score


def score(case: Case, options: ChrfOptions) -> Score:
    """Return sacrebleu's sentence chrF.

    Formula: (1 + β²) P R / (β² P + R), P and R averaged over character n-grams of 1 to 6, β = 2, white space left
    out, in points: 0 to 100, higher is better. Source: Popović, "chrF: character n-gram F-score for automatic MT
    evaluation", WMT 2015; sacrebleu. With `word_order: 2`: chrF++ (Popović, "chrF++: words helping character n-grams",
    WMT 2017). The aggregate is the mean of samples (macro), not sacrebleu's corpus value, which sums
    n-grams first. For pages and long texts. An empty answer to an empty reference: 100; sacrebleu says 0 there.
    """
    asked = compared(case)
    if asked is None:
        return Score(value=MOST)
    with sacrebleu_needed():
        from sacrebleu.metrics.chrf import CHRF
    found = CHRF(word_order=options.word_order).sentence_score(*asked)
    return Score(value=points(found.score))
