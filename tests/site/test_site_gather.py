"""What the site says: as data that no text in it can break, and with everything that a reader must know."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cells import answer, bench_of
from tests.site.made import NASTY, write_answers, write_site_workspace
from tests.support import write_yaml
from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.charts.errors import error_counts
from vlmbench_assets.make.answers import Asking
from vlmbench_assets.make.samples import samples_of
from vlmbench_assets.site.cells import cell_scripts, flags, read_cell
from vlmbench_assets.site.columns import LONGEST, LongTexts
from vlmbench_assets.site.gather import Gatherer
from vlmbench_assets.site.pictures import Pictures
from vlmbench_assets.site.scripts import Json, Later, number, script
from vlmbench_assets.staleness import Judge

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
        assert summary["judged"] == "exact_match"
        counts = error_counts(tables.report(bench, headline), "exact_match")
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
