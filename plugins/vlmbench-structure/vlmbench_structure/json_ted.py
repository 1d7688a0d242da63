"""Accuracy of JSON trees by tree edit distance, and structural fidelity."""

import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from vlmbench_sdk import Case, Score
from vlmbench_sdk.json_answers import read_json_found
from vlmbench_sdk.metric import NO_GOLD
from vlmbench_structure.json_trees import JsonTree, json_tree
from vlmbench_structure.options import JsonTedOptions
from vlmbench_structure.tree_edit import Costs, Limits, Shape, TreeLimitError, tree_distance

MOST_TEXT = 2e11
"""Characters of one tree's values times those of the other's; a second or two of work."""


def score(case: Case, options: JsonTedOptions) -> Score:
    """Return max(0, 1 - TED(A, R) / TED(nothing, R)) for the reference that fits best.

    Formula: a key, and an item of a list of objects, is a node; a value is a leaf below its key. Removing or
    inserting a leaf costs its length, any other node 1. Renaming costs the Levenshtein distance between two
    values, 1 plus the value's length between a value and a key, 1 between two different keys. Keys are sorted,
    lists keep their order, empty values are left out. With `structure_only` values are left out too: what stays is
    structural fidelity.
    Source: the nTED-based accuracy of Donut, Kim et al., "OCR-free Document Understanding Transformer", ECCV 2022,
    after Hwang et al. 2021; script donut/util.py, JSONParseEvaluator.cal_acc.
    Range 0 to 1, higher is better. Divided by the gold's size, so that much that is invented scores 0.

    Where the script differs: it divides by zero where gold has no value (here: 1 for an answer without one, else 0),
    takes 0 and false for empty, and strips `<leaf>` from values. An answer that is not JSON scores 0, `unparsed`.
    """
    found = read_json_found(case.answer)
    trees = [
        json_tree(gold.value or {}, case.normalize, with_values=not options.structure_only)
        for reference in case.references
        for gold in (read_json_found(reference),)
        if gold.value is not None or not reference.strip()
    ]
    if not trees:
        return Score(value=None, detail=NO_GOLD)
    if found.value is None:
        if not case.answer.strip() and any(len(tree.labels) == 1 for tree in trees):
            return Score(value=1.0, category="correct")
        return Score(value=0.0, category="unparsed" if case.answer.strip() else "missing", detail=found.problem[:300])
    answer = json_tree(found.value, case.normalize, with_values=not options.structure_only)
    try:
        best = max(_accuracy(answer, gold, Limits(options.max_nodes, options.timeout_s)) for gold in trees)
    except TreeLimitError as error:
        return Score(value=None, detail=str(error))
    absent = all(len(tree.labels) == 1 for tree in trees)
    return Score(value=best, category="correct" if best == 1 else "spurious" if absent else "wrong_value")


def _accuracy(answer: JsonTree, gold: JsonTree, limits: Limits) -> float:
    if answer == gold:
        return 1.0
    largest = max(len(answer.labels), len(gold.labels))
    if largest > limits.nodes:
        raise TreeLimitError(f"too large: {largest} nodes, at most {limits.nodes} are compared")
    insert = _sizes(gold)
    # The root is always there, so nothing is the root alone.
    whole = float(insert[:-1].sum())
    if not whole:
        return 0.0
    costs = _sizes(answer), insert, _renames(answer, gold)
    return max(0.0, 1.0 - tree_distance(Shape.of(answer.children), Shape.of(gold.children), costs, limits) / whole)


def _sizes(tree: JsonTree) -> Costs:
    pairs = zip(tree.labels, tree.is_value, strict=True)
    return np.asarray([len(label) if is_value else 1 for label, is_value in pairs], dtype=np.float64)


def _renames(left: JsonTree, right: JsonTree) -> Costs:
    values = [np.asarray(tree.is_value) for tree in (left, right)]
    sizes = [_sizes(tree) for tree in (left, right)]
    if float(sizes[0].sum()) * float(sizes[1].sum()) > MOST_TEXT:
        raise TreeLimitError(f"too large: {sizes[0].sum():.0f} and {sizes[1].sum():.0f} characters are not compared")
    # Between a value and a key: 1 and the value's length. A key's own size is 1.
    costs = sizes[0][:, None] + sizes[1][None, :]
    texts = [tree.values() for tree in (left, right)]
    if texts[0] and texts[1]:
        costs[np.ix_(*values)] = cdist(texts[0], texts[1], scorer=Levenshtein.distance, dtype=np.int32)
    numbers: dict[str, int] = {}
    keys = [np.asarray([numbers.setdefault(key, len(numbers)) for key in tree.names()]) for tree in (left, right)]
    costs[np.ix_(~values[0], ~values[1])] = keys[0][:, None] != keys[1][None, :]
    return costs
