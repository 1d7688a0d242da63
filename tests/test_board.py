"""Leaderboards of datasets and of a benchmark over a real workspace: their files, links, staleness, the command."""

import csv
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import sync_playwright

from tests.accessible import assert_accessible, with_axe
from tests.cells import answer, bench_of
from tests.support import Run, write_yaml
from tests.test_compare import write_documents
from tests.test_ui import FLAGS
from vlmbench_assets.catalog import Cell
from vlmbench_assets.cli.main import cli
from vlmbench_assets.make.aggregates import make_aggregates
from vlmbench_assets.make.answers import Asking
from vlmbench_assets.make.benchmark_leaderboard import benchmarks_to_show, make_benchmark_leaderboard
from vlmbench_assets.make.leaderboard import make_leaderboard, rank_dataset
from vlmbench_assets.make.metrics import make_metrics
from vlmbench_assets.make.report import make_report
from vlmbench_assets.make.samples import ensure_samples
from vlmbench_assets.plan import make_plan, summary
from vlmbench_assets.staleness import Judge

DATASETS = ("pages", "more")
CELLS = [("one", "pages"), ("two", "pages"), ("three", "pages"), ("one", "more"), ("two", "more")]
CLIPPED = """[...document.querySelectorAll(".scroll")]
    .filter((each) => each.querySelector("table") && each.scrollWidth > each.clientWidth)
    .map((each) => each.textContent.trim().slice(0, 80))"""
