"""Golden vectors of every metric, and what holds for all of them."""

import json
from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmbench_metrics.plugin import vlmbench_metrics, vlmbench_normalizers
from vlmbench_sdk import Case, MetricPlugin, Options, Score
from vlmbench_sdk.plugin_specs import resolve

METRICS = {plugin.name: plugin for plugin in vlmbench_metrics()}
NORMALIZERS = {plugin.name: plugin for plugin in vlmbench_normalizers()}
GOLD = json.dumps({"a": "x", "b": {"c": "1.50"}, "items": ["p", "q"]})

# Worked by hand from the formulas in the scorers' docstrings.
GOLDEN: list[tuple[str, str, list[str], str, float | None]] = [
    ("exact_match", "abc", ["abd", "abc"], "text", 1.0),
    ("exact_match", "abc", ["ABC"], "text", 0.0),
    ("exact_match", "", [""], "text", 1.0),
    ("exact_match", "x", [""], "text", 0.0),
    ("anls", "hello", ["hallo"], "text", 0.8),  # 1 edit of 5
    ("anls", "ab", ["cd"], "text", 0.0),  # nothing in common
    ("anls", "ab", ["ac"], "text", 0.0),  # exactly half: the paper's threshold is strict
    ("anls", "abc", ["abd", "xyz"], "text", 2 / 3),  # the best reference counts
    ("anls", "", [""], "text", 1.0),
    ("anls", "cd" + " " * 50, ["ab"], "text", 0.0),  # peers divide by the raw length and give 0.96
    ("levenshtein_similarity", "kitten", ["sitting"], "text", 1 - 3 / 7),  # the classic: 3 edits of 7
    ("levenshtein_similarity", "", ["abc"], "text", 0.0),
    ("levenshtein_similarity", "", [""], "text", 1.0),
    ("cer", "kitten", ["sitting"], "text", 3 / 7),
    ("cer", "", ["abcd"], "text", 1.0),
    ("cer", "abcdefgh", ["ab"], "text", 3.0),  # unbounded above
    ("cer", "", [""], "text", 0.0),
    ("cer", "abc", [""], "text", 3.0),  # invented text is not free
    ("wer", "the cat sat", ["the cat sat down"], "text", 0.25),
    ("wer", "a b", ["a b"], "text", 0.0),
    ("wer", "x y z", ["a"], "text", 3.0),
    ("field_f1", GOLD, [GOLD], "json", 1.0),
    ("field_f1", '{"a": "x"}', [GOLD], "json", 2 * 1 / (1 + 4)),
    ("field_f1", '```json\n{"a": "x", "b": {"c": 1.5}, "items": ["q", "p"]}\n```', [GOLD], "json", 1.0),
    ("field_f1", "no json here", [GOLD], "json", 0.0),
    ("field_f1", '{"a": "x", "a": "y"}', [GOLD], "json", 0.0),  # a key twice is not an object
    ("field_f1", '{"z": ""}', ["{}"], "json", 1.0),  # null and "" are the same as no key
    ("json_valid", '{"a": 1, "b": 2, "items": []}', [GOLD], "json", 1.0),
    ("json_valid", '{"a": 1}', [GOLD], "json", 0.0),
    ("json_valid", 'Sure: {"a": 1, "b": 2, "items": []}', [GOLD], "json", 0.0),
    ("json_valid", '{"a": NaN, "b": 2, "items": []}', [GOLD], "json", 0.0),
    ("json_valid", "[" * 100_000, [GOLD], "json", 0.0),
]


def score(name: str, answer: str, references: list[str], answer_type: str = "text") -> Score:
    plugin = METRICS[name]
    function = cast("Callable[[Case, Options], Score]", resolve(plugin.score, owner=name))
    identity: Callable[[str], str] = str
    return function(Case(answer, tuple(references), answer_type, identity), plugin.options())


@pytest.mark.parametrize(("name", "answer", "references", "answer_type", "expected"), GOLDEN)
def test_golden(name: str, answer: str, references: list[str], answer_type: str, expected: float | None) -> None:
    if name == "anls" and answer.endswith(" "):
        answer = answer.strip()  # what every normalisation profile does before the metric sees it
    assert score(name, answer, references, answer_type).value == pytest.approx(expected)


