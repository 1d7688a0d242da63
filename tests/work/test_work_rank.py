"""Leaderboards: order, ties, missing models, directions."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tests.work.cells import CER, EXACT, Row, cell_of
from vlmbench_assets.contracts import UNANSWERED
from vlmbench_assets.page.as_markdown import page_markdown
from vlmbench_assets.work.aggregate import counted, joined
from vlmbench_assets.work.compare import difference, paired_rows
from vlmbench_assets.work.leaderboard_page import Board, leaderboard_pages
from vlmbench_assets.work.paired import holm
from vlmbench_assets.work.rank import CellScores, Ranking, terminal_rows
from vlmbench_assets.work.rank import rank as rank_all
from vlmbench_assets.work.separate import all_pairs, front
from vlmbench_assets.work.winners import DIMENSIONS
from vlmbench_sdk import MetricPlugin

PLUGINS: dict[str, MetricPlugin] = {"exact_match": EXACT, "cer": CER}


def rank(cells: Mapping[str, CellScores | None], headline: str, plugins: Mapping[str, MetricPlugin]) -> pd.DataFrame:
    return rank_all(cells, headline, plugins).table


def page_of(ranking: Ranking) -> str:
    samples = pd.DataFrame(columns=["sample_id", "doc_id", *DIMENSIONS])
    board = Board("receipts", ranking, samples, {}, {}, {}, "vlmbench leaderboard receipts")
    return page_markdown(dict(leaderboard_pages(board))["md"])


def _scores(right: int, of: int, *, limit: int | None = None, cer: float = 0.1) -> CellScores:
    rows = [
        Row(f"s{i}", f"d{i}", {"exact_match": float(i < right), "cer": cer + i / 1000}, latency_ms=100.0 + i)
        for i in range(of)
    ]
    tables = cell_of(rows)
    scored = counted(joined(tables.samples, tables.answers, tables.metrics), EXACT, "failures_worst")
    scored = scored[scored["metric"] == "exact_match"]
    columns = ["sample_id", "doc_id", "value", "weight", "category", "detail"]
    return CellScores(tables.aggregates, tables.answers, limit, 2.0, counted=scored[columns], failed=0)


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
    ranking = rank_all({"worse": _scores(5, 10, cer=0.5), "better": _scores(5, 10, cer=0.1)}, "cer", PLUGINS)
    assert list(ranking.table["model"]) == ["better", "worse"]
    assert "lower is better" in page_of(ranking)


def test_ranks_are_intervals_where_models_are_not_separable() -> None:
    cells = {"a": _scores(30, 40), "b": _scores(31, 40), "c": _scores(1, 40)}
    table = rank(cells, "exact_match", PLUGINS)
    possible = {row["model"]: (row["rank_low"], row["rank_high"]) for row in table.to_dict("records")}
    assert possible == {"a": (1, 2), "b": (1, 2), "c": (3, 3)}
    header, rows = terminal_rows(table, "exact_match")
    assert [row[header.index("possible")] for row in rows] == ["1–2", "1–2", "3"]


def test_a_model_that_cannot_be_compared_may_have_any_rank() -> None:
    cells = {"a": _scores(40, 40), "b": _scores(1, 40), "other": replace(_scores(20, 40), counted=None)}
    table = rank(cells, "exact_match", PLUGINS).set_index("model")
    assert (table.loc["other", "rank_low"], table.loc["other", "rank_high"]) == (1, 3)
    assert (table.loc["a", "rank_low"], table.loc["a", "rank_high"]) == (1, 2)


def test_the_front_has_no_model_that_another_beats_in_everything() -> None:
    slow, dear = replace(_scores(39, 40), cost_per_1000=5.0), replace(_scores(20, 40), cost_per_1000=0.1)
    beaten = replace(_scores(10, 40), cost_per_1000=6.0)
    table = rank({"best": slow, "cheap": dear, "beaten": beaten}, "exact_match", PLUGINS).set_index("model")
    assert table["front"].to_dict() == {"best": True, "cheap": True, "beaten": False}


def test_a_missing_figure_neither_wins_nor_loses() -> None:
    assert front({"a": 1.0, "b": 0.5}, [{"a": 10.0, "b": None}], higher_is_better=True) == {"a"}
    assert front({"a": 1.0, "b": 0.5}, [{"a": None, "b": 10.0}], higher_is_better=True) == {"a", "b"}
    # Slower and worse, of unknown cost: nothing speaks for it.
    assert front({"a": 1.0, "b": 0.5}, [{"a": 1.0, "b": 2.0}, {"a": 9.0, "b": None}], higher_is_better=True) == {"a"}
    assert front({"a": 1.0, "b": 0.5}, [{"a": None, "b": None}], higher_is_better=True) == {"a"}
    assert front({"a": 1.0, "b": 0.5}, [{"a": 10.0, "b": 10.0}], higher_is_better=False) == {"b"}
    assert front({"a": 1.0, "b": 1.0}, [], higher_is_better=True) == {"a", "b"}


def test_pairs_share_flips_and_have_the_same_p_as_alone() -> None:
    random = np.random.default_rng(5)
    names = ["a", "b", "c", "d"]
    frames = {
        name: pd.DataFrame(
            {
                "sample_id": [f"s{i:02d}" for i in range(60)],
                "doc_id": [f"d{i // 3:02d}" for i in range(60)],
                "value": random.random(60) + each / 10,
                "weight": 1.0,
                "category": "",
                "detail": "",
            }
        )
        for each, name in enumerate(names)
    }
    pairs = all_pairs(frames, EXACT)
    alone = []
    for pair in pairs:
        both = paired_rows(frames[pair.second], frames[pair.first].drop(columns="doc_id"), ["sample_id"])
        alone.append(difference(both, EXACT))
    assert [pair.difference for pair in pairs] == pytest.approx([each.difference for each in alone])
    assert [pair.p_holm for pair in pairs] == pytest.approx(holm([each.p_value or 0 for each in alone]))


def test_what_failed_is_said_as_it_is_counted() -> None:
    assert {"error", "timeout", "refused", "parse_failed"} == UNANSWERED
    ranking = rank_all({"a": replace(_scores(5, 10), failed=None), "b": _scores(4, 10)}, "exact_match", PLUGINS)
    assert ranking.table["failed"].astype(object).tolist() == [pd.NA, 0]
    page = page_of(ranking)
    assert (
        "samples: those that count for exact_match. coverage: the share of them with a score. failed: of them" in page
    )
    assert "An answer that was cut off is scored as it stands." in page


def test_a_limit_is_noted() -> None:
    assert "first 10 samples only" in rank({"a": _scores(5, 10, limit=10)}, "exact_match", PLUGINS)["note"].iloc[0]


def test_what_people_see() -> None:
    table = rank({"a": _scores(3, 4), "absent": None}, "exact_match", PLUGINS)
    header, rows = terminal_rows(table, "exact_match")
    assert header[:5] == ["rank", "possible", "front", "model", "exact_match"]
    first, second = (dict(zip(header, row, strict=True)) for row in rows)
    assert (first["rank"], first["exact_match"], first["coverage"], first["ms"]) == ("1", "0.750", "100.0 %", "102")
    assert set(second.values()) - {"absent", "missing", ""} == {"—"}


@pytest.mark.parametrize("cells", [{}, {"a": None}])
def test_a_leaderboard_without_results(cells: dict[str, CellScores | None]) -> None:
    ranking = rank_all(cells, "exact_match", PLUGINS)
    assert len(ranking.table) == len(cells)
    page = page_of(ranking)
    assert "| rank | possible | front |" in page
    assert "No model has a score yet." in page
