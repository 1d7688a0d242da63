"""Field F1: precision and recall over the leaves of a JSON object."""

import re
from collections import Counter
from collections.abc import Iterator

from pydantic import JsonValue

from vlmbench_metrics.options import FieldF1Options
from vlmbench_sdk import Case, Score
from vlmbench_sdk.json_answers import read_json_answer
from vlmbench_sdk.metric import Normalize
from vlmbench_sdk.records import Category

LONGEST_DETAIL = 300
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")

Leaves = Counter[tuple[str, str]]


def score(case: Case, options: FieldF1Options) -> Score:
    """Return the F1 of the answer's leaves against the reference that fits best.

    Formula: a leaf is (key path, normalised value); P = |A ∩ R| / |A|, R = |A ∩ R| / |R|, as multisets;
    F1 = 2PR / (P + R); both without leaves: 1. Items of a list share one path, so their order does not
    count. A value of null or "" is the same as no key: the field is absent. Range 0 to 1, higher is better.
    An answer that is not one JSON object scores 0 with category `unparsed`.
    """
    found = read_json_answer(case.answer)
    if found.value is None:
        return Score(value=0.0, category="unparsed", detail=found.problem[:LONGEST_DETAIL])
    answer = _leaves(found.value, case.normalize, options)
    best: tuple[float, Leaves] | None = None
    for reference in case.references:
        gold_object = read_json_answer(reference).value
        if gold_object is None and reference.strip():
            continue
        gold = _leaves(gold_object or {}, case.normalize, options)
        value = _f1(answer, gold)
        if best is None or value > best[0]:
            best = (value, gold)
    if best is None:
        return Score(value=None, detail="no reference is a JSON object")
    value, gold = best
    return Score(value=value, category=_category(answer, gold), detail=_detail(answer, gold))


def _f1(answer: Leaves, gold: Leaves) -> float:
    if not answer and not gold:
        return 1.0
    return 2 * (answer & gold).total() / (answer.total() + gold.total())


def _leaves(value: JsonValue, normalize: Normalize, options: FieldF1Options) -> Leaves:
    return Counter((path, _canonical(normalize(text), options)) for path, text in _walk(value, "") if text.strip())


def _walk(value: JsonValue, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, f"{path}[]")
    elif value is not None:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)


def _canonical(text: str, options: FieldF1Options) -> str:
    if options.numbers_by_value and _NUMBER.fullmatch(text):
        return (text.rstrip("0").rstrip(".") if "." in text else text).lstrip("+")
    return text


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
