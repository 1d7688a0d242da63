"""What holds for all answers: the best value of the gold itself, ranges, symmetry, and that no text does harm."""

import json
import random
import time
from html import escape
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.structure.scored import METRICS, combined, score
from vlmbench_sdk import MetricPlugin
from vlmbench_sdk.testing import HOSTILE, check_range
from vlmbench_structure.classes import UNPARSED, confusion_matrix
from vlmbench_structure.tree_edit import Limits, Shape, TreeLimitError, tree_distance

OPTIONS: dict[str, dict[str, Any]] = {"checksum": {"kind": "iban"}}
WORD = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=6)
CELL = st.tuples(WORD, st.integers(1, 3), st.integers(1, 3))
TABLES = st.lists(st.lists(CELL, min_size=1, max_size=4), min_size=1, max_size=4).map(
    lambda rows: "<table>" + "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows) + "</table>"
)
OBJECTS = st.recursive(
    st.dictionaries(WORD, st.one_of(WORD, st.integers(), st.none(), st.booleans()), max_size=4),
    lambda inner: st.dictionaries(WORD, st.one_of(inner, st.lists(inner, max_size=3)), max_size=3),
    max_leaves=8,
).map(json.dumps)
ORDERS = st.lists(st.integers(0, 30), min_size=1, max_size=9, unique=True).map(json.dumps)
SIDE = st.integers(0, 100)
BOXES = st.tuples(SIDE, SIDE, st.integers(101, 200), st.integers(101, 200)).map(json.dumps)
GOLD = {
    "teds": TABLES,
    "json_ted": OBJECTS,
    "kie_f1": OBJECTS,
    "kendall_tau": ORDERS,
    "spearman_rho": ORDERS,
    "reading_order": ORDERS,
    "box_iou": BOXES,
    "class_accuracy": st.text(min_size=1, max_size=8).filter(str.strip),
    "class_f1": st.text(min_size=1, max_size=8).filter(str.strip),
}


def _cell(cell: tuple[str, int, int]) -> str:
    return f'<td colspan="{cell[1]}" rowspan="{cell[2]}">{escape(cell[0])}</td>'


@pytest.mark.parametrize("name", GOLD)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_the_gold_itself_is_exactly_the_best_answer(name: str, data: st.DataObject) -> None:
    gold = data.draw(GOLD[name])
    found = score(name, gold, [gold])
    assert found.value == 1.0
    assert found.category == "correct"


ITEMS = [{"name": f"item {number}", "sum": f".{number % 9}"} for number in range(200)]
MISREAD = {
    "teds": ["<table><tr><td>Б<td>.5</table>", f"<table>{'<tr><td>0.125<td>Б' * 200}</table>"],
    "json_ted": ['[{"a": ".5"}]', json.dumps(ITEMS), '{"Б": "0.125"}'],
    "kie_f1": ['[{"a": ".5"}]', json.dumps(ITEMS), json.dumps({"items": ITEMS}), '{"Б": "0.125"}', '["Б", ".5"]'],
    "kendall_tau": ['["Б", "А"]', '{"ordered_pages": ["2", "1"]}', ".5, 0.125", json.dumps([*range(200)])],
    "box_iou": ["[.5, .5, .75, 0.875]", "[[0.125, 0, 1, 1]]", json.dumps([[n, 0, n + 2, 1] for n in range(1200)])],
    "class_accuracy": ["Б", ".5", "0.125"],
}
MISREAD |= {"spearman_rho": MISREAD["kendall_tau"], "reading_order": MISREAD["kendall_tau"]}
MISREAD |= {"class_f1": MISREAD["class_accuracy"]}


@pytest.mark.parametrize("name", MISREAD)
def test_what_is_easily_misread_is_exactly_the_best_answer_to_itself(name: str) -> None:
    for text in MISREAD[name]:
        found = score(name, text, [text])
        assert (found.value, found.category) == (1.0, "correct"), (text[:60], found)


@pytest.mark.parametrize("name", ["kie_f1", "json_ted"])
def test_a_list_of_one_object_is_a_part_of_a_longer_one_and_no_object(name: str) -> None:
    one, two = json.dumps(ITEMS[:1]), json.dumps(ITEMS[:2])
    assert 0 < (score(name, one, [two]).value or 0) < 1
    assert score(name, json.dumps(ITEMS[0]), [one]).value != 1


@pytest.mark.parametrize("name", GOLD)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_scores_stay_in_their_range_and_do_not_depend_on_the_order_of_references(
    name: str, data: st.DataObject
) -> None:
    answer, one, two = (data.draw(GOLD[name]) for _ in range(3))
    plugin = METRICS[name]
    value = score(name, answer, [one, two]).value
    assert value is not None
    assert plugin.lower is not None
    assert plugin.upper is not None
    assert plugin.lower <= value <= plugin.upper
    if not name.startswith("class"):
        assert value == score(name, answer, [two, one]).value
        assert value >= max(score(name, answer, [each]).value or 0.0 for each in (one, two)) - 1e-12


