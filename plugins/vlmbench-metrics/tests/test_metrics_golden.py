"""Golden vectors of every metric, and what holds for all of them."""

import json
from collections.abc import Callable
from decimal import Decimal
from itertools import permutations
from random import Random
from typing import cast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from vlmbench_metrics.assignment import assign
from vlmbench_metrics.plugin import vlmbench_metrics, vlmbench_normalizers
from vlmbench_sdk import Case, Cases, MetricPlugin, Options, Score, Scores
from vlmbench_sdk.metric import letters
from vlmbench_sdk.plugin_specs import resolve
from vlmbench_sdk.testing import HOSTILE

METRICS = {plugin.name: plugin for plugin in vlmbench_metrics()}
NORMALIZERS = {plugin.name: plugin for plugin in vlmbench_normalizers()}

NEEDS_SACREBLEU = {"bleu", "chrf"}


def one_by_one(plugin: MetricPlugin) -> Callable[[Case, Options], Score]:
    return cast("Callable[[Case, Options], Score]", resolve(plugin.score, owner=plugin.name))


def score(name: str, answer: str, references: list[str], answer_type: str = "text") -> Score:
    plugin = METRICS[name]
    identity: Callable[[str], str] = str
    return one_by_one(plugin)(Case(answer, tuple(references), answer_type, identity), plugin.options())


@pytest.mark.parametrize("name", sorted(METRICS))
def test_every_metric_has_golden_vectors(name: str) -> None:
    path = METRICS[name].vectors
    assert path is not None
    assert path.is_file()


IDENTICAL = sorted(set(METRICS) - {"anls_star", "rouge_compat", "field_f1", "json_valid"} - NEEDS_SACREBLEU)
"""Metrics whose best answer to any text is that text."""
SYMMETRIC = ("anls", "anls_compat", "levenshtein_similarity", "page_edit_distance", "token_f1", "rouge", "rouge_compat")
RIGHT_OR_WRONG = (
    "exact_match",
    "relaxed_accuracy",
    "relaxed_accuracy_compat",
    "numeric_tolerance",
    "date_tolerance",
    "choice_accuracy",
    "json_valid",
    "field_f1",
)
TEXTS = st.one_of(
    st.text(),
    st.text(st.characters(codec=None), max_size=20),
    st.sampled_from(
        [*HOSTILE, "5%", "0.0", "(1,234.50)", "21 мая 2018 г.", "(B)", '{"a": ["x", {"b": null}]}', "[[]]"]
    ),
)


@pytest.mark.parametrize("name", sorted(set(METRICS) - NEEDS_SACREBLEU))
@settings(deadline=None)
@given(answer=TEXTS, references=st.lists(TEXTS, min_size=1, max_size=3))
def test_any_text_scores_inside_the_range(name: str, answer: str, references: list[str]) -> None:
    plugin, found = METRICS[name], score(name, answer, references)
    if found.value is None:
        assert found.detail
    else:
        assert plugin.lower is None or found.value >= plugin.lower
        assert plugin.upper is None or found.value <= plugin.upper
        assert bool(found.category) == (name in RIGHT_OR_WRONG) or name == "anls_star"
        assert (found.category == "correct") <= (found.value == 1.0)


@pytest.mark.parametrize("name", IDENTICAL)
@settings(deadline=None)
@given(text=TEXTS, other=TEXTS)
def test_the_reference_itself_is_the_best_answer(name: str, text: str, other: str) -> None:
    if name == "relaxed_accuracy_compat":
        # The script that it repeats divides infinity by infinity, and says wrong.
        assume("inf" not in text.lower())
    value = score(name, text, [other, text]).value
    if name in {"numeric_tolerance", "date_tolerance"} and text.strip():
        # A text without a number or a date is no gold, and several in one answer are none.
        assert value in (1.0, 0.0, None)
    else:
        assert value == (1.0 if METRICS[name].higher_is_better else 0.0)


@pytest.mark.parametrize("name", ["anls_star", "field_f1"])
@settings(deadline=None)
@given(value=st.dictionaries(st.text(max_size=3), st.lists(st.text(max_size=4), max_size=4), max_size=4))
def test_the_reference_itself_is_the_best_object(name: str, value: dict[str, list[str]]) -> None:
    assert score(name, json.dumps(value), [json.dumps(value, ensure_ascii=False)], "json").value == 1.0


