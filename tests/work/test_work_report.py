"""The page says what the tables say, for full cells, failing ones and empty ones."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import pytest

from tests.work.cells import CER, EXACT, Row, cell_of, realistic_rows
from vlmbench_assets.builtin import vlmbench_charts
from vlmbench_assets.page.as_html import page_html
from vlmbench_assets.page.as_markdown import page_markdown
from vlmbench_assets.page.blocks import Picture, SampleCard, Tiles
from vlmbench_assets.work.cell_report.facts import ReportFacts, Since
from vlmbench_assets.work.cell_report.page import report_page
from vlmbench_assets.work.cell_report.samples import SHOWN, flipped_rows, worst_samples
from vlmbench_assets.work.compare import Difference, Scored
from vlmbench_assets.work.cost import cost_of
from vlmbench_assets.work.draw import Drawn
from vlmbench_assets.work.report_tables import ReportTables
from vlmbench_assets.work.robustness import drops
from vlmbench_sdk.entries import Price
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


def test_charts_stand_in_the_section_of_their_title_and_others_before_the_samples() -> None:
    titles = {each.title for each in vlmbench_charts()}
    drawn = [
        Drawn(title, Picture(title, f"{at}.png", b"")) for at, title in enumerate([*sorted(titles), "Of a plugin"])
    ]
    sections = report_page(cell_of(FOUR), FACTS, drawn).sections
    names = [section.title for section in sections]
    assert titles <= set(names)
    assert len(names) == len(set(names))
    assert names[names.index("Worst samples") - 1] == "Of a plugin"
    # Where a chart of the host stood in a section of its own, it would come there too.
    assert names.index("Speed") < names.index("Tokens and cost") < names.index("Of a plugin")


def tiles(tables: ReportTables, facts: ReportFacts = FACTS) -> dict[str, tuple[str, str]]:
    (block,) = (block for block in report_page(tables, facts, []).lead if isinstance(block, Tiles))
    return {tile.name: (tile.value, tile.note) for tile in block.tiles}


def test_the_tiles_tell_score_coverage_parse_rate_failures_latency_and_cost() -> None:
    rows = [
        *FOUR,
        Row("e", "3", {"exact_match": 0.0}, category="unparsed"),
        Row("f", "3", {"exact_match": None}, status="parse_failed"),
    ]
    tables = cell_of(rows)
    assert tiles(tables) == {
        "exact_match": ("0.333", "no interval"),
        "coverage": ("66.7 %", "4 of 6 scored"),
        "parse rate": ("60.0 %", "3 of 5 answers read"),
        "failed": ("33.3 %", "2 of 6 answers"),
        "median latency": ("100 ms", "of 5 answers"),
    }
    answers = tables.answers.assign(input_tokens=1000, output_tokens=[100.0, 100.0, 100.0, float("nan"), 100.0, 100.0])
    priced = replace(
        FACTS, cost=cost_of(answers, Price(input_per_million=2.0, output_per_million=10.0, currency="EUR"))
    )
    assert tiles(tables, priced)["1,000 answers cost"] == ("3.00", "EUR")
    page = markdown(replace(tables, answers=answers), priced)
    assert "1,000 answers cost 3.00 EUR, these 0.015 EUR, by the tokens of 5 answers" in page
    assert cost_of(tables.answers, Price(input_per_million=2.0, output_per_million=10.0)) is None
    assert cost_of(answers, None) is None


def test_what_to_know_before_trusting_a_score_comes_first() -> None:
    facts = replace(FACTS, limit=4, tuned=True, imported="a.json (inspect)", stale=["answers changed", "gold changed"])
    notices = [line for line in markdown(cell_of(FOUR), facts).splitlines()[2:9] if line]
    assert [line.split(":")[0].split(" ")[1] for line in notices] == ["**Only", "**The", "**Stale", "**Imported"]
    assert "answers changed; gold changed" in notices[2]


def test_the_lead_says_where_it_fails() -> None:
    rows = [
        Row(f"{name}{at}", f"d{at}", {"exact_match": value}, field=name, category="correct" if value else "missing")
        for name, value in (("total", 1.0), ("date", 0.0))
        for at in range(3)
    ]
    page = markdown(cell_of(rows))
    assert "- **Weakest:** field date 0.000 (n=3)." in page
    assert "- **Errors:** 3 missing (by exact_match)." in page
    # Of fewer errors the better metric has lower scores.
    rows = [Row(f"{at}", f"d{at}", {"cer": at / 10}, field=f"f{at}") for at in range(3)]
    assert "- **Weakest:** field f2 0.200 (n=1)." in markdown(cell_of(rows, "cer"))


def test_the_paired_drop_from_clean_stands_beside_the_subsets() -> None:
    rows = [
        Row(f"{subset}{at}", f"d{at}", {"exact_match": float(subset == "clean" or at < 4)}, subset=subset)
        for subset in ("clean", "blur")
        for at in range(20)
    ]
    tables = cell_of(rows)
    scored = Scored(tables.samples, tables.answers, tables.metrics)
    page = markdown(tables, replace(FACTS, drops=drops(scored, "exact_match", EXACT)))
    (row,) = (line for line in page.splitlines() if line.startswith("| blur | 1.000"))
    assert "| 0.200 | −0.800 |" in row
    assert "| worse | 20 | 20 |" in row


KIE = EXACT.model_copy(update={"name": "kie_f1"})


def test_what_the_headline_does_not_score_is_on_the_page_by_another_metric() -> None:
    rows = [
        *(Row(f"t{at}", f"d{at}", {"exact_match": 1.0}, field="total", category="correct") for at in range(5)),
        *(Row(f"v{at}", f"d{at}", {"exact_match": 1.0}, field="vat", category="correct") for at in range(4)),
        *(Row(f"a{at}", f"d{at}", {"kie_f1": 0.25 * at, "never": None}, field="all") for at in range(4)),
        Row("n", "d9", {}, field="note"),
    ]
    plugins = {"exact_match": EXACT, "kie_f1": KIE, "cer": CER, "never": KIE}
    tables = cell_of(rows, plugins=plugins)
    page = markdown(tables)
    assert "- **5 samples are not scored by exact_match:** kie_f1 scores 4, 0.375; nothing scores 1." in page
    table = page.partition("## By field")[2].partition("## ")[0]
    # No column of a metric that scores no group.
    assert "| field | scored by | score | 95 % interval | coverage | n |" in table
    assert "| all | kie_f1 | 0.375 | 4 documents: too few | 100.0 % | 4 |" in table
    assert "| total | exact_match | 1.000 | 0.566 to 1.000 |" in table
    cards = [block for block in worst_samples(tables, {}) if isinstance(block, SampleCard)]
    assert [card.title for card in cards] == ["a0", "a1", "a2", "a3"]
    assert ("kie_f1", "0.000") in cards[0].facts
    assert tiles(tables)["coverage"] == ("100.0 %", "9 of 9 scored; 5 more are not for this metric")


def test_of_equally_bad_samples_kinds_and_fields_take_turns_the_worst_by_another_metric_first() -> None:
    rows = [
        *(
            Row(f"t{at}", f"d{at}", {"exact_match": 0.0, "cer": at / 20}, field="total", category="wrong_value")
            for at in range(12)
        ),
        Row("x", "d0", {"exact_match": 0.0}, field="total", category="missing"),
        Row("y", "d1", {"exact_match": 0.0}, field="date", category="missing"),
    ]
    # The gold of all is the same text, which in one field may be a copy of the same document.
    rows = [replace(row, references=(row.sample,)) for row in rows]
    assert [card.title for card in worst(rows)] == ["t11", "x", "y", "t10", "t9", "t8", "t7", "t6", "t5", "t4"]
    copies = [
        Row(f"{at}-{subset}", f"{at}-{subset}", {"exact_match": 0.0}, references=(f"{at}",))
        for at in range(3)
        for subset in ("blur", "clean")
    ]
    assert [card.title for card in worst(copies)][:4] == ["0-blur", "1-blur", "2-blur", "0-clean"]


def test_no_heading_is_empty_and_one_sample_is_one_sample() -> None:
    flip = {"sample_id": "a", "field": "f", "question": "?", "references": "[]", "first": 0.0, "second": 1.0}
    flip |= {"moved": "better", "answer_first": "", "answer_second": "", "status_first": "ok", "status_second": "ok"}
    since = Since([], "exact_match", Difference(9, 9, 0.0, 0.1, 0.1), pd.DataFrame([flip]), 1)
    page = markdown(cell_of(realistic_rows(["total"], ["clean"])), replace(FACTS, since=since))
    assert "- **Since last time:** exact_match +0.100, cannot be told; 1 sample flipped." in page
    assert "**1 sample flipped**: 1 better, 0 worse. Left out: 1 sample that only one of both has." in page
    html = page_html(report_page(cell_of(FOUR), FACTS, [], "html"))
    assert re.search(r"<th[^>]*></th>|<thead>(?!<tr><th)|<td></td>.*</thead>", html) is None
    assert "On the HTML page" not in html
    assert "struck out" in html
    assert "struck out" not in markdown(cell_of(FOUR))


def test_equally_bad_samples_come_from_different_documents_first() -> None:
    rows = [Row(f"{doc}{at}", f"{doc}", {"exact_match": 0.0}) for doc in "ab" for at in range(12)]
    assert [card.title for card in worst(rows)][:4] == ["a0", "b0", "a1", "b1"]
    assert len(worst(rows)) == SHOWN


def test_of_flips_as_many_losses_as_gains_are_shown() -> None:
    def flips(worse: int, better: int) -> list[str]:
        moved = ["worse"] * worse + ["better"] * better
        return flipped_rows(pd.DataFrame({"moved": moved, "at": range(len(moved))}))["at"].astype(str).tolist()

    assert flips(20, 20) == [str(at) for at in (0, 1, 2, 3, 4, 39, 38, 37, 36, 35)]
    assert flips(1, 20) == [str(at) for at in (0, 20, 19, 18, 17, 16, 15, 14, 13, 12)]
    assert flips(20, 1) == [str(at) for at in (0, 1, 2, 3, 4, 5, 6, 7, 8, 20)]
    assert flips(0, 0) == []


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


def test_a_card_says_the_kind_of_error_of_a_metric_that_judges() -> None:
    rows = [Row("a", "1", {"cer": 0.4, "exact_match": 0.0}, category="wrong_format")]
    (card,) = [block for block in worst_samples(cell_of(rows, "cer"), {}) if isinstance(block, SampleCard)]
    assert ("kind of error, by exact_match", "wrong format") in card.facts
    assert ("kind of error", "wrong format") in worst(rows)[0].facts


def test_samples_that_nothing_can_score_are_not_the_worst() -> None:
    rows = [
        Row("gold", "1", {"exact_match": 0.0}),
        Row("none", "2", {"exact_match": None}, references=(), detail="no gold"),
        Row("none2", "3", {"exact_match": None}, references=(), detail="no gold", status="error"),
    ]
    assert [card.title for card in worst(rows)] == ["gold"]


def test_the_worst_are_of_those_that_the_headline_counts() -> None:
    rows = [
        Row("unusable", "1", {"exact_match": None}, references=("n/a",), detail=NO_GOLD, status="error"),
        Row("needs-none", "2", {"exact_match": None}, references=(), status="error"),
    ]
    assert [card.title for card in worst(rows)] == ["needs-none"]
