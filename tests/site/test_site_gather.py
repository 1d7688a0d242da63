"""What the site says: as data that no text in it can break, and with everything that a reader must know."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from tests.cells import answer, bench_of
from tests.site.made import NASTY, write_answers, write_site_workspace
from tests.support import write_yaml
from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.charts.errors import all_kinds, error_counts
from vlmbench_assets.make.answers import Asking
from vlmbench_assets.make.benchmark_leaderboard import rank_benchmark
from vlmbench_assets.make.leaderboard import rank_dataset
from vlmbench_assets.make.samples import samples_of
from vlmbench_assets.page.blocks import Strong
from vlmbench_assets.site.benchmarks import benchmark_board, without_texts
from vlmbench_assets.site.cells import CellTables, cell_scripts, flags, read_cell
from vlmbench_assets.site.columns import LONGEST, LongTexts
from vlmbench_assets.site.gather import Gatherer
from vlmbench_assets.site.lead import lead
from vlmbench_assets.site.pictures import Pictures
from vlmbench_assets.site.scripts import Json, Later, number, script
from vlmbench_assets.staleness import Judge
from vlmbench_assets.store import Manifest
from vlmbench_assets.work.standing import Standing, verdict
from vlmbench_sdk.metric import class_detail

ESCAPE = re.compile(r"\\(u[0-9a-f]{4}|.)")
ODD = st.text(st.sampled_from("'\"\\/<>\u2028\u2029\ud800\udfff\x00\x7f\u202e\ufeff\n\r\tя</script>")) | st.text()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ODD,
    lambda inner: st.lists(inner) | st.dictionaries(ODD, inner),
    max_leaves=8,
)


def read(content: bytes) -> tuple[str, Any]:
    """What a browser gets from a script: the literal as ECMAScript reads it, then the JSON in it."""
    text = content.decode("utf-8")
    found = re.fullmatch(r"vlmbenchSite\((\".*?\"),JSON\.parse\('(.*)'\)\);\n", text, re.DOTALL)
    assert found is not None
    literal = ESCAPE.sub(lambda part: chr(int(part[1][1:], 16)) if len(part[1]) == 5 else part[1], found[2])
    return json.loads(found[1]), json.loads(literal)


@given(VALUES)
def test_any_value_comes_through_whole_and_ends_nothing(value: Json) -> None:
    content = script("a/b", value)
    assert read(content) == ("a/b", value)
    assert b"</" not in content
    inside = content.decode("utf-8").split("JSON.parse('", 1)[1].removesuffix("'));\n")
    assert not re.search(r"(?<!\\)(\\\\)*'|[\n\r\u2028\u2029]", inside)


def test_a_figure_that_is_none_is_null() -> None:
    assert [number(each) for each in (float("nan"), float("inf"), None, "1", 0.123456789, 3)] == [
        None,
        None,
        None,
        None,
        0.123457,
        3.0,
    ]


def test_long_texts_go_into_files_of_bounded_size() -> None:
    long = LongTexts("x/long")
    assert long.short(0, {"a": "short"}) == ["short"]
    assert long.short(1, {"a": "y" * 1_000_000, "b": "short"}) == ["y" * LONGEST, "short"]
    assert long.short(2, {"a": "z" * 1000}) == ["z" * LONGEST]
    assert long.at == [[1, 0], [2, 1]]
    files = dict(long.files())
    assert files["x/long-0"] == [[1, {"a": "y" * 1_000_000}]]
    assert files["x/long-1"] == [[2, {"a": "z" * 1000}]]


@pytest.fixture(scope="module")
def bench(root: Path) -> Bench:
    return bench_of(root)


@pytest.fixture(scope="module")
def data(bench: Bench) -> dict[str, Any]:
    """Every value of the site by its name, as a browser gets it."""
    found = Gatherer(bench, Pictures(Path("unused"), "none", None)).scripts()
    return dict(read(script(name, value.make() if isinstance(value, Later) else value)) for name, value in found)


def test_hostile_answers_are_only_text(data: dict[str, Any]) -> None:
    answers, samples = data["cells/bad/receipts/answers"], data["datasets/receipts/samples"]
    at = {name: row for row, name in enumerate(samples["id"])}
    for name, text in NASTY.items():
        assert answers["answer"][at[name]] == text[:LONGEST]
    assert data["cells/bad/receipts/long-0"] == [[at["r0/shop"], {"answer": NASTY["r0/shop"]}]]


def test_the_index_is_small_and_says_what_the_leaderboard_says(data: dict[str, Any]) -> None:
    assert len(script("index", data["index"])) < 6000
    receipts = data["index"]["datasets"][1]
    ranks = {row["model"]: (row["rank"], row["rank_low"], row["rank_high"], row["score"]) for row in receipts["rows"]}
    assert ranks == {"good": (1, 1, 1, 1.0), "half": (2, 2, 2, pytest.approx(13 / 27, abs=1e-5)), "bad": (3, 3, 3, 0.0)}
    first = data["datasets/receipts/pairs"][0]
    assert (first["first"], first["second"], first["overall"][10:13]) == ("good", "half", [0, 13, 14])
    letters = {row["model"]: row["flags"] for row in data["index"]["datasets"][0]["rows"]}
    assert letters == {"good": {}, "half": {"missing": True}}


def test_who_leads_is_said_as_the_leaderboard_says_it(data: dict[str, Any]) -> None:
    letters, receipts = (each["lead"] for each in data["index"]["datasets"])
    assert (receipts["kind"], receipts["first"], receipts["whole"]) == ("best", ["good"], ["half", "bad"])
    assert (letters["kind"], letters["first"], letters["scored"]) == ("one", ["good"], 1)
    everything, more = data["index"]["benchmarks"]
    assert [(row["model"], row["rank"], row["cells"]) for row in everything["rows"]] == [
        ("good", 1, 1),
        ("half", 2, 1),
        ("bad", 3, 1),
    ]
    assert (everything["by"], everything["lead"]) == ("score", receipts)
    assert [(row["model"], row["score"], row["cells"]) for row in more["rows"]] == [("good", 1.0, 1), ("half", None, 0)]


@pytest.mark.parametrize(
    ("ranks", "documents", "kind", "said"),
    [
        ([None, None, None], 9, "none", "No model has a score yet."),
        ([(0.9, None), None, None], 9, "one", "Only a has a score"),
        ([(0.9, None), (0.8, None), (0.7, None)], 9, "apart", "No two models can be compared"),
        ([(0.9, (1, 3)), (0.8, (1, 3)), (0.7, (1, 3))], 4, "few", "Nothing can be told apart"),
        ([(0.9, (1, 3)), (0.8, (1, 3)), (0.7, (1, 3))], 9, "level", "No best model can be named"),
        ([(0.9, (1, 1)), (0.8, (2, 3)), (0.7, (2, 3))], 9, "best", "a is best"),
        ([(0.9, (1, 2)), (0.8, (2, 3)), (0.7, (2, 3))], 9, "leads", "a leads"),
        ([(0.9, (1, 2)), (0.8, (1, 2)), (0.7, (3, 3))], 9, "leads", "a and b lead and cannot be told apart"),
    ],
)
def test_a_verdict_is_that_of_the_leaderboards(
    ranks: list[tuple[float, tuple[int, int] | None] | None], documents: int, kind: str, said: str
) -> None:
    stand = [
        Standing(model, *_value(each), latency_ms=ms, cost=cost, front=False, currency="USD")
        for model, each, ms, cost in zip("abc", ranks, (30.0, 20.0, 10.0), (1.0, 1.0, 3.0), strict=True)
    ]
    behind = {"b": {"a"}, "c": {"a", "b"}}
    assert next(each.text for each in verdict(stand, behind, documents) if isinstance(each, Strong)) == said
    told = lead(stand, behind, documents)
    assert told["kind"] == kind
    if kind == "leads" and "lead " in said:
        assert (told["fastest"], told["cheapest"], told["whole"]) == (["b", 20, 30], None, ["c"])
    if said == "a leads":
        assert (told["whole"], told["fastest"]) == (["b", "c"], None)


def _value(
    each: tuple[float, tuple[int, int] | None] | None,
) -> tuple[float | None, None, None, None, tuple[int, int] | None]:
    value, ranks = each or (None, None)
    return value, None, None, None, ranks


def test_a_benchmark_is_averaged_as_its_leaderboard_does_and_nothing_missing_is_zero(
    made: Path, tmp_path: Path
) -> None:
    root = tmp_path / "workspace"
    shutil.copytree(made, root)
    write_yaml(root, "benchmarks/both", "models: [half, good]\ndatasets: [receipts, letters]\nheadline: exact_match\n")
    bench = bench_of(root)
    ranked = {name: without_texts(rank_dataset(bench, name)) for name in ("receipts", "letters")}
    found = benchmark_board(bench, "both", ranked)
    _, table, _ = rank_benchmark(bench, "both")
    rows = found["rows"]
    assert isinstance(rows, list)
    assert (found["by"], [row["model"] for row in rows]) == ("mean", ["good", "half"])
    for row, wanted in zip(rows, table.to_dict("records"), strict=True):
        assert row["score"] == number(wanted["value"])
        figures = ("ci_low", "ci_high", "median_latency_ms", "cells")
        assert [row[name] for name in figures] == [number(wanted[name]) for name in figures]
    assert (rows[1]["score"], rows[1]["cells"], rows[1]["lacks"]) == (None, 1, ["letters"])
    assert (rows[0]["score"], rows[0]["lacks"]) == (1.0, [])
    # Of a dataset that cannot be read, every cell is missing.
    _, alone = read(script("alone", benchmark_board(bench, "both", {"receipts": ranked["receipts"]})))
    assert alone["lead"]["kind"] == "incomplete"


def test_what_a_reader_must_know_is_said(tmp_path: Path) -> None:
    root = tmp_path / "workspace"
    write_site_workspace(root)
    answer(root, "good", "receipts", Asking(limit=6))
    bench = bench_of(root)
    cell = Cell(model="good", dataset="receipts")

    def said(cell: Cell) -> dict[str, Json]:
        now = bench_of(root)
        tables = read_cell(now, cell, samples_of(now, cell.dataset))
        return flags(Judge(now, keep_errors=True), cell, tables)

    # What is out of date in its report alone says nothing about scores.
    report = {"files": {"report.md": b""}, "lineage": {"option x": "1"}, "digests": {}, "facts": {}}
    bench.store.publish("report", "receipts", "good", **report)  # type: ignore[arg-type]
    judged = Judge(bench, keep_errors=True).cell(cell)
    assert judged.reasons != judged.doubts
    assert "stale" not in said(cell)
    assert said(cell)["limit"] == [6, 27]
    assert said(cell)["missing"] is True
    assert said(Cell(model="bad", dataset="receipts")) == {"missing": True}
    write_answers(root, "good", {"r0/total": "other"})
    assert "option answers" in str(said(cell)["stale"])
    # Scores of before are not there, so the page has none; nothing is made up.
    tables = read_cell(bench, cell, samples_of(bench, "receipts"))
    assert tables is not None
    summary, answers, *_ = (value for _, value in cell_scripts(bench, tables, "exact_match", {}, []))
    assert isinstance(summary, dict)
    assert isinstance(answers, dict)
    assert summary["command"] == "vlmbench run --model good --dataset receipts --limit 6"
    assert (summary["metrics"], summary["breakdown"], answers["score"]) == ([], [], [None] * 6)
    (root / "source/samples.jsonl").write_text(
        "".join((root / "source/samples.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)[3:]),
        encoding="utf-8",
    )
    write_yaml(root, "benchmarks/all", "models: [good]\ndatasets: [receipts]\nmetrics: [exact_match]\n")
    answer(root, "bad", "receipts", Asking(limit=1))
    assert said(cell)["gone"] == 3


def test_a_cell_has_what_its_report_has(bench: Bench) -> None:
    cell = Cell(model="half", dataset="receipts")
    found = read_cell(bench, cell, samples_of(bench, "receipts"))
    assert found is not None
    frame = found.aggregates
    pair = frame[frame["dimension"] == "field*doc_type"]
    assert len(pair)
    turned = pair.assign(dimension="doc_type*field")
    classes = found.metrics["metric"] == "exact_match"
    tables = replace(
        found,
        aggregates=pd.concat([frame, turned]),
        answers=found.answers.assign(status=["error", "parse_failed", *found.answers["status"].iloc[2:]]),
        metrics=found.metrics.assign(detail=found.metrics["detail"].mask(classes, class_detail("a", "b"))),
        made={**found.made, "answers": _with_usage(found)},
    )
    summary = dict(cell_scripts(bench, tables, "exact_match", {}, []))["cells/half/receipts/summary"]
    assert isinstance(summary, dict)
    _, read_back = read(script("summary", summary))
    assert "doc_type*field" not in dict(read_back["breakdown"])
    assert summary["confusion"] == {"gold": ["a"], "said": ["a", "(no such class)"], "counts": [[0, 27]]}
    assert summary["read"] == [25, 26]
    assert summary["resources"] == [["wall", 5], ["cpu", 0.1, 0.2], ["gpu_busy", None, 0.5]]


def _with_usage(tables: CellTables) -> Manifest:
    made = tables.made["answers"]
    assert made is not None
    usage: dict[str, JsonValue] = {"cpu_mean": 0.1, "cpu_peak": 0.2, "gpu_busy_peak": 0.5}
    return made.model_copy(update={"facts": {**made.facts, "wall_s": 5.0, "load_s": None, "usage": usage}})


def test_kinds_of_errors_are_those_of_the_report_with_what_failed(bench: Bench) -> None:
    cell = Cell(model="half", dataset="receipts")
    found = read_cell(bench, cell, samples_of(bench, "receipts"))
    assert found is not None
    lost = found.samples["sample_id"].iloc[:2]
    gone = found.metrics["sample_id"].isin(lost)
    tables = replace(
        found,
        answers=found.answers.assign(
            status=found.answers["status"].mask(found.answers["sample_id"].isin(lost), "error")
        ),
        metrics=found.metrics.assign(
            value=found.metrics["value"].mask(gone), category=found.metrics["category"].mask(gone, "")
        ),
    )
    # Ranked by a metric that gives no verdict, the first that does is asked, as on the report.
    for headline in ("exact_match", "anls"):
        scripts = cell_scripts(bench, tables, headline, {}, [])
        summary, answers, *_ = (read(script(name, value))[1] for name, value in scripts if not isinstance(value, Later))
        assert summary["judged"] == ["exact_match"]
        counts = error_counts(all_kinds(tables.report(bench, headline)))
        told = {(field, kind): n for field, kind, n in summary["errors"]}
        assert told == {(field, kind): counts.loc[field, kind] for field in counts.index for kind in counts.columns}
        assert counts["failed"].sum() == 2
        # A figure leads to as many samples.
        kinds = [answers["category"]["texts"][at] for at in answers["category"]["at"]]
        assert kinds.count("failed") == 2


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("answers/half/receipts/answers.csv", "answers.csv is gone"),
        ("metrics/half/receipts/metrics.csv", "metrics.csv is not what was published"),
        ("aggregates/half/receipts/aggregates.csv", "aggregates.csv is gone"),
        ("samples/receipts/samples.csv", "samples.csv is not what was published"),
    ],
)
def test_a_table_that_is_lost_or_damaged_costs_no_other_cell_its_page(
    made: Path, tmp_path: Path, table: str, said: str
) -> None:
    root = tmp_path / "workspace"
    shutil.copytree(made, root)
    path = root / "data" / table
    if said.endswith("gone"):
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-40])
    scripts = Gatherer(bench_of(root), Pictures(Path("unused"), "none", None)).scripts()
    found = {name: value.make() if isinstance(value, Later) else value for name, value in scripts}
    data = dict(read(script(name, value)) for name, value in found.items())
    letters, receipts = data["index"]["datasets"]
    assert [row["score"] for row in letters["rows"]] == [1.0, None]
    lost = ["half"] if "half" in table else ["good", "half", "bad"]
    told = {row["model"]: row["flags"].get("unreadable", "") for row in receipts["rows"]}
    assert all((model in lost) == reason.startswith(said) for model, reason in told.items())
    assert str(root) not in str(told)
    assert {row["model"]: row["score"] for row in receipts["rows"] if row["model"] not in lost} == {
        model: score for model, score in (("good", 1.0), ("bad", 0.0)) if model not in lost
    }
    assert data["datasets/receipts/board"]["answered"] == [model for model in ("good", "bad") if model not in lost]