PLAIN = ["Б", "ж", "Ответ: Г", ".5", "-.5", "0.125", "0,500", "1.250", "1 февр. 2026", '[{"a": "1"}]']


@pytest.mark.parametrize("kind", ["text", "number", "money", "date"])
@pytest.mark.parametrize("name", sorted(METRICS.keys() - NEEDS_SACREBLEU))
def test_what_is_easily_misread_is_the_best_answer_to_itself(name: str, kind: str) -> None:
    plugin = METRICS[name]
    settings_of: dict[str, list[dict[str, object]]] = {
        "exact_match": [{"typed": True}],
        "choice_accuracy": [{}, {"parser": "letter"}],
    }
    readings = [plugin.options.model_validate(each) for each in settings_of.get(name, [{}])]
    texts = PLAIN if name in IDENTICAL or name == "anls_star" else [PLAIN[-1]]
    for text in texts:
        for options in readings:
            found = one_by_one(plugin)(Case(text, ("?", text), kind, str), options)
            nothing_to_read = found.detail == "no gold" or found.category == "unparsed"
            if name not in {"json_valid", "numeric_tolerance", "date_tolerance"} or not nothing_to_read:
                assert found.value == (1.0 if plugin.higher_is_better else 0.0), (text, found)


THOUSANDTHS = st.integers(0, 999).map(lambda number: f"0.{number:03}")


@settings(deadline=None)
@given(THOUSANDTHS, THOUSANDTHS | st.integers(0, 999).map(str), st.sampled_from(["number", "money"]))
def test_thousandths_are_no_thousands(one: str, two: str, kind: str) -> None:
    typed = METRICS["exact_match"].options.model_validate({"typed": True})
    right = float(Decimal(one) == Decimal(two))
    for each in {one, one.replace(".", ","), one.removeprefix("0")}:
        assert one_by_one(METRICS["exact_match"])(Case(each, (two,), kind, str), typed).value == right
        assert score("numeric_tolerance", each, [two]).value == right


@pytest.mark.parametrize("letter", "АБВГДЕЖЗИКABCDEFGHI")
def test_every_letter_of_a_choice_is_read_alike(letter: str) -> None:
    options = METRICS["choice_accuracy"].options.model_validate({"parser": "letter"})
    said = (
        "{}",
        "({})",
        "**{}**",
        "{}.",
        "{}) Paris",
        "Answer: {}",
        "The answer is {} because of x",
        "Ответ — {}, так как",
    )
    for form in (*said, "Option {} is correct", "Answer: {} dog is shown", "{} or so"):
        found = one_by_one(METRICS["choice_accuracy"])(Case(form.format(letter), (letter,), "choice", str), options)
        assert (found.value, found.category) == (
            (1.0, "correct") if form in {*said, "Option {} is correct"} else (0.0, "unparsed")
        )


ITEMS = [{"name": f"item {index}", "n": str(index % 7), "price": f"{index}.50"} for index in range(400)]


def test_a_long_answer_that_is_equal_has_the_best_value() -> None:
    """Though as many items, were they different, are too many to match."""
    gold, said = json.dumps(ITEMS), json.dumps(ITEMS[::-1], indent=1)
    assert score("anls_star", said, [gold], "json").value == 1.0
    assert score("anls_star", said, ['["tea"]', f"```json\n{gold}\n```"], "json").value == 1.0
    assert score("anls_star", json.dumps(ITEMS[1:]), [gold], "json").value is None
    assert score("anls_star", json.dumps(ITEMS[1:200]), [json.dumps(ITEMS[:200])], "json").value == 199 / 200
    assert score("field_f1", said, [gold], "json").value == 1.0


LEAF = st.sampled_from(["tea", "cake", "nope!", "12.50", "", None])
TREES = st.lists(
    st.recursive(
        LEAF, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.sampled_from("abc"), each), max_leaves=5
    ),
    max_size=4,
)


