"""Tables: forgiving reading, many at once over processes, and what ends those."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.structure.scored import score
from vlmbench_sdk import Cases
from vlmbench_structure.html_tables import Node, read_table
from vlmbench_structure.options import TedsOptions
from vlmbench_structure.table_pairs import Pair, compare_pairs
from vlmbench_structure.teds import score_many
from vlmbench_structure.tree_edit import Limits


def made_table(rows: int, columns: int, seed: int) -> str:
    chance = random.Random(seed)
    body = "".join(
        f"<tr>{''.join(f'<td>{chance.randint(0, 99999)}</td>' for _ in range(columns))}</tr>" for _ in range(rows)
    )
    return f"<table>{body}</table>"


def _outline(node: Node) -> object:
    return [node.tag, *map(_outline, node.children)] if node.children else node.tag


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<table><tr><td>a<td>b<tr><td>c</table>", ["table", ["tr", "td", "td"], ["tr", "td"]]),
        ("<table><td>a</td></table>", ["table", ["tr", "td"]]),
        (
            "<table><tbody><tr><td>a</tbody><tfoot><tr><td>b",
            ["table", ["tbody", ["tr", "td"]], ["tfoot", ["tr", "td"]]],
        ),
        ("<table><caption>x</caption><tr><td>a</td></tr></table>", ["table", "caption", ["tr", "td"]]),
        ("<table><colgroup><col><col></colgroup><tr><td>", ["table", ["colgroup", "col", "col"], ["tr", "td"]]),
        ("<table><tr><td><table><tr><td>x</table></td><td>y</table>", ["table", ["tr", "td", "td"]]),
        ("<table></table><table><tr><td>", "table"),
        ("a < b <table><tr><td>1 < 2</td></tr></table>", ["table", ["tr", "td"]]),
        ("<table><!-- <tr> --><tr><td><!-- x", ["table", ["tr", "td"]]),
        (
            "|a|b|\n|-|:-:|\n|1|\n|1|2|3|\nend",
            ["table", ["thead", ["tr", "td", "td"]], ["tbody", ["tr", "td", "td"], ["tr", "td", "td", "td"]]],
        ),
    ],
)
def test_reading_is_forgiving(text: str, expected: object) -> None:
    table = read_table(text)
    assert table is not None
    assert _outline(table.root) == expected


@pytest.mark.parametrize("text", ["", "no table", "<tables>", "a | b\nc | d", "---|---", "\0", "<TABL"])
def test_no_table_is_found_where_there_is_none(text: str) -> None:
    assert read_table(text) is None


def test_many_tables_score_as_each_alone() -> None:
    answers = [made_table(4, 3, 1), made_table(4, 3, 2), "none", "", made_table(2, 2, 3), made_table(9, 9, 4)]
    golds = [(made_table(4, 3, 1),), (made_table(3, 3, 5), ""), (made_table(2, 2, 3),), ("",), ("",), ("no gold",)]
    cases = Cases(answers, golds, ["table"] * 6, lambda texts: [text.upper() for text in texts], list)
    many = score_many(cases, TedsOptions())
    alone = [score("teds", answer, gold) for answer, gold in zip(answers, golds, strict=True)]
    assert many.values == [each.value for each in alone]
    assert many.categories == [each.category for each in alone]
    assert many.details == [each.detail for each in alone]


def test_processes_share_the_work_and_say_the_same() -> None:
    parts = [[("td", 1, 1, text, list[int]())] for text in ("a", "b\ud800\0", "ё" * 50, "", "d")]
    pairs = [Pair(one, two, 1) for one in parts for two in parts]
    assert compare_pairs(pairs, Limits(), workers=3) == compare_pairs(pairs, Limits(), workers=1)
    late = compare_pairs([Pair(parts[0], parts[1], 1)] * 4, Limits(nodes=0), workers=2)
    assert late == ["too large: 1 nodes, at most 0 are compared"] * 4
    assert compare_pairs([], Limits()) == []


PARENT = """
import sys
from vlmbench_structure.table_pairs import Pair, compare_pairs
from vlmbench_structure.tree_edit import Limits
side = [("td", 1, 1, str(number), []) for number in range(600)]
other = [("td", 1, 1, str(number), []) for number in range(1, 601)]
parts = [[*each, ("table", 1, 1, "", [*range(600)])] for each in (side, other)]
print("started", flush=True)
compare_pairs([Pair(parts[0], parts[1], 601)] * 300, Limits(), workers=2)
"""


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_the_processes_end_with_the_one_that_started_them() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    parent.stdout.readline()
    children: list[str] = []
    deadline = time.monotonic() + 60
    while not children and time.monotonic() < deadline:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text(encoding="ascii").split()
    assert children
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    # It notices between two comparisons, each of a fraction of a second.
    deadline = time.monotonic() + 60
    while _runs(children[0]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _runs(children[0])


def _runs(pid: str) -> bool:
    try:
        return "vlmbench_structure" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_detail_is_json_that_any_table_can_hold() -> None:
    detail = score("class_f1", "\ud800", ["x\0"]).detail
    assert json.loads(detail) == {"gold": "x\0", "said": "\ud800"}
    detail.encode()
