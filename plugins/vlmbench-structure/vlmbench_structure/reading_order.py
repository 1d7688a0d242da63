"""Reading order: how far the blocks of a page are read in the right sequence."""

from rapidfuzz.distance import Levenshtein

from vlmbench_sdk import Case, NoOptions, Score
from vlmbench_sdk.json_answers import says_nothing
from vlmbench_sdk.metric import NO_GOLD
from vlmbench_structure.orders import MOST, PROSE, items_against, read_order


def score(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - every scorer has this signature
    """Return 1 - edits / max(|A|, |R|) between the sequences of blocks, for the reference that fits best.

    Formula: Levenshtein distance between the lists of block names, a block being one symbol; both empty: 1.
    Unlike the rank correlations it counts blocks that are missing, invented or repeated.
    Source: reading order edit distance of OmniDocBench, Ouyang et al., "OmniDocBench: Benchmarking Diverse PDF
    Document Parsing with Comprehensive Annotations", CVPR 2025, which reports edits / max, lower is better.
    Range 0 to 1, higher is better, symmetric. An answer that has a block of the gold among other words is unparsed, 0.
    """
    answer = read_order(case.answer, case.normalize)
    values: list[float | None] = []
    for reference in case.references:
        gold = read_order(reference, case.normalize).items
        if not gold and not says_nothing(reference):
            continue
        items = items_against(answer, gold)
        longest = max(len(items or ()), len(gold), 1)
        values.append(None if items is None else 1.0 - Levenshtein.distance(items, gold) / longest)
    if not values:
        return Score(value=None, detail=NO_GOLD)
    best = max((each for each in values if each is not None), default=None)
    if best is None:
        return Score(value=0.0, category="unparsed", detail=answer.problem or PROSE)
    detail = f"only the first {MOST} blocks are read" if len(answer.items) == MOST else ""
    if best == 1:
        return Score(value=best, category="correct", detail=detail)
    if all(map(says_nothing, case.references)):
        return Score(value=best, category="spurious", detail=detail)
    return Score(value=best, category="wrong_value" if answer.items else "missing", detail=detail)
