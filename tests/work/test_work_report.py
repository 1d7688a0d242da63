"""The page says what the tables say, for full cells, failing ones and empty ones."""

from dataclasses import replace

import pytest

from tests.work.cells import Row, cell_of, realistic_rows
from vlmbench_assets.work.report_text import ReportFacts, ShownPicture, report_markdown
from vlmbench_assets.work.worst import worst_samples
from vlmbench_sdk.metric import NO_GOLD

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


def test_the_first_sentence_says_score_interval_coverage_and_failures() -> None:
    sentence = report_markdown(cell_of(FOUR), FACTS, []).splitlines()[2]
    assert "**exact_match 0.500**" in sentence
    # Two documents give no interval.
    assert "95 % interval" not in sentence
    assert "4 samples of 2 documents" in sentence
    assert "75.0 %" in sentence
    assert "1 of 4 answers failed" in sentence


def test_the_headline_counts_the_samples_its_metric_applies_to() -> None:
    page = report_markdown(cell_of([*FOUR, Row("e", "3", {"cer": 0.1})]), FACTS, [])
    assert "from 4 samples of 2 documents" in page


def test_both_policies_stand_side_by_side() -> None:
    (row,) = [line for line in report_markdown(cell_of(FOUR), FACTS, []).splitlines() if line.startswith("| exact")][:1]
    assert [cell.strip() for cell in row.split("|")][2:4] == ["higher", "0.500"]
    assert "0.667" in row


def test_sections_come_in_their_order() -> None:
    page = report_markdown(cell_of(realistic_rows(["total", "date"], ["clean", "blur"])), FACTS, [])
    names = [line.removeprefix("## ") for line in page.splitlines() if line.startswith("## ")]
    wanted = ["Scores", "By field", "By subset", "Answers by status", "Speed", "Worst samples", "Environment"]
    assert [name for name in names if name in wanted] == wanted
    assert names[-1] == "How to reproduce"


def test_a_picture_has_a_text_for_those_who_cannot_see_it() -> None:
    page = report_markdown(cell_of(FOUR), FACTS, [ShownPicture("Errors", "Errors by field", "errors.png")])
    assert "![Errors by field](errors.png)" in page


def test_no_samples_is_said_and_nothing_is_zero() -> None:
    page = report_markdown(cell_of([]), FACTS, [])
    assert "no samples" in page
    assert "0.000" not in page


def test_everything_failed() -> None:
    rows = [Row(f"s{i}", f"d{i}", {"exact_match": None}, status="timeout", latency_ms=None) for i in range(3)]
    page = report_markdown(cell_of(rows), FACTS, [])
    assert "**exact_match 0.000**" in page
    assert "3 of 3 answers failed" in page
    assert "| timeout | 3 | 100.0 % | no connection |" in page
    assert "median latency" not in page


@pytest.mark.parametrize(("answers", "shown"), [(9, False), (10, True)])
def test_a_90th_percentile_needs_ten_answers(answers: int, *, shown: bool) -> None:
    rows = [Row(f"s{i}", f"d{i}", {"exact_match": 1.0}) for i in range(answers)]
    assert ("90th percentile" in report_markdown(cell_of(rows), FACTS, [])) is shown


def test_facts_for_reproduction_are_not_cut() -> None:
    page = report_markdown(cell_of(FOUR), FACTS, [])
    assert "package39 1.39" in page
    assert FACTS.command in page


def test_a_limit_is_said_first() -> None:
    assert "first 4 samples" in report_markdown(cell_of(FOUR), replace(FACTS, limit=4), []).splitlines()[2]


def test_worst_samples_put_failures_and_wrong_answers_first() -> None:
    lines = worst_samples(cell_of(FOUR)).splitlines()
    assert len(lines) == 4
    assert "not a heading" in lines[2]
    assert "(error) no connection" in lines[3]


def test_samples_that_nothing_can_score_are_not_the_worst() -> None:
    rows = [
        Row("gold", "1", {"exact_match": 0.0}),
        Row("none", "2", {"exact_match": None}, references=(), detail="no gold"),
        Row("none2", "3", {"exact_match": None}, references=(), detail="no gold", status="error"),
    ]
    said = worst_samples(cell_of(rows))
    assert "gold" in said
    assert "none" not in said


def test_the_worst_are_of_those_that_the_headline_counts() -> None:
    rows = [
        Row("unusable", "1", {"exact_match": None}, references=("n/a",), detail=NO_GOLD, status="error"),
        Row("needs-none", "2", {"exact_match": None}, references=(), status="error"),
    ]
    said = worst_samples(cell_of(rows))
    assert "unusable" not in said
    assert "needs-none" in said