@settings(deadline=None)
@given(gold=TREES, said=TREES, chance=st.randoms())
def test_the_order_of_items_never_counts_in_anls_star(
    gold: list[JsonValue], said: list[JsonValue], chance: Random
) -> None:
    here = score("anls_star", json.dumps(said), [json.dumps(gold)], "json").value
    for each in (gold, said):
        chance.shuffle(each)
    assert score("anls_star", json.dumps(said), [json.dumps(gold)], "json").value == pytest.approx(here)


@pytest.mark.parametrize("name", SYMMETRIC)
@settings(deadline=None)
@given(one=TEXTS, two=TEXTS)
def test_it_is_symmetric(name: str, one: str, two: str) -> None:
    there, back = (score(name, *pair).value for pair in ((one, [two]), (two, [one])))
    assert there == back


@pytest.mark.parametrize("name", sorted(set(IDENTICAL) - {"numeric_tolerance", "date_tolerance"}))
def test_nothing_said_is_worse_than_nothing_to_say(name: str) -> None:
    best = 1.0 if METRICS[name].higher_is_better else 0.0
    assert score(name, "", [""]).value == best
    assert score(name, "", ["7 words"]).value == METRICS[name].worst
    assert score(name, "7 words", [""]).value != best


@pytest.mark.parametrize("name", sorted(name for name, plugin in METRICS.items() if plugin.score_many))
@settings(deadline=None)
@given(
    cases=st.lists(
        st.tuples(TEXTS, st.lists(TEXTS, min_size=1, max_size=3), st.sampled_from(["text", "date", "money"])),
        max_size=6,
    ),
    typed=st.booleans(),
)
def test_many_score_as_one_by_one(name: str, cases: list[tuple[str, list[str], str]], *, typed: bool) -> None:
    plugin = METRICS[name]
    options = plugin.options.model_validate({"typed": typed} if name == "exact_match" else {})
    fold: Callable[[str], str] = lambda text: text.lower().strip()  # noqa: E731
    ones = [one_by_one(plugin)(Case(said, tuple(golds), kind, fold), options) for said, golds, kind in cases]
    columns = Cases(
        [said for said, _, _ in cases],
        [tuple(golds) for _, golds, _ in cases],
        [kind for _, _, kind in cases],
        lambda texts: [fold(text) for text in texts],
        lambda texts: [letters(text) for text in texts],
    )
    found = cast("Callable[[Cases, Options], Scores]", resolve(str(plugin.score_many), owner=name))(columns, options)
    assert [*found.values] == [each.value for each in ones]
    assert [*found.weights] == [each.weight for each in ones] or (
        not found.weights and {1.0} >= {e.weight for e in ones}
    )
    assert [*(found.categories or [""] * len(ones))] == [each.category for each in ones]
    assert [*(found.details or [""] * len(ones))] == [each.detail for each in ones]


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), min_size=4, max_size=4), min_size=1, max_size=6))
def test_an_assignment_is_the_best_there_is(values: list[list[int]]) -> None:
    rows, columns = len(values), len(values[0])
    found = assign([[float(each) for each in row] for row in values])
    assert len(found) == min(rows, columns) == len({row for row, _ in found}) == len({column for _, column in found})
    if rows <= columns:
        best = max(sum(values[i][j] for i, j in enumerate(each)) for each in permutations(range(columns), rows))
    else:
        best = max(sum(values[i][j] for j, i in enumerate(each)) for each in permutations(range(rows), columns))
    assert sum(values[row][column] for row, column in found) == best


LONG = 500_000


@pytest.mark.parametrize("name", sorted(set(METRICS) - NEEDS_SACREBLEU))
@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("ab " * LONG, "cd " * LONG),
        ("x" * 1_000_000, "total 5"),
        ("[" * 1_000_000, "[1]"),
        ('{"a":' * 200_000, '{"a": 1}'),
        ("<td>" * 250_000, "<td>1</td>"),
        ("1" * 1_000_000, "1"),
        ("\u202eabc\u0301\ud800\0" * 1000, "\u202eabc\u0301\ud800\0"),
        (json.dumps([[str(i)] * 3 for i in range(3000)]), json.dumps([[str(i)] * 3 for i in range(3000)])),
        ("(A) " * 100_000, "A"),
        ("1,234 " * 100_000, "1234"),
    ],
    ids=["long", "run", "brackets", "bomb", "html", "digits", "marks", "lists", "letters", "numbers"],
)
def test_hostile_answers_have_a_score_or_a_reason(name: str, answer: str, reference: str) -> None:
    found = score(name, answer, [reference])
    assert found.value is not None or found.detail