@pytest.mark.parametrize("name", ["teds", "reading_order", "box_iou", "kie_f1"])
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_similarities_are_symmetric(name: str, data: st.DataObject) -> None:
    one, two = data.draw(GOLD[name]), data.draw(GOLD[name])
    assert score(name, one, [two]).value == pytest.approx(score(name, two, [one]).value, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=2, max_size=9, unique=True), st.randoms())
def test_rank_correlations_are_those_of_scipy(gold: list[int], chance: random.Random) -> None:
    from scipy.stats import kendalltau, spearmanr

    answer = chance.sample(gold, len(gold))
    ranks = [answer.index(each) for each in gold]
    tau, rho = (score(name, json.dumps(answer), [json.dumps(gold)]).value for name in ("kendall_tau", "spearman_rho"))
    assert tau == pytest.approx(kendalltau(range(len(gold)), ranks).statistic)
    assert rho == pytest.approx(spearmanr(range(len(gold)), ranks).statistic)


@pytest.mark.parametrize("name", ["kendall_tau", "spearman_rho", "reading_order"])
@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 50), min_size=2, max_size=9, unique=True),
    st.sampled_from(["{}.", "{}!", "Order: {}", "The order is: {}.", "The order is {}", "{} is the order"]),
    st.randoms(),
)
def test_words_around_an_order_cost_no_item_in_silence(
    name: str, gold: list[int], words: str, chance: random.Random
) -> None:
    order = ", ".join(map(str, chance.sample(gold, len(gold))))
    plain, among = score(name, order, [json.dumps(gold)]), score(name, words.format(order), [json.dumps(gold)])
    assert among == plain or (among.value, among.category) == (METRICS[name].worst, "unparsed")


def _random_tree(chance: random.Random, size: int) -> list[list[int]]:
    """Children of each node, in post-order."""
    parents = [-1, *(chance.randrange(max(0, node - 4), node) for node in range(1, size))]
    below: list[list[int]] = [[child for child in range(size) if parents[child] == node] for node in range(size)]
    order: list[int] = []

    def visit(node: int) -> None:
        for child in below[node]:
            visit(child)
        order.append(node)

    visit(0)
    place = {node: number for number, node in enumerate(order)}
    return [[place[child] for child in below[node]] for node in order]


def _by_definition(left: list[list[int]], right: list[list[int]], costs: Any) -> float:
    """The distance of forests by its definition: the last root is removed, inserted or matched."""
    remove, insert, rename = costs
    memory: dict[tuple[tuple[int, ...], tuple[int, ...]], float] = {}

    def forest(one: tuple[int, ...], two: tuple[int, ...]) -> float:
        if not one and not two:
            return 0.0
        if (one, two) not in memory:
            ways = []
            if one:
                ways.append(forest((*one[:-1], *left[one[-1]]), two) + remove[one[-1]])
            if two:
                ways.append(forest(one, (*two[:-1], *right[two[-1]])) + insert[two[-1]])
            if one and two:
                inside = forest(tuple(left[one[-1]]), tuple(right[two[-1]]))
                ways.append(forest(one[:-1], two[:-1]) + inside + rename[one[-1], two[-1]])
            memory[one, two] = min(ways)
        return memory[one, two]

    return forest((len(left) - 1,), (len(right) - 1,))


def test_the_distance_of_trees_is_that_of_the_definition() -> None:
    chance, numbers = random.Random(7), np.random.default_rng(7)
    for _ in range(150):
        left, right = (_random_tree(chance, chance.randint(1, 9)) for _ in range(2))
        rename = numbers.uniform(0, 2, (len(left), len(right)))
        costs = numbers.uniform(0.5, 3, len(left)), numbers.uniform(0.5, 3, len(right)), rename
        found = tree_distance(Shape.of(left), Shape.of(right), costs, Limits())
        assert found == pytest.approx(_by_definition(left, right, costs))


def _table(rows: int, columns: int, seed: int) -> str:
    chance = random.Random(seed)
    body = "".join(
        f"<tr>{''.join(f'<td>{chance.randint(0, 99999)}</td>' for _ in range(columns))}</tr>" for _ in range(rows)
    )
    return f"<table>{body}</table>"


