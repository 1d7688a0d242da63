"""Token F1: overlap of words, as SQuAD has it."""

from collections import Counter

from vlmbench_sdk import Case, NoOptions, Score
from vlmbench_sdk.metric import NO_GOLD


def score(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - every scorer has this signature
    """Return the F1 of the answer's words against the reference that fits best.

    Formula: A, R multisets of words after normalisation; P = |A ∩ R| / |A|, R = |A ∩ R| / |R|, F1 = 2PR / (P + R);
    where either has no words, 1 if neither has, else 0. Source: Rajpurkar et al., "SQuAD: 100,000+ Questions for
    Machine Comprehension of Text", EMNLP 2016; no words: the script of SQuAD 2.0. Its normalisation (lower case, no
    punctuation, no English articles, single spaces) is the entry's. Range 0 to 1, higher is better; symmetric. For
    short answers.
    """
    answer = Counter(case.normalize(case.answer).split())
    return Score(
        value=max((_f1(answer, Counter(case.normalize(each).split())) for each in case.references), default=None),
        detail="" if case.references else NO_GOLD,
    )


def _f1(answer: Counter[str], reference: Counter[str]) -> float:
    said, gold = sum(answer.values()), sum(reference.values())
    if not said or not gold:
        return float(said == gold)
    return 2 * sum((answer & reference).values()) / (said + gold)
