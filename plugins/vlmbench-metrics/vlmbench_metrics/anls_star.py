"""ANLS*: ANLS over answers that are objects and lists."""

from dataclasses import dataclass, field

from pydantic import JsonValue

from vlmbench_metrics.assignment import assign
from vlmbench_metrics.edits import edits, too_long
from vlmbench_metrics.options import AnlsOptions
from vlmbench_sdk import Case, Score
from vlmbench_sdk.json_answers import read_json_found, read_json_gold, says_nothing
from vlmbench_sdk.json_leaves import leaves
from vlmbench_sdk.metric import NO_GOLD, Normalize

MOST_WORK = 1_000_000
"""Pairs of items that are compared, matching included, some 230 by 230 items of five short texts: about a second."""
_MATCHING = 20
_MORE, _LESS = 1e-9, 1e-12
"""Of assignments with the same sum of s / l, the one with the most s is taken, and then the least l, so that the order
of items never counts."""


class _TooMuchError(Exception):
    """More than is compared; the message says of what."""


def score(case: Case, options: AnlsOptions) -> Score:
    """Return ANLS* of the answer against the reference that fits best.

    Formula: s(g, a) / l(g, a), trees of JSON. Texts: s = ANLS of the two, l = 1. Objects: s and l sum over the keys
    of both, a lacking key being null; a key that only the answer has with nothing in it does not count. Lists: s and l
    sum over the items matched for the largest sum of s / l (Hungarian method), and l over the sizes of the rest. Null:
    s = 1 against null, {}, [] and "". Different kinds: s = 0, l = the larger size. Both without any text: 1. Source:
    Peer et al., "ANLS* - A Universal Document Processing Metric for Generative Large Language Models", 2024,
    arXiv:2402.03848. Range 0 to 1, higher is better. For objects and lists, and short answers, where it is ANLS.

    A reference that is a JSON object or list is read as such, anything else is a text. An answer is read as JSON where
    a reference is; where it cannot be, it is a text and `unparsed`. Numbers are compared as they were written.
    "", {} and [] say the same, that nothing is there: 1 against each other, and against a tree without any text.
    Where items can be matched in several ways, all with the largest sum, the one with the most s counts, then the least
    l; the authors' package takes the first that it finds, so that there the order of items may count.
    """
    found = [(read_json_gold(reference), reference) for reference in case.references]
    golds: list[JsonValue] = [text if gold is None else gold for gold, text in found]
    structured = any(not isinstance(gold, str) for gold in golds)
    said: JsonValue = read_json_found(case.answer).value if structured else None
    said = case.answer if said is None else said
    if any(_both_nothing(case.answer, reference) for reference in case.references):
        return Score(value=1.0)
    if _normal(said, case.normalize) in [_normal(gold, case.normalize) for gold in golds]:
        return Score(value=1.0)
    best: float | None = None
    try:
        for gold in golds:
            pairing = _Pairing(case.normalize, options.threshold)
            got, of = pairing.pair(gold, said)
            best = max(best or 0.0, got / of if of else 1.0)
    except _TooMuchError as error:
        return Score(value=None, detail=str(error))
    unparsed = structured and isinstance(said, str) and bool(said.strip())
    return Score(
        value=best,
        category="unparsed" if unparsed else "",
        detail="" if golds else NO_GOLD,
    )


def _both_nothing(answer: str, reference: str) -> bool:
    """Whether one says that nothing is there, and the other has no text either."""
    return (says_nothing(answer) and _has_no_text(reference)) or (says_nothing(reference) and _has_no_text(answer))


def _has_no_text(text: str) -> bool:
    found = read_json_found(text)
    if found.value is None or found.form == "embedded":
        return not text.strip()
    return not any(leaf.strip() for _, leaf in leaves(found.value))


@dataclass
class _Pairing:
    """One comparison of two trees."""

    normalize: Normalize
    threshold: float
    work: int = field(default=0)

    def pair(self, gold: JsonValue, said: JsonValue) -> tuple[float, int]:
        """Return s and l of two trees."""
        self._spend(1)
        if gold is None:
            return float(said in (None, "", [], {})), max(1, _size(said))
        if isinstance(gold, dict) and isinstance(said, dict):
            keys = [key for key in {**gold, **said} if key in gold or said[key] not in (None, "", [], {})]
            parts = [self.pair(gold.get(key), said.get(key)) for key in keys]
            return sum(got for got, _ in parts), sum(of for _, of in parts)
        if isinstance(gold, list) and isinstance(said, list):
            return self._lists(gold, said)
        if isinstance(gold, dict | list) or said is None or isinstance(said, dict | list):
            return 0.0, max(_size(gold), _size(said))
        return self._texts(self.normalize(_text(gold)), self.normalize(_text(said))), 1

    def _texts(self, gold: str, said: str) -> float:
        distance, longest = edits(said, gold), max(len(gold), len(said), 1)
        if distance is None:
            raise _TooMuchError(too_long(said, gold))
        return 1 - distance / longest if distance / longest < self.threshold else 0.0

    def _lists(self, gold: list[JsonValue], said: list[JsonValue]) -> tuple[float, int]:
        self._spend(len(gold) * len(said) * min(len(gold), len(said)) // _MATCHING)
        pairs = [[self.pair(one, other) for other in said] for one in gold]
        sizes = [*map(_size, gold)], [*map(_size, said)]
        matched = assign(
            [
                [(got / of if of else 1.0) + _MORE * got + _LESS * (one + other - of) for (got, of), other in rows]
                for one, rows in zip(sizes[0], (zip(row, sizes[1], strict=True) for row in pairs), strict=True)
            ]
        )
        rest = sum(sizes[0]) + sum(sizes[1]) - sum(sizes[0][row] + sizes[1][column] for row, column in matched)
        parts = [pairs[row][column] for row, column in matched]
        return sum(got for got, _ in parts), sum(of for _, of in parts) + rest

    def _spend(self, work: int) -> None:
        self.work += work
        if self.work > MOST_WORK:
            raise _TooMuchError("too many items to match")


_Normal = tuple[object, ...]


def _normal(tree: JsonValue, normalize: Normalize) -> _Normal:
    """A form that is equal where trees are, the order of lists apart."""
    if isinstance(tree, dict):
        return "object", *sorted((key, _normal(value, normalize)) for key, value in tree.items())
    if isinstance(tree, list):
        return "list", *sorted(_normal(value, normalize) for value in tree)
    return ("null",) if tree is None else ("text", normalize(_text(tree)))


def _text(leaf: JsonValue) -> str:
    return str(leaf).lower() if isinstance(leaf, bool) else str(leaf)


def _size(tree: JsonValue) -> int:
    """How many texts and nulls a tree has."""
    if isinstance(tree, dict):
        return sum(map(_size, tree.values()))
    return sum(map(_size, tree)) if isinstance(tree, list) else 1
