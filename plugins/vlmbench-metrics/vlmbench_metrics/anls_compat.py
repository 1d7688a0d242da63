"""ANLS as widely copied scripts compute it: over the length of the raw strings."""

from vlmbench_metrics.edits import edits, too_long
from vlmbench_metrics.options import AnlsOptions
from vlmbench_sdk import Case, Score
from vlmbench_sdk.metric import NO_GOLD


def score(case: Case, options: AnlsOptions) -> Score:
    """Return 1 - NL for the closest reference unless NL is over the threshold, then 0.

    Formula: NL(a, r) = Levenshtein(n(a), n(r)) / max(|a|, |r|) with n lower case and single spaces: the distance of
    normalised strings over the length of raw ones. Source: lmms-eval 0.7.3, `api/metrics.py`, and VLMEvalKit,
    `dataset/utils/vqa_eval.py`, both after Qwen-VL's script. Range 0 to 1, higher is better.

    Two differences to `anls`: white space buys score ("cd" and 50 spaces against "ab": 0.96, canonical 0), and an
    NL of exactly the threshold is kept (0.5, canonical 0). For comparing with published figures only; the
    entry's own `normalize` should be empty.
    """
    answer = case.normalize(case.answer)
    best: float | None = None
    for reference in case.references:
        gold = case.normalize(reference)
        distance = edits(_plain(answer), _plain(gold))
        if distance is None:
            return Score(value=None, detail=too_long(answer, gold))
        longest = max(len(answer.upper()), len(gold.upper()))
        value = 1 - distance / longest if longest else 1.0
        best = value if best is None else max(best, value)
    if best is None:
        return Score(value=None, detail=NO_GOLD)
    return Score(value=best if best >= 1 - options.threshold else 0.0)


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
