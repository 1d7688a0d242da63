"""Field F1: precision and recall over the leaves of a JSON object or list."""

from collections import Counter

from pydantic import JsonValue

from vlmbench_metrics.options import FieldF1Options
from vlmbench_sdk import Case, Score
from vlmbench_sdk.json_answers import read_json_found, read_json_gold, says_nothing
from vlmbench_sdk.json_leaves import by_value, leaves
from vlmbench_sdk.metric import NO_GOLD, Normalize
from vlmbench_sdk.records import Category

LONGEST_DETAIL = 300

Leaves = Counter[tuple[str, str]]


def score(case: Case, options: FieldF1Options) -> Score:
    """Return the F1 of the answer's leaves against the reference that fits best.

    Formula: a leaf is (key path, normalised value); P = |A ∩ R| / |A|, R = |A ∩ R| / |R|, as multisets;
    F1 = 2PR / (P + R); both without leaves: 1. Items of a list share one path, so their order does not
    count. A value of null or "" is the same as no key: the field is absent. Range 0 to 1, higher is better.
    Lists of objects are compared as well: `[{"a": 1}]` has the leaf `[].a`, so an object is not a list with it inside.
    An answer that is not one JSON object or list scores 0 with category `unparsed`, unless it says nothing.
    """
    objects = [(read_json_gold(reference), reference) for reference in case.references]
    golds = [
        _leaves(gold or {}, case.normalize, options) for gold, text in objects if gold is not None or says_nothing(text)
    ]
    if not golds:
        return Score(value=None, detail=NO_GOLD)
    found = read_json_found(case.answer)
    if found.value is None and not says_nothing(case.answer):
        return Score(value=0.0, category="unparsed", detail=found.problem[:LONGEST_DETAIL])
    answer = _leaves(found.value or {}, case.normalize, options)
    value, gold = max(((_f1(answer, each), each) for each in golds), key=lambda pair: pair[0])
    return Score(value=value, category=_category(answer, gold), detail=_detail(answer, gold))


def _f1(answer: Leaves, gold: Leaves) -> float:
    if not answer and not gold:
        return 1.0
    return 2 * (answer & gold).total() / (answer.total() + gold.total())


def _leaves(value: JsonValue, normalize: Normalize, options: FieldF1Options) -> Leaves:
    canonical = by_value if options.numbers_by_value else str
    texts = ((path, normalize(text)) for path, text in leaves(value))
    return Counter((path, canonical(text)) for path, text in texts if text.strip())


def _category(answer: Leaves, gold: Leaves) -> Category:
    if answer == gold:
        return "correct"
    if not answer:
        return "missing"
    return "spurious" if not gold else "wrong_value"


def _detail(answer: Leaves, gold: Leaves) -> str:
    extra, lacking = {path for path, _ in answer - gold}, {path for path, _ in gold - answer}
    parts = [
        f"{word}: {', '.join(sorted(paths))}"
        for word, paths in (
            ("wrong", extra & lacking),
            ("missing", lacking - extra),
            ("spurious", extra - lacking),
        )
        if paths
    ]
    return "; ".join(parts)[:LONGEST_DETAIL]
