"""Leaderboards: order, ties, missing models, directions."""

import pytest

from tests.work.cells import CER, EXACT, Row, cell_of
from vlmbench_assets.work.rank import CellScores, leaderboard_markdown, rank, terminal_rows
from vlmbench_sdk import MetricPlugin

PLUGINS: dict[str, MetricPlugin] = {"exact_match": EXACT, "cer": CER}


def _scores(right: int, of: int, *, limit: int | None = None, cer: float = 0.1) -> CellScores:
    rows = [
        Row(f"s{i}", f"d{i}", {"exact_match": float(i < right), "cer": cer + i / 1000}, latency_ms=100.0 + i)
        for i in range(of)
    ]
    tables = cell_of(rows)
    return CellScores(tables.aggregates, tables.answers, limit, 2.0)


def test_models_are_ranked_and_none_is_dropped() -> None:
    cells = {"poor": _scores(1, 40), "absent": None, "good": _scores(39, 40), "unscored": _scores(0, 0)}
    table = rank(cells, "exact_match", PLUGINS)
    assert list(table["model"][:2]) == ["good", "poor"]
    assert set(table["model"][2:]) == {"absent", "unscored"}
    assert list(table["rank"][:2]) == [1, 2]
    assert table["rank"][2:].isna().all()
    assert table.set_index("model").loc["absent", "note"] == "missing"
    assert table.set_index("model")["exact_match"].isna()["unscored"]


def test_lower_is_better_ranks_the_other_way() -> None:
    table = rank({"worse": _scores(5, 10, cer=0.5), "better": _scores(5, 10, cer=0.1)}, "cer", PLUGINS)
    assert list(table["model"]) == ["better", "worse"]
    assert "lower is better" in leaderboard_markdown(table, "receipts", "cer", PLUGINS)


def test_overlapping_intervals_are_said_and_separate_ones_not() -> None:
    cells = {"a": _scores(30, 40), "b": _scores(31, 40), "c": _scores(1, 40)}
    notes = rank(cells, "exact_match", PLUGINS).set_index("model")["note"]
    assert notes["a"] == "overlaps b"
    assert notes["b"] == "overlaps a"
    assert notes["c"] == ""


def test_a_limit_is_noted() -> None:
    assert "first 10 samples only" in rank({"a": _scores(5, 10, limit=10)}, "exact_match", PLUGINS)["note"].iloc[0]


def test_what_people_see() -> None:
    table = rank({"a": _scores(3, 4), "absent": None}, "exact_match", PLUGINS)
    header, rows = terminal_rows(table, "exact_match")
    assert header[:3] == ["rank", "model", "exact_match"]
    first, second = (dict(zip(header, row, strict=True)) for row in rows)
    assert (first["rank"], first["exact_match"], first["coverage"], first["ms"]) == ("1", "0.750", "100.0 %", "102")
    assert set(second.values()) - {"absent", "missing", ""} == {"—"}


@pytest.mark.parametrize("cells", [{}, {"a": None}])
def test_a_leaderboard_without_results(cells: dict[str, CellScores | None]) -> None:
    table = rank(cells, "exact_match", PLUGINS)
    assert len(table) == len(cells)
    assert "| rank |" in leaderboard_markdown(table, "receipts", "exact_match", PLUGINS)
