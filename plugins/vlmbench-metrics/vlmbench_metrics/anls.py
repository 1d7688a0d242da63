"""ANLS: average normalised Levenshtein similarity."""

from rapidfuzz.distance import Levenshtein

from vlmbench_metrics.options import AnlsOptions
from vlmbench_sdk import Case, Score

_distance = Levenshtein.distance


def score(case: Case, options: AnlsOptions) -> Score:
    """Return 1 - NL for the closest reference when NL < threshold, else 0.

    Formula: NL(a, r) = Levenshtein(a, r) / max(|a|, |r|), in code points; both empty: NL = 0.
    Source: Biten et al., "Scene Text Visual Question Answering", ICCV 2019, equation 1, threshold 0.5.
    Range 0 to 1, higher is better; a distance of exactly the threshold scores 0.

    Distance and length are taken from the same, normalised strings. Widely copied scripts divide by the
    length of the raw ones, so that trailing spaces buy score: "cd" and 50 spaces against "ab" gives 0.96.
    """
    answer = case.normalize(case.answer)
    best = 0.0
    for reference in case.references:
        gold = case.normalize(reference)
        longest = max(len(answer), len(gold))
        if not longest:
            return Score(value=1.0)
        # Past the cutoff rapidfuzz stops early and returns cutoff + 1, which is over the threshold too.
        distance = _distance(answer, gold, score_cutoff=int(options.threshold * longest))
        normalised = distance / longest
        if normalised < options.threshold:
            best = max(best, 1.0 - normalised)
    return Score(value=best)