def test_what_takes_too_long_or_is_too_large_is_null_and_says_so() -> None:
    one, two = _table(30, 10, 1), _table(30, 10, 2)
    late = score("teds", one, [two], {"timeout_s": 1e-6})
    assert (late.value, late.category) == (None, "")
    assert late.detail.startswith("timed out after")
    large = score("teds", one, [two], {"max_nodes": 100})
    assert large.value is None
    assert "331 nodes" in large.detail
    # The same table needs no time at all.
    assert score("teds", one, [one], {"timeout_s": 1e-6, "max_nodes": 100}).value == 1.0
    objects = [json.dumps({"items": [{"a": number * factor} for number in range(200)]}) for factor in (1, 3)]
    assert score("json_ted", objects[0], [objects[1]], {"timeout_s": 1e-6}).detail.startswith("timed out after")
    items = [json.dumps({"items": [{"a": number * factor} for number in range(1, 1101)]}) for factor in (1, 3000)]
    assert score("kie_f1", items[0], [items[1]]).detail.startswith("too large")
    assert score("kie_f1", items[0], [items[0]]).category == "correct"
    boxes = [json.dumps([[number, 0, number + width, 9] for number in range(1100)]) for width in (5, 6)]
    assert score("box_iou", boxes[0], [boxes[1]]).detail.startswith("too large")
    assert score("box_iou", boxes[0], [boxes[0]]).category == "correct"
    with pytest.raises(TreeLimitError):
        tree_distance(Shape.of([[]] * 1), Shape.of([[], [0]]), (np.ones(1), np.ones(2), np.ones((1, 2))), Limits(1))


LONG = 1_000_000
HTML_BOMBS = (
    "<table>" + "<tr><td>" * (LONG // 8),
    "<table><tr><td>" + "<table>" * (LONG // 7),
    "<table" * (LONG // 6),
    "<table>" + "<!--" * (LONG // 4),
    "<table>" + '<td a="' * (LONG // 7),
    "<table>" + "<td colspan=" + "9" * LONG + ">",
    "<table><tr><td>" + "x" * LONG,
    "|" * (LONG // 2) + "\n" + "-|" * (LONG // 4),
)
BOMBS = (
    "{" * LONG,
    '{"a":' * (LONG // 5),
    '{"' + '\\"' * (LONG // 2),
    "```" + " " * LONG,
    "[" * (LONG // 2) + "]" * (LONG // 2),
    '{"items": [' + "{}," * (LONG // 3) + "{}]}",
    json.dumps({str(number): number for number in range(60_000)}),
    json.dumps({"items": [{"amount": "9" * (LONG // 2)}], "total": "9" * (LONG // 2)}),
    "1 " * (LONG // 2),
    "9" * LONG,
    "1e999999, -1e999999, 1e999999, 1e999999",
    "\0" * LONG,
    "\ud800" * LONG,
    "\u202eא\u0301ב" * (LONG // 4),
)


@pytest.mark.parametrize("plugin", METRICS.values(), ids=lambda plugin: plugin.name)
def test_no_bomb_crashes_or_hangs_a_metric(plugin: MetricPlugin) -> None:
    golds = {
        "teds": "<table><tr><td>1</td><td>2</td></tr></table>",
        "kendall_tau": "[1, 2, 3]",
        "spearman_rho": "[1, 2, 3]",
        "reading_order": "[1, 2, 3]",
        "box_iou": "[0, 0, 10, 10]",
        "json_ted": '{"a": {"a": 1}, "items": [{"b": 2}]}',
        "kie_f1": '{"a": {"a": 1}, "items": [{"b": 2}]}',
    }
    for bomb in BOMBS + HTML_BOMBS * (plugin.name == "teds"):
        started = time.process_time()
        found = score(plugin.name, bomb, [golds.get(plugin.name, "gold")], OPTIONS.get(plugin.name))
        assert found.value is not None or found.detail
        assert len(found.detail) < 100_000
        found.detail.encode()
        # Of processor time, and far above what any of them takes: a bomb that works takes hours.
        assert time.process_time() - started < 60


@pytest.mark.parametrize("plugin", METRICS.values(), ids=lambda plugin: plugin.name)
def test_hostile_texts_stay_in_range(plugin: MetricPlugin) -> None:
    check_range(plugin, OPTIONS.get(plugin.name))
    for answer in HOSTILE:
        for gold in ("[1, 2, 3, 4]", '{"a": 1}', "<table><tr><td>1"):
            score(plugin.name, answer, [gold], OPTIONS.get(plugin.name)).detail.encode()


def test_the_confusion_matrix_has_a_column_for_unparsed() -> None:
    pairs = [("a", "a"), ("b", "a"), ("", "a"), ("b", "b")]
    scores = [score("class_f1", answer, [gold]) for answer, gold in pairs]
    matrix = confusion_matrix(scores)
    assert matrix == {"a": {"a": 1, "b": 1, UNPARSED: 1}, "b": {"b": 1}}
    assert combined("class_f1", []) is None
    assert combined("kie_f1", []) is None