WHOLE = "each => { const box = each.getBoundingClientRect(); return box.left >= 0 && box.right <= innerWidth; }"
LARGE = 900
LINK = re.compile(r'href="([^"#]+)"|\]\(<?([^)>]+)>?\)')


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three models on two datasets, but for one cell."""
    root = tmp_path_factory.mktemp("board") / "workspace"
    for model, says in (("one", "a"), ("two", "b"), ("three", "a")):
        write_yaml(root, f"models/{model}", f"plugin: echo\noptions: {{answer: '{says}'}}\n")
    for dataset in DATASETS:
        write_yaml(root, f"datasets/{dataset}", "reader: jsonl\nsource: source\n")
    text = "models: [one, two, three]\ndatasets: [pages, more]\nmetrics: [exact_match]\nheadline: exact_match\n"
    write_yaml(root, "benchmarks/both", text)
    write_yaml(root, "benchmarks/alone", "models: [one]\ndatasets: [pages]\nmetrics: [exact_match]\n")
    write_documents(root)
    for model, dataset in CELLS:
        answer(root, model, dataset)
        make_metrics(bench_of(root), Cell(model, dataset))
        make_aggregates(bench_of(root), Cell(model, dataset))
    for dataset in DATASETS:
        make_report(bench_of(root), Cell("one", dataset))
    for dataset in DATASETS:
        make_leaderboard(bench_of(root), dataset)
    make_benchmark_leaderboard(bench_of(root), "both")
    return root


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    root = tmp_path / "copy"
    shutil.copytree(made, root)
    return root


def pages(root: Path) -> Iterator[Path]:
    for folder in ("leaderboard/pages", "leaderboard/more", "benchmark_leaderboard/both"):
        for suffix in ("html", "md"):
            yield root / "data" / folder / f"leaderboard.{suffix}"


def test_pages_and_tables_say_what_is_missing(made: Path) -> None:
    text = (made / "data/benchmark_leaderboard/both/leaderboard.md").read_text(encoding="utf-8")
    assert "**one is best of the 2 that can be compared**" in text
    assert "**Without an average: three**" in text
    assert "**three**: on more missing, never run." in text
    assert "# Leaderboard of more\n\n**one is best of the 2 that can be compared**" in (
        made / "data/leaderboard/more/leaderboard.md"
    ).read_text("utf-8")
    with (made / "data/benchmark_leaderboard/both/leaderboard.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["one", "two", "three"]
    assert (rows["one"]["coverage"], rows["one"]["failed"]) == ("1.0", "0")
    # One that lacks a cell has no figure over all of them.
    assert (rows["three"]["coverage"], rows["three"]["failed"]) == ("", "")
    assert "| possible | front | coverage | failed | ms |" in text
    assert (rows["one"]["by"], rows["one"]["rank_high"], rows["one"]["cells"]) == ("mean exact_match", "1", "2")
    assert (rows["three"]["rank"], rows["three"]["value"], rows["three"]["cells"]) == ("", "", "1")
    assert rows["three"]["more/exact_match"] == ""
    assert rows["three"]["note"] == "more: missing"


def test_every_link_leads_to_a_file_and_nothing_depends_on_the_time(made: Path, copy: Path) -> None:
    for page in pages(made):
        for target in [one or two for one, two in LINK.findall(page.read_text(encoding="utf-8"))]:
            assert target.startswith("data:") or (page.parent / target).is_file(), f"{page}: {target}"
    make_leaderboard(bench_of(copy), "pages")
    make_benchmark_leaderboard(bench_of(copy), "both")
    for page in pages(made):
        assert (copy / page.relative_to(made)).read_bytes() == page.read_bytes()


def test_a_benchmark_is_stale_as_its_datasets_are(copy: Path) -> None:
    cells = [Cell("one", "pages")]
    assert Judge(bench_of(copy)).benchmark("both").state == "fresh"
    assert make_plan(bench_of(copy), cells).benchmarks == {}
    # Of one dataset there is nothing to average.
    assert benchmarks_to_show(bench_of(copy), ["pages"]) == ["both"]
    shutil.rmtree(copy / "data/aggregates/two/more")
    plan = make_plan(bench_of(copy), cells)
    assert plan.benchmarks["both"].reasons == ("leaderboard more changed",)
    assert summary(plan) == "1 leaderboard to make; 1 cell fresh"
    (copy / "data/benchmark_leaderboard/both/leaderboard.html").unlink()
    make_leaderboard(bench_of(copy), "more")
    assert "leaderboard.html is gone" in Judge(bench_of(copy)).benchmark("both").reasons


def test_a_page_that_doubts_a_cell_is_made_again_when_the_doubt_is_gone(copy: Path) -> None:
    entry = copy / "registries/models/two.yaml"
    before = entry.read_text(encoding="utf-8")
    write_yaml(copy, "models/two", before.replace("b", "c"))
    make_leaderboard(bench_of(copy), "pages")
    make_benchmark_leaderboard(bench_of(copy), "both")
    judge = Judge(bench_of(copy))
    assert judge.leaderboard("pages", ["one", "two", "three"]).state == judge.benchmark("both").state == "fresh"
    assert "stale" in (copy / "data/leaderboard/pages/leaderboard.csv").read_text(encoding="utf-8")
    entry.write_text(before, encoding="utf-8")
    judge = Judge(bench_of(copy))
    assert judge.leaderboard("pages", ["one", "two", "three"]).reasons == ("its page says that two × pages is stale",)
    assert set(judge.benchmark("both").reasons) == {
        "its page says that two × pages is stale",
        "its page says that two × more is stale",
    }


def test_a_corrected_reference_leaves_old_scores_comparable_with_each_other(copy: Path) -> None:
    path = copy / "source/samples.jsonl"
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    corrected = json.loads(first)
    corrected["messages"][1]["content"] = "corrected"
    path.write_text("\n".join([json.dumps(corrected), *rest]) + "\n", encoding="utf-8")
    before = rank_dataset(bench_of(copy), "pages").table[["model", "exact_match", "rank_low", "rank_high"]]
    ensure_samples(bench_of(copy), "pages")
    ranking = rank_dataset(bench_of(copy), "pages")
    assert ranking.table[before.columns].equals(before)
    assert len(ranking.scores) == 3
    assert all(note == "stale: references changed" for note in ranking.table["note"])
    page = make_leaderboard(bench_of(copy), "pages")[0]
    assert "> **All are scored on the earlier references, which were changed since: run again" in page
    assert "not compared" not in page
    assert "**one is best of the 2 that can be compared**" in make_benchmark_leaderboard(bench_of(copy), "both")[0]
    for model, apart, notice in (("one", ["one"], "Those compared are scored on the earlier"), ("two", ["three"], "")):
        make_metrics(bench_of(copy), Cell(model, "pages"))
        make_aggregates(bench_of(copy), Cell(model, "pages"))
        ranking = rank_dataset(bench_of(copy), "pages")
        notes = ranking.table.set_index("model")["note"]
        assert [name for name in notes.index if "so not compared" in notes[name]] == apart
        assert ranking.notice.startswith(notice)
        assert bool(ranking.notice) == bool(notice)


def test_figures_of_a_row_are_of_the_samples_that_count_for_the_headline(copy: Path) -> None:
    write_yaml(copy, "metrics/of_f0", "plugin: exact_match\napplies_to: {field: [f0]}\n")
    text = "models: [one]\ndatasets: [pages]\nmetrics: [exact_match, of_f0]\nheadline: of_f0\n"
    (copy / "registries/benchmarks/both.yaml").unlink()
    write_yaml(copy, "benchmarks/alone", text)
    refused = "{00-clean-f0: refused, 00-clean-f1: refused, 01-clean-f1: refused}"
    write_yaml(copy, "models/one", f"plugin: echo\noptions: {{answer: a, statuses: {refused}}}\n")
    answer(copy, "one", "pages")
    make_metrics(bench_of(copy), Cell("one", "pages"))
    make_aggregates(bench_of(copy), Cell("one", "pages"))
    page = make_leaderboard(bench_of(copy), "pages")[0]
    with (copy / "data/leaderboard/pages/leaderboard.csv").open(encoding="utf-8", newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["model"] == "one")
    assert (row["samples"], row["failed"]) == ("48", "1")
    assert float(row["coverage"]) == pytest.approx(47 / 48)
    assert "48 (that of_f0 scores, of 96; 24 documents in all)" in page
    said = CliRunner().invoke(cli, ["leaderboard", "pages", "--workspace", str(copy)]).output
    assert re.search(r"97\.9 % +48 +1 ", said)


def test_the_page_says_when_it_was_answered_and_what_changed_since_last_time(copy: Path) -> None:
    tables = [copy / f"data/answers/{model}/pages/answers.csv" for model in ("one", "two", "three")]
    last = max(row["answered_at"] for path in tables for row in csv.DictReader(path.read_text("utf-8").splitlines()))
    text = make_leaderboard(bench_of(copy), "pages")[0]
    assert f"Last answer: {last[:10]}." in text.splitlines()[2]
    assert "since last time" not in text
    write_yaml(copy, "models/two", "plugin: echo\noptions: {answer: 'a'}\n")
    answer(copy, "two", "pages")
    make_metrics(bench_of(copy), Cell("two", "pages"))
    make_aggregates(bench_of(copy), Cell("two", "pages"))
    table = make_leaderboard(bench_of(copy), "pages")[0].partition("| since last time |")[2]
    assert re.search(r"^\| two \| [^|]+\| [^|]+\| \+0\.\d{3} \(better\) \|", table, re.MULTILINE)
    assert re.search(r"^\| three \| [^|]+\| [^|]+\| — \|", table, re.MULTILINE)


def test_a_run_ends_with_the_benchmark(copy: Path, vlmbench: Run) -> None:
    done = vlmbench("run", "--benchmark", "both", "--workspace", str(copy), check=0)
    assert f"benchmark both: {copy / 'data/benchmark_leaderboard/both/leaderboard.html'}" in done.stdout
    assert Judge(bench_of(copy)).benchmark("both").state == "fresh"
    text = (copy / "data/benchmark_leaderboard/both/leaderboard.md").read_text(encoding="utf-8")
    assert "**one and three lead and cannot be told apart**" in text
    assert "Without an average" not in text


def test_a_limit_is_said_once(copy: Path) -> None:
    shutil.rmtree(copy / "data/answers/three/pages")
    answer(copy, "three", "pages", Asking(limit=6))
    make_metrics(bench_of(copy), Cell("three", "pages"))
    make_aggregates(bench_of(copy), Cell("three", "pages"))
    text = make_leaderboard(bench_of(copy), "pages")[0]
    assert "**three**: only the first 6 samples were asked." in text
    assert "| first 6 samples only |" in text
    assert "never asked" not in text


@pytest.mark.parametrize(
    ("table", "content"),
    [("answers", None), ("answers", b"no,such,column\n1,2,3\n"), ("metrics", b""), ("aggregates", b"\xff\xfe")],
)
def test_a_lost_or_damaged_table_costs_only_its_own_row(copy: Path, table: str, content: bytes | None) -> None:
    path = copy / f"data/{table}/one/pages/{table}.csv"
    path.unlink() if content is None else path.write_bytes(content)
    ranking = rank_dataset(bench_of(copy), "pages")
    notes = ranking.table.set_index("model")["note"]
    assert ranking.table.set_index("model")["rank"].notna().to_dict() == {"one": False, "two": True, "three": True}
    assert notes["one"].startswith("missing: ")
    assert str(copy) not in notes["one"]
    assert len(notes["one"]) < 120
    assert "**one**: missing, its tables cannot be read: " in make_leaderboard(bench_of(copy), "pages")[0]
    assert "**one**: on pages missing, its tables" in make_benchmark_leaderboard(bench_of(copy), "both")[0]
    ran = CliRunner().invoke(cli, ["leaderboard", "--benchmark", "both", "--workspace", str(copy)])
    assert ran.exit_code == 0, ran.output


def test_the_command_ranks_a_benchmark(made: Path) -> None:
    def run(*arguments: str) -> str:
        return CliRunner().invoke(cli, ["leaderboard", *arguments, "--workspace", str(made)]).output

    shown = run("--benchmark", "both")
    assert "benchmark both" in shown
    assert "pages/exact_match" in shown
    rows = json.loads(run("--benchmark", "both", "--json"))["both"]
    assert [(row["model"], row["rank"]) for row in rows] == [("one", 1), ("two", 2), ("three", None)]
    assert "name datasets or a benchmark, not both" in run("pages", "--benchmark", "both")


@pytest.mark.engine("chromium")
def test_a_browser_shows_the_page_at_any_width(made: Path) -> None:
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = with_axe(browser.new_page())
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        for path in pages(made):
            if path.suffix != ".html":
                continue
            page.goto(path.as_uri())
            for width in (1280, 390):
                page.set_viewport_size({"width": width, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                assert all(each.evaluate(WHOLE) for each in page.locator("figure img").all()), "a picture is cut"
            if page.locator(".zoom").count():
                page.locator(".zoom > summary").first.press("Enter")
                assert page.locator(".zoom img").first.evaluate("each => each.offsetWidth") >= LARGE
                page.locator(".zoom > summary").first.press("Enter")
            page.set_viewport_size({"width": 1200, "height": 800})
            assert page.evaluate(CLIPPED) == [], "a table is read without scrolling"
            assert_accessible(page)
            assert page.locator("p strong").first.is_visible()
            table = page.locator("table.sorted").first
            table.get_by_role("button", name="model").click()
            assert table.locator("tbody tr td:first-child").all_text_contents() == ["one", "three", "two"]
        browser.close()
    assert errors == []
