"""chrF: F-score of character n-grams, by sacrebleu."""

from vlmbench_metrics.bleu import missing
from vlmbench_metrics.options import ChrfOptions
from vlmbench_sdk import Case, Score


def score(case: Case, options: ChrfOptions) -> Score:
    """Return sacrebleu's sentence chrF.

    Formula: (1 + β²) P R / (β² P + R), P and R averaged over character n-grams of 1 to 6, β = 2, white space left
    out, in points: 0 to 100, higher is better. Source: Popović, WMT 2015; sacrebleu. With `word_order: 2`: chrF++
    (Popović, WMT 2017). The aggregate is the mean of samples (macro), not sacrebleu's corpus value, which sums
    n-grams first. For pages and long texts. An empty answer to an empty reference: 100; sacrebleu says 0 there.
    """
    answer, references = case.normalize(case.answer), [case.normalize(each) for each in case.references]
    if not answer.strip() and any(not each.strip() for each in references):
        return Score(value=100.0)
    try:
        from sacrebleu.metrics.chrf import CHRF
    except ImportError as error:
        raise missing() from error
    found = CHRF(word_order=options.word_order).sentence_score(answer, references)
    return Score(value=min(max(found.score, 0.0), 100.0))