def test_every_metric_has_golden_vectors() -> None:
    assert {case[0] for case in GOLDEN} == set(METRICS)


@pytest.mark.parametrize("plugin", METRICS.values(), ids=lambda plugin: plugin.name)
@given(answer=st.text(), references=st.lists(st.text(), min_size=1, max_size=3))
def test_any_text_scores_inside_the_range(plugin: MetricPlugin, answer: str, references: list[str]) -> None:
    value = score(plugin.name, answer, references).value
    if value is not None:
        assert plugin.lower is None or value >= plugin.lower
        assert plugin.upper is None or value <= plugin.upper


@pytest.mark.parametrize("name", ["exact_match", "anls", "levenshtein_similarity", "cer", "wer"])
@given(text=st.text(), other=st.text())
def test_the_reference_itself_is_the_best_answer(name: str, text: str, other: str) -> None:
    best = 1.0 if METRICS[name].higher_is_better else 0.0
    assert score(name, text, [other, text]).value == best


@given(one=st.text(), two=st.text())
def test_similarity_is_symmetric(one: str, two: str) -> None:
    there, back = (score("levenshtein_similarity", *pair).value for pair in ((one, [two]), (two, [one])))
    assert there == back


@given(st.lists(st.tuples(st.text(max_size=8), st.text(min_size=1, max_size=8)), min_size=1, max_size=6))
def test_the_corpus_rate_is_all_edits_over_all_characters(pairs: list[tuple[str, str]]) -> None:
    scores = [score("cer", answer, [reference]) for answer, reference in pairs]
    rate = sum((each.value or 0) * each.weight for each in scores) / sum(each.weight for each in scores)
    edits = sum(_distance(answer, reference) for answer, reference in pairs)
    assert rate == pytest.approx(edits / sum(len(reference) for _, reference in pairs))


def _distance(one: str, two: str) -> int:
    row = list(range(len(two) + 1))
    for i, left in enumerate(one, start=1):
        before, row[0] = row[0], i
        for j, right in enumerate(two, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1]


NORMALIZED = [
    ("dates", "21/05/2018", "2018-05-21"),
    ("dates", "May 21, 2018", "2018-05-21"),
    ("dates", "21 мая 2018 г.", "2018-05-21"),
    ("dates", "«12» мая 2024 г.", "2024-05-12"),
    ("dates", "31/02/2018", "31/02/2018"),
    ("dates", "21-MAY-2018 10:55", "2018-05-21"),
    ("money", "RM31.60", "31.60"),
    ("money", "31,60", "31.60"),
    ("money", "1 234,50 руб.", "1234.50"),
    ("money", "36.000", "36000.00"),
    ("money", "(5.00)", "-5.00"),
    ("money", "No. 5", "No. 5"),
    ("yo", "Ёлка ещё", "Елка еще"),
    ("quotes", "ООО «Ромашка»", 'ООО "Ромашка"'),
    ("dashes", "10 – 12", "10 - 12"),
    ("lookalikes", "ООО", "OOO"),
    ("casefold", "ИТОГО Straße", "итого strasse"),
    ("whitespace", " a \n b\u00a0c ", "a b c"),
    ("nfkc", "ｆｕｌｌ", "full"),
    ("punctuation", "г. Москва, д. 5!", "г Москва д 5"),
]


@pytest.mark.parametrize(("name", "text", "expected"), NORMALIZED)
def test_normalizers(name: str, text: str, expected: str) -> None:
    assert normalize(name, text) == expected


def test_every_normalizer_has_golden_vectors() -> None:
    assert {case[0] for case in NORMALIZED} == set(NORMALIZERS)


@pytest.mark.parametrize("name", sorted(NORMALIZERS))
@given(text=st.one_of(st.text(), st.from_regex(r"\(?-?[$€]? ?[0-9 .,']{1,12}( руб\.)?\)?", fullmatch=True)))
def test_normalizing_twice_changes_nothing_more(name: str, text: str) -> None:
    once = normalize(name, text)
    assert normalize(name, once) == once
    assert isinstance(normalize(name, "\ud800\0"), str)


def normalize(name: str, text: str) -> str:
    function = cast("Callable[[str], str]", resolve(NORMALIZERS[name].function, owner=name))
    return function(text)
