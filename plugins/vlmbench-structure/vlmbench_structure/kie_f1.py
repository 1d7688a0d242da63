"""Precision, recall and F1 of extracted fields, line items matched as wholes."""

import json
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from pydantic import JsonValue
from scipy.optimize import linear_sum_assignment

from vlmbench_sdk import Case, Score
from vlmbench_sdk.json_answers import read_json_found, read_json_gold, says_nothing
from vlmbench_sdk.json_leaves import by_value, leaves
from vlmbench_sdk.metric import NO_GOLD, Normalize
from vlmbench_sdk.records import Category
from vlmbench_structure.options import KieF1Options

MOST_PAIRS = 1_000_000
"""Pairs of line items that are compared; beyond, the row is null."""

Leaves = Counter[tuple[str, str]]
Tree = dict[str, JsonValue] | list[JsonValue]
Counts = tuple[int, int, int]
"""Fields that agree, fields of the answer, fields of the gold."""


class _TooLargeError(Exception):
    """More line items than can be matched."""


def score(case: Case, options: KieF1Options) -> Score:
    """Return F1 (or precision, or recall) over the fields of a JSON object or list, for the reference that fits best.

    Formula: a field is (key path, normalised value). The objects of a list are line items: those of the answer
    are assigned to those of the gold so that most fields agree (Kuhn 1955, "The Hungarian method for the assignment
    problem"), and a field agrees only within its pair. TP = fields that agree; P = TP / answer's fields,
    R = TP / gold's fields, F1 = 2 TP / (answer's + gold's). Nothing said and nothing there: 1. P of an empty
    answer and R of an empty gold, 0 over 0 by themselves, are 0. The order of items does not count; null and ""
    are the same as no key. Items inside items are part of their item, not matched by themselves. The objects of a
    list that is the whole gold are line items too, and agree with those of an answer that is a list.
    Source: line item recognition of DocILE, Šimsa et al., "DocILE Benchmark for Document Information
    Localization and Extraction", ICDAR 2023: maximum matching of items, F1 over their fields.
    Range 0 to 1, higher is better. `combine` makes the value of a group from the sums of its counts.
    """
    found = read_json_found(case.answer)
    counted: list[Counts] = []
    for reference in case.references:
        gold = read_json_gold(reference)
        if gold is None and not says_nothing(reference):
            continue
        try:
            counted.append(_compare(found.value or {}, gold or {}, case.normalize, options))
        except _TooLargeError as error:
            return Score(value=None, detail=str(error))
    if not counted:
        return Score(value=None, detail=NO_GOLD)
    best = max(counted, key=lambda each: (_measure(each, options), -each[2]))
    unparsed = found.value is None and not says_nothing(case.answer)
    if unparsed:
        # Words in place of an object are one field too many, also where there is nothing to be found.
        best = (0, 1, best[2])
    detail = json.dumps(dict(zip(("correct", "answer", "gold"), best, strict=True)))
    if unparsed:
        return Score(value=0.0, category="unparsed", detail=detail)
    return Score(value=_measure(best, options), category=_category(best), detail=detail)


def combine(scores: Sequence[Score], options: KieF1Options) -> float | None:
    """The micro value of a group: P, R or F1 of the sums of all counts. Null when there is nothing to sum.

    A failed answer is an empty one: all of its gold is missed.
    """
    sums, counted = [0, 0, 0], 0
    for each in scores:
        # Any other detail says why there is no count, such as items that were too many.
        if each.detail.startswith("{"):
            sums = [before + more for before, more in zip(sums, _counts(each.detail), strict=True)]
            counted += 1
    return _measure((sums[0], sums[1], sums[2]), options) if counted else None


@lru_cache(maxsize=100_000)
def _counts(detail: str) -> Counts:
    found = json.loads(detail)
    return found["correct"], found["answer"], found["gold"]


def _measure(counts: Counts, options: KieF1Options) -> float:
    correct, answer, gold = counts
    if not answer and not gold:
        return 1.0
    whole = {"precision": answer, "recall": gold, "f1": (answer + gold) / 2}[options.measure]
    return correct / whole if whole else 0.0


def _category(counts: Counts) -> Category:
    correct, answer, gold = counts
    if correct == answer == gold:
        return "correct"
    if not answer:
        return "missing"
    return "wrong_value" if gold else "spurious"


def _compare(answer: Tree, gold: Tree, normalize: Normalize, options: KieF1Options) -> Counts:
    sides = []
    for side in (answer, gold):
        fields: Leaves = Counter()
        items: dict[str, list[Leaves]] = {}
        _split(side, "", (fields, items), normalize, options)
        sides.append((fields, items))
    (said, said_items), (there, there_items) = sides
    correct = (said & there).total()
    for path in said_items.keys() & there_items.keys():
        correct += _matched(said_items[path], there_items[path])
    totals = [fields.total() + sum(item.total() for each in items.values() for item in each) for fields, items in sides]
    return correct, totals[0], totals[1]


def _split(
    value: JsonValue,
    path: str,
    into: tuple[Leaves, dict[str, list[Leaves]]],
    normalize: Normalize,
    options: KieF1Options,
) -> None:
    """Sort the leaves below a value into plain fields and, for lists of objects, line items."""
    fields, items = into
    if isinstance(value, dict):
        for key, each in value.items():
            _split(each, f"{path}.{key}" if path else key, into, normalize, options)
    elif isinstance(value, list):
        for each in value:
            if isinstance(each, dict):
                items.setdefault(path, []).append(_leaves(each, "", normalize, options))
            else:
                fields.update(_leaves(each, f"{path}[]", normalize, options))
    else:
        fields.update(_leaves(value, path, normalize, options))


def _leaves(value: JsonValue, path: str, normalize: Normalize, options: KieF1Options) -> Leaves:
    canonical = by_value if options.numbers_by_value else str
    texts = ((at, normalize(text)) for at, text in leaves(value, path))
    return Counter((at, canonical(text)) for at, text in texts if text.strip())


def _matched(answer: list[Leaves], gold: list[Leaves]) -> int:
    """Most fields that can agree when each item is assigned to at most one of the other side.

    Equal items are assigned to each other beforehand, which costs nothing: what two others share with them by both
    their fields, these share with each other.
    """
    ours, theirs = (Counter(frozenset(item.items()) for item in side) for side in (answer, gold))
    equal = sum(sum(count for _, count in item) * times for item, times in (ours & theirs).items())
    answer, gold = ([Counter(dict(item)) for item in side.elements()] for side in (ours - theirs, theirs - ours))
    if not answer or not gold:
        return equal
    if len(answer) * len(gold) > MOST_PAIRS:
        raise _TooLargeError(f"too large: {len(answer)} and {len(gold)} line items are not matched")
    agreeing = np.asarray([[(item & other).total() for other in gold] for item in answer])
    rows, columns = linear_sum_assignment(agreeing, maximize=True)
    return equal + int(agreeing[rows, columns].sum())
