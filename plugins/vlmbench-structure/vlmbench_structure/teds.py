"""TEDS and TEDS-struct: tree-edit-distance-based similarity of tables."""

from collections.abc import Callable

import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

from vlmbench_sdk import Case, Score
from vlmbench_sdk.metric import NO_GOLD
from vlmbench_structure.html_tables import CELLS, Node, Table, lift_sections, normalized, read_table
from vlmbench_structure.options import TedsOptions
from vlmbench_structure.tree_edit import Costs, Limits, Shape, TreeLimitError, tree_distance

MOST_TEXT = 2e11
"""Characters of one table's cells times those of the other's; a second or two of work."""


def score(case: Case, options: TedsOptions) -> Score:
    """Return 1 - TED(A, R) / max(|A|, |R|) for the reference that fits best.

    Formula: TED is the tree edit distance; removing and inserting a node costs 1, renaming one costs 1 where tag,
    colspan or rowspan differ, and between two cells the Levenshtein distance of their contents over the longer
    one, where a tag such as `<b>` is one character. |T| is the number of nodes. Not below 0. With
    `structure_only` the contents are not looked at: TEDS-struct.
    Source: Zhong, ShafieiBavani, Jimeno Yepes, "Image-based table recognition: data, model, and evaluation",
    ECCV 2020, section 4; script src/metric.py of ibm-aur-nlp/PubTabNet, whose count `count: pubtabnet` repeats.
    Range 0 to 1, higher is better; identical tables score exactly 1.

    The first table of the answer counts, HTML or else Markdown. A `th` is a `td`. An answer without a table
    scores 0. What is too large or takes too long is null, and the detail says so.
    """
    answer = read_table(case.answer)
    best: float | None = None
    for reference in case.references:
        gold = read_table(reference)
        if gold is None and reference.strip():
            continue
        try:
            value = _similarity(answer, gold, case.normalize, options)
        except TreeLimitError as error:
            return Score(value=None, detail=str(error))
        best = value if best is None else max(best, value)
    if best is None:
        return Score(value=None, detail=NO_GOLD)
    if best == 1:
        return Score(value=1.0, category="correct")
    if answer is None:
        return Score(value=0.0, category="unparsed" if case.answer.strip() else "missing", detail="no table")
    return Score(value=best, category="wrong_value" if any(map(str.strip, case.references)) else "spurious")


def _similarity(
    answer: Table | None, gold: Table | None, normalize: Callable[[str], str], options: TedsOptions
) -> float:
    if answer is None or gold is None:
        return float(answer is gold)
    left, right = (_tree(each.root, normalize, options) for each in (answer, gold))
    nodes = max(len(left), len(right))
    if options.count == "pubtabnet":
        nodes = max(answer.elements, gold.elements, 1)
    limits = Limits(options.max_nodes, options.timeout_s)
    return max(0.0, 1.0 - _distance(left, right, limits) / nodes)


Flat = list[tuple[Node, list[int]]]
"""The nodes of a tree in post-order, each with the numbers of its children."""


def _tree(root: Node, normalize: Callable[[str], str], options: TedsOptions) -> Flat:
    cells = CELLS if options.count == "nodes" else ("td",)
    if not options.sections:
        root = lift_sections(root)
    flat: Flat = []
    _flatten(normalized(root, (lambda _: "") if options.structure_only else normalize, cells), flat)
    return flat


def _flatten(node: Node, flat: Flat) -> int:
    below = [_flatten(each, flat) for each in node.children]
    flat.append((node, below))
    return len(flat) - 1


def _distance(left: Flat, right: Flat, limits: Limits) -> float:
    if _same(left, right):
        return 0.0
    if max(len(left), len(right)) > limits.nodes:
        raise TreeLimitError(f"too large: {max(len(left), len(right))} nodes, at most {limits.nodes} are compared")
    here, there = (Shape.of([below for _, below in each]) for each in (left, right))
    costs = np.ones(len(left)), np.ones(len(right)), _renames([node for node, _ in left], [node for node, _ in right])
    return tree_distance(here, there, costs, limits)


def _same(left: Flat, right: Flat) -> bool:
    return [(node.tag, node.spans, node.text, below) for node, below in left] == [
        (node.tag, node.spans, node.text, below) for node, below in right
    ]


def _renames(left: list[Node], right: list[Node]) -> Costs:
    """What renaming each node of one table into each of the other costs, 0 to 1."""
    kinds: dict[tuple[str, int, int], int] = {}
    numbers = [
        np.asarray([kinds.setdefault((node.tag, *node.spans), len(kinds)) for node in each]) for each in (left, right)
    ]
    costs = (numbers[0][:, None] != numbers[1][None, :]).astype(np.float64)
    texts = [list(dict.fromkeys(node.text for node in each)) for each in (left, right)]
    lengths = [np.asarray([len(text) for text in each]) for each in texts]
    if float(lengths[0].sum()) * float(lengths[1].sum()) > MOST_TEXT:
        raise TreeLimitError(f"too large: {lengths[0].sum()} and {lengths[1].sum()} characters are not compared")
    edits = cdist(texts[0], texts[1], scorer=Levenshtein.distance, dtype=np.int32)
    shares = edits / np.maximum(np.maximum.outer(lengths[0], lengths[1]), 1)
    numbered = [{text: at for at, text in enumerate(each)} for each in texts]
    places = [
        np.asarray([numbers[node.text] for node in each]) for each, numbers in zip((left, right), numbered, strict=True)
    ]
    np.maximum(costs, shares[np.ix_(*places)], out=costs)
    return costs
