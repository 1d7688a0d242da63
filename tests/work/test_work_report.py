"""The page says what the tables say, for full cells, failing ones and empty ones."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.work.cells import Row, cell_of, realistic_rows
from vlmbench_assets.page.as_markdown import page_markdown
from vlmbench_assets.page.blocks import Picture, SampleCard
from vlmbench_assets.work.cell_report.facts import ReportFacts
from vlmbench_assets.work.cell_report.page import report_page
from vlmbench_assets.work.cell_report.samples import worst_samples
from vlmbench_assets.work.draw import Drawn
from vlmbench_assets.work.report_tables import ReportTables

FACTS = ReportFacts(
    model="tesseract",
    dataset="receipts",
    description="an engine",
    dataset_description="receipts of shops",
    parameters={"plugin": "tesseract", "options": "language: rus", "revision": ""},
    environment={"kind": "venv", "packages": ", ".join(f"package{i} 1.{i}" for i in range(40))},
    dataset_facts={"reader": "jsonl"},
    tuned=False,
    limit=None,
    asked=4,
    answer_s=4.0,
    load_s=0.5,
    resources={"wall time": "4.8 s", "memory": "100 MiB on average, 120 MiB at most"},
    finished_at="2026-01-01T00:00:00Z",
    lineage={"model": "0" * 64},
    command="vlmbench run --model tesseract --dataset receipts",
)
FOUR = [
    Row("a", "1", {"exact_match": 1.0}, category="correct"),
    Row("b", "1", {"exact_match": 1.0}, category="correct"),
    Row("c", "2", {"exact_match": 0.0}, category="wrong_value", answer="| broken |\n# not a heading"),
    Row("d", "2", {"exact_match": None}, status="error", latency_ms=None),
]


def markdown(tables: ReportTables, facts: ReportFacts = FACTS, pictures: Sequence[Drawn] = ()) -> str:
    return page_markdown(report_page(tables, facts, pictures))


def worst(rows: Sequence[Row]) -> list[SampleCard]:
    return [block for block in worst_samples(cell_of(rows), {}) if isinstance(block, SampleCard)]


def test_the_first_sentence_says_score_interval_coverage_and_failures() -> None:
    sentence = markdown(cell_of(FOUR)).splitlines()[2]
    assert "**exact_match 0.500**" in sentence
    # Two documents give no interval.
    assert "95 % interval" not in sentence
    assert "4 samples of 2 documents" in sentence
    assert "75.0 %" in sentence
    assert "1 of 4 answers failed" in sentence


def test_the_headline_counts_the_samples_its_metric_applies_to() -> None:
    page = markdown(cell_of([*FOUR, Row("e", "3", {"cer": 0.1})]))
    assert "from 4 samples of 2 documents" in page


def test_both_policies_stand_side_by_side() -> None:
    (row,) = [line for line in markdown(cell_of(FOUR)).splitlines() if line.startswith("| exact_match | higher")]
    assert [cell.strip() for cell in row.split("|")][2:4] == ["higher", "0.500"]
    assert "0.667" in row


def test_sections_come_in_their_order() -> None:
    page = markdown(cell_of(realistic_rows(["total", "date"], ["clean", "blur"])))
    names = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    wanted = [
        "Scores",
        "By field",
        "By subset",
        "Answers by status",
        "Speed",
        "Worst samples",
        "What was asked of whom",
    ]
    assert [name for name in names if name in wanted] == wanted
    assert names[-1] == "How to reproduce"


def test_a_picture_has_a_text_for_those_who_cannot_see_it() -> None:
    page = markdown(cell_of(FOUR), FACTS, [Drawn("Kinds of errors", Picture("Errors by field", "errors.png", b""))])
    assert "![Errors by field](errors.png)" in page


def test_no_samples_is_said_and_nothing_is_zero() -> None:
    page = markdown(cell_of([]))
    assert "no samples" in page
    assert "0.000" not in page


def test_everything_failed() -> None:
    rows = [Row(f"s{i}", f"d{i}", {"exact_match": None}, status="timeout", latency_ms=None) for i in range(3)]
    page = markdown(cell_of(rows))
    assert "**exact_match 0.000**" in page
    assert "3 of 3 answers failed" in page
    assert "| timeout | 3 | 100.0 % | no connection |" in page
    assert "| — (not measured) |" in page
    assert "90th percentile" not in page


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        (1, ["needs 2 answers", "needs 10 answers", "needs 20 answers", "needs 100 answers"]),
        (9, ["100", "needs 10 answers", "needs 20 answers", "needs 100 answers"]),
        (10, ["100", "100", "needs 20 answers", "needs 100 answers"]),
        (99, ["100", "100", "100", "needs 100 answers"]),
        (100, ["100", "100", "100", "100"]),
    ],
)
def test_a_percentile_needs_enough_answers(answers: int, shown: list[str]) -> None:
    rows = [Row(f"s{i}", f"d{i}", {"exact_match": 1.0}) for i in range(answers)]
    (row,) = (line for line in markdown(cell_of(rows)).splitlines() if line.startswith("| latency, ms"))
    assert [cell.strip() for cell in row.split("|")][2:-1] == [str(answers), *shown, "100"]


def test_facts_for_reproduction_are_not_cut() -> None:
    page = markdown(cell_of(FOUR))
    assert "package39 1.39" in page
    assert FACTS.command in page


def test_a_limit_is_said_first() -> None:
    assert "first 4 samples" in markdown(cell_of(FOUR), replace(FACTS, limit=4)).splitlines()[2]


def test_worst_samples_put_failures_and_wrong_answers_first() -> None:
    first, second = worst(FOUR)
    assert first.answers == (("answer", "| broken |\n# not a heading"),)
    assert second.answers == (("answer", ""),)
    assert ("status", "error: no connection") in second.facts
    rows = [line for line in markdown(cell_of(FOUR)).splitlines() if "not a heading" in line]
    assert len(rows) == 1


def test_samples_that_nothing_can_score_are_not_the_worst() -> None:
    rows = [
        Row("gold", "1", {"exact_match": 0.0}),
        Row("none", "2", {"exact_match": None}, references=(), detail="no gold"),
        Row("none2", "3", {"exact_match": None}, references=(), detail="no gold", status="error"),
    ]
    assert [card.title for card in worst(rows)] == ["gold"]
