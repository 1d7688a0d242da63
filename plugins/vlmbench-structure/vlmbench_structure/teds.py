"""TEDS and TEDS-struct: tree-edit-distance-based similarity of tables."""

from collections.abc import Callable, Iterator

from vlmbench_sdk import Case, Cases, Score, Scores
from vlmbench_sdk.metric import NO_GOLD
from vlmbench_structure.html_tables import CELLS, Node, Table, lift_sections, normalized, read_table
from vlmbench_structure.options import TedsOptions
from vlmbench_structure.table_pairs import Pair, Part, compare_pairs
from vlmbench_structure.tree_edit import Limits

Tables = Callable[[str], Table | None]


def score(case: Case, options: TedsOptions) -> Score:
    """Return 1 - TED(A, R) / max(|A|, |R|) for the reference that fits best.

    Formula: TED is the tree edit distance; removing and inserting a node costs 1, renaming one costs 1 where tag,
    colspan or rowspan differ, and between two cells the Levenshtein distance of their contents over the longer
    one, where a tag such as `<b>` is one character. |T| is the number of nodes. Not below 0. With
    `structure_only` the contents are not looked at: TEDS-struct.
    Source: Zhong, ShafieiBavani, Jimeno Yepes, "Image-based table recognition: data, model, and evaluation",
    ECCV 2020; script src/metric.py of ibm-aur-nlp/PubTabNet, whose count `count: pubtabnet` repeats.
    Range 0 to 1, higher is better; identical tables score exactly 1.

    The first table of the answer counts, HTML or else Markdown, whose rows keep their cells beyond the head. A `th` is
    a `td`. An answer without a table scores 0. What is too large or takes too long is null, and the detail says so.
    """
    limits = Limits(options.max_nodes, options.timeout_s)
    asked = _asked(case.answer, case.references, read_table, case.normalize, options)
    pairs = [each for each in asked if isinstance(each, Pair)]
    return _judged(case.answer, case.references, asked, compare_pairs(pairs, limits, workers=1))


def score_many(cases: Cases, options: TedsOptions) -> Scores:
    """The same for many cases, over the cores of the machine."""
    texts = dict.fromkeys(
        text for answer, golds in zip(cases.answers, cases.references, strict=True) for text in (answer, *golds)
    )
    tables = {text: read_table(text) for text in texts}
    cells = [*dict.fromkeys(text for table in tables.values() if table for text in _texts(table.root))]
    normal = dict(zip(cells, cases.normalize(cells), strict=True)) if cells else {}
    asked = [
        _asked(answer, golds, tables.__getitem__, normal.__getitem__, options)
        for answer, golds in zip(cases.answers, cases.references, strict=True)
    ]
    pairs = [each for row in asked for each in row if isinstance(each, Pair)]
    found = iter(compare_pairs(pairs, Limits(options.max_nodes, options.timeout_s)))
    scores = []
    for answer, golds, row in zip(cases.answers, cases.references, asked, strict=True):
        results = [next(found) for each in row if isinstance(each, Pair)]
        scores.append(_judged(answer, golds, row, results))
    return Scores(
        [each.value for each in scores],
        categories=[each.category for each in scores],
        details=[each.detail for each in scores],
    )


Asked = list[Pair | float | None]
"""Of each reference: what to compare, what is known without, or null where it is no gold."""


def _asked(
    answer: str, references: tuple[str, ...], tables: Tables, normalize: Callable[[str], str], options: TedsOptions
) -> Asked:
    said = tables(answer)
    asked: Asked = []
    for reference in references:
        gold = tables(reference)
        if gold is None and reference.strip():
            asked.append(None)
        elif said is None or gold is None:
            asked.append(float(said is gold))
        else:
            left, right = (_parts(each.root, normalize, options) for each in (said, gold))
            nodes = max(len(left), len(right))
            if options.count == "pubtabnet":
                nodes = max(said.elements, gold.elements, 1)
            asked.append(Pair(left, right, nodes))
    return asked


def _judged(answer: str, references: tuple[str, ...], asked: Asked, compared: list[float | str]) -> Score:
    known = [each for each in asked if isinstance(each, float)]
    reasons = [each for each in compared if isinstance(each, str)]
    values = known + [each for each in compared if isinstance(each, float)]
    best = max(values, default=None)
    if best == 1:
        return Score(value=1.0, category="correct")
    if reasons:
        return Score(value=None, detail=reasons[0])
    if best is None:
        return Score(value=None, detail=NO_GOLD)
    if not compared and any(reference.strip() for reference in references):
        return Score(value=best, category="unparsed" if answer.strip() else "missing", detail="no table")
    return Score(value=best, category="wrong_value" if compared else "spurious")


def _texts(node: Node) -> Iterator[str]:
    yield node.text
    for each in node.children:
        yield from _texts(each)


def _parts(root: Node, normalize: Callable[[str], str], options: TedsOptions) -> list[Part]:
    """The nodes of a table in post-order."""
    cells = CELLS if options.count == "nodes" else ("td",)
    if not options.sections:
        root = lift_sections(root)
    parts: list[Part] = []
    _add(normalized(root, (lambda _: "") if options.structure_only else normalize, cells), parts)
    return parts


def _add(node: Node, parts: list[Part]) -> int:
    below = [_add(each, parts) for each in node.children]
    parts.append((node.tag, *node.spans, node.text, below))
    return len(parts) - 1