def test_a_rate_has_no_end_but_what_is_too_long_is_null_and_its_worst_is_1() -> None:
    assert score("cer", "x" * 1_000_000, ["total 5"]).value == pytest.approx(1_000_000 / 7)
    long = score("cer", "ab " * LONG, ["cd " * LONG])
    assert (long.value, long.detail[:8], METRICS["cer"].worst) == (None, "too long", 1.0)
    assert score("cer", "ab " * LONG, ["ab " * LONG]).value == 0.0


@settings(deadline=None)
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
    ("money", "0.125", "0.125"),
    ("money", "0.500", "0.50"),
    ("money", ".5", "0.50"),
    ("money", "12.345,678", "12345.678"),
    ("money", "¥500", "500.00"),
    ("money", "500 ₸", "500.00"),
    ("money", "100 тенге", "100.00"),
    ("money", "+5", "5.00"),
    ("money", "5 руб. 50 копеек", "5.50"),
    ("money", "Rp 36.000,-", "36000.00"),
    ("money", "0 125", "0 125"),
    ("money", "5 USD or 6", "5 USD or 6"),
    ("dates", "12/31/2020", "2020-12-31"),
    ("dates", "1 февр. 2026", "2026-02-01"),
    ("dates", "21 05 2018", "2018-05-21"),
    ("dates", "от 21 мая 2018", "от 21 мая 2018"),
    ("yo", "Ёлка ещё", "Елка еще"),
    ("quotes", "ООО «Ромашка»", 'ООО "Ромашка"'),
    ("dashes", "10 – 12", "10 - 12"),
    ("lookalikes", "ООО", "OOO"),
    ("casefold", "ИТОГО Straße", "итого strasse"),
    ("whitespace", " a \n b\u00a0c ", "a b c"),
    ("nfkc", "ｆｕｌｌ", "full"),
    ("punctuation", "г. Москва, д. 5!", "г Москва д 5"),
    ("articles", "the cat and an axe", "  cat and   axe"),
]


@pytest.mark.parametrize("kind", ["number", "date"])
def test_typed_values_are_equal_where_the_tolerance_of_nothing_says_so(kind: str) -> None:
    texts = {
        "number": "0.125 125 2.125 2125 0.500 .5 0,5 12.500 12.5 1.250 1.25 1,250 1250 -.5 ¥500 500₸ 5руб.50коп. 5.50",
        "date": "12/31/2020 2020-12-31 31.12.2020 1.февр.2026 2026-02-01 1.2.2026 2.1.2026 1-FEB-26 1-янв-26",
    }[kind].split()
    typed = METRICS["exact_match"].options.model_validate({"typed": True})
    plugin = METRICS[{"number": "numeric_tolerance", "date": "date_tolerance"}[kind]]
    for one, two in permutations(texts, 2):
        case = Case(one, (two,), kind, str)
        assert one_by_one(METRICS["exact_match"])(case, typed).value == score(plugin.name, one, [two]).value, (one, two)


@pytest.mark.parametrize(("name", "text", "expected"), NORMALIZED)
def test_normalizers(name: str, text: str, expected: str) -> None:
    assert normalize(name, text) == expected


def test_every_normalizer_has_golden_vectors() -> None:
    assert {case[0] for case in NORMALIZED} == set(NORMALIZERS)


@pytest.mark.parametrize("name", sorted(NORMALIZERS))
@settings(deadline=None)
@given(text=st.one_of(st.text(), st.from_regex(r"\(?-?[$€]? ?[0-9 .,']{1,12}( руб\.)?\)?", fullmatch=True)))
def test_normalizing_twice_changes_nothing_more(name: str, text: str) -> None:
    once = normalize(name, text)
    assert normalize(name, once) == once
    assert isinstance(normalize(name, "\ud800\0"), str)


def normalize(name: str, text: str) -> str:
    function = cast("Callable[[str], str]", resolve(NORMALIZERS[name].function, owner=name))
    return function(text)
