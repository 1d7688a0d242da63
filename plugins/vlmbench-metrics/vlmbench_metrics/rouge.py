"""ROUGE-N and ROUGE-L: overlap of runs of words, and the longest common subsequence."""

import re
from collections import Counter
from collections.abc import Callable

from rapidfuzz.distance import LCSseq

from vlmbench_metrics.edits import MOST_CELLS, too_long
from vlmbench_metrics.options import RougeOptions
from vlmbench_sdk import Case, Score
from vlmbench_sdk.choices import lettered
from vlmbench_sdk.metric import NO_GOLD

_WORD = re.compile(r"[^\W_]+")
_ASCII_WORD = re.compile(r"[a-z0-9]+")


def score(case: Case, options: RougeOptions) -> Score:
    """Return the F1 against the reference that fits best.

    Formula: ROUGE-N: A, R multisets of runs of N words, P = |A ∩ R| / |A|, R = |A ∩ R| / |R|; ROUGE-L: the longest
    common subsequence of words in place of the intersection; F1 = 2PR / (P + R), 0 where nothing is common, 1 where
    the words are the same. Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", ACL 2004 workshop,
    with beta 1, as in rouge-score 0.1.2 without stemming. Range 0 to 1, higher is better; symmetric.
    For pages and long texts.

    Words are letters and digits of any alphabet. rouge-score keeps ASCII only, so that Cyrillic counts for nothing
    there; `rouge_compat` is that.
    """
    return _score(case, options.kind, _words, same=True)


def score_compat(case: Case, options: RougeOptions) -> Score:
    """Return the F1 against the reference that fits best, with the words of rouge-score.

    Formula: as `rouge`, but words are runs of a to z and 0 to 9, and where neither side has a run of N words the
    score is 0: "Итого 5" is the one word "5", and "Итого" scores 0 even against itself. Source: rouge-score 0.1.2,
    `tokenize.py` and `rouge_scorer.py`. Range 0 to 1, higher is better. For comparing with published figures only.
    """
    return _score(case, options.kind, lambda text: _ASCII_WORD.findall(text.lower()), same=False)


def _words(text: str) -> list[str]:
    lower = text.lower()
    return [lower[slice(*found.span())] for found in _WORD.finditer(lettered(lower))]


def _score(case: Case, kind: str, words: Callable[[str], list[str]], *, same: bool) -> Score:
    """Score with a way to find words; `same` gives 1 to equal words where there is nothing to count."""
    answer = words(case.normalize(case.answer))
    best: float | None = None
    for reference in case.references:
        gold = words(case.normalize(reference))
        if same and answer == gold:
            return Score(value=1.0)
        if kind == "l" and len(answer) * len(gold) > MOST_CELLS:
            return Score(value=None, detail=too_long(answer, gold))
        best = max(best or 0.0, _f1(answer, gold, kind))
    return Score(value=best, detail="" if case.references else NO_GOLD)


def _f1(answer: list[str], gold: list[str], kind: str) -> float:
    if kind == "l":
        common, said, there = LCSseq.similarity(answer, gold), len(answer), len(gold)
    else:
        left, right = _runs(answer, int(kind)), _runs(gold, int(kind))
        common, said, there = sum((left & right).values()), sum(left.values()), sum(right.values())
    return 2 * common / (said + there) if common else 0.0


def _runs(words: list[str], length: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[start:] for start in range(length)), strict=False))
