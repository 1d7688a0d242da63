"""Reading order: how far the blocks of a page are read in the right sequence."""

from rapidfuzz.distance import Levenshtein

from vlmbench_sdk import Case, NoOptions, Score
from vlmbench_sdk.metric import NO_GOLD
from vlmbench_structure.orders import MOST, read_order


def score(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - every scorer has this signature
    """Return 1 - edits / max(|A|, |R|) between the sequences of blocks, for the reference that fits best.

    Formula: Levenshtein distance between the lists of block names, a block being one symbol; both empty: 1.
    Unlike the rank correlations it counts blocks that are missing, invented or repeated.
    Source: reading order edit distance of OmniDocBench, Ouyang et al., "OmniDocBench: Benchmarking Diverse PDF
    Document Parsing with Comprehensive Annotations", CVPR 2025, which reports edits / max, lower is better.
    Range 0 to 1, higher is better, symmetric.
    """
    answer = read_order(case.answer, case.normalize)
    best: float | None = None
    for reference in case.references:
        gold = read_order(reference, case.normalize)
        if not gold and reference.strip():
            continue
        longest = max(len(answer), len(gold))
        value = 1.0 - Levenshtein.distance(answer, gold) / longest if longest else 1.0
        best = value if best is None else max(best, value)
    if best is None:
        return Score(value=None, detail=NO_GOLD)
    detail = f"only the first {MOST} blocks are read" if len(answer) == MOST else ""
    if best == 1:
        return Score(value=best, category="correct", detail=detail)
    if not any(map(str.strip, case.references)):
        return Score(value=best, category="spurious", detail=detail)
    return Score(value=best, category="wrong_value" if answer else "missing", detail=detail)
