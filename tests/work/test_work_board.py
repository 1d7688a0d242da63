"""What leaderboards say: who leads, who wins a slice, averages over datasets that refuse what has none, pictures."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.work.cells import CER, EXACT, Row, cell_of
from vlmbench_assets.charts.standings import apart, draw_front, draw_scores
from vlmbench_assets.page.as_html import is_number, page_html
from vlmbench_assets.page.as_markdown import page_markdown
from vlmbench_assets.page.blocks import Inline, Table
from vlmbench_assets.work.aggregate import counted, joined
from vlmbench_assets.work.average import MEAN_RANK, average
from vlmbench_assets.work.benchmark_page import BenchmarkBoard, benchmark_pages
from vlmbench_assets.work.benchmark_table import benchmark_rows, benchmark_table
from vlmbench_assets.work.board_parts import Suffix, briefly, notices, said_p, shown_pairs, signed, winner_blocks
from vlmbench_assets.work.draw import render_png
from vlmbench_assets.work.leaderboard_page import Board, leaderboard_pages
from vlmbench_assets.work.rank import CellScores, Ranking, rank, terminal_rows
from vlmbench_assets.work.separate import Pair
from vlmbench_assets.work.standing import Standing, number_of, said_ms, standings, verdict
from vlmbench_assets.work.winners import DIMENSIONS, over_datasets, winners
from vlmbench_sdk import MetricPlugin

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

REPORT: dict[Suffix, str] = {"html": "../../report/a/x/report.html", "md": "../../report/a/x/report.md"}
PLUGINS: dict[str, MetricPlugin] = {"exact_match": EXACT, "cer": CER}
COLUMNS = ["sample_id", "doc_id", "value", "weight", "category", "detail"]


def rows_of(chance: Sequence[float], documents: int = 24, seed: int = 1) -> list[Row]:
    """Two fields a document; field f0 is right with the first chance, f1 with the last."""
    drawn = np.random.default_rng(seed).random((documents, 2))
    return [
        Row(
            f"s{document:02d}-{number}",
            f"d{document:02d}",
            {"exact_match": float(drawn[document, number] < chance[-number]), "cer": float(drawn[document, number])},
            field=f"f{number}",
            subset="clean" if document % 2 else "blur",
            doc_type="",
            latency_ms=100.0 * sum(chance),
        )
        for document in range(documents)
        for number in range(2)
    ]


def scores_of(rows: Sequence[Row], headline: str = "exact_match", limit: int | None = None) -> CellScores:
    tables = cell_of(rows)
    scored = counted(joined(tables.samples, tables.answers, tables.metrics), PLUGINS[headline], "failures_worst")
    return CellScores(
        tables.aggregates, tables.answers, limit, 2.0, counted=scored.loc[scored["metric"] == headline, COLUMNS]
    )


def ranking_of(chances: Mapping[str, Sequence[float] | None], headline: str = "exact_match", seed: int = 1) -> Ranking:
    cells = {
        model: None if chance is None else scores_of(rows_of(chance, seed=seed), headline)
        for model, chance in chances.items()
    }
    return rank(cells, headline, PLUGINS)


def standing(model: str, value: float | None, low: int = 1, high: int = 1, *, compared: bool = True) -> Standing:
    ends = None if value is None else (value - 0.02, value + 0.02)
    possible = (low, high) if compared else None
    return Standing(model, value, ends and ends[0], ends and ends[1], 1, possible, 100.0 * low, None, front=True)


@pytest.mark.parametrize(
    ("stand", "behind", "said"),
    [
        ([], {}, "No model has a score yet."),
        ([standing("a", 0.9)], {}, "Only a has a score: 0.900 (95 %: 0.880 to 0.920). There is nothing"),
        ([standing("a", 0.9), standing("b", 0.5, 2, 2)], {"b": ["a"]}, "a is best: 0.900 (95 %: 0.880 to 0.920). b is"),
        (
            [standing("a", 0.9, 1, 2), standing("b", 0.8, 1, 2)],
            {},
            "No best model can be named: a (0.900) and b (0.800)",
        ),
        (
            [standing("a", 0.9, 1, 2), standing("b", 0.8, 1, 2), standing("c", 0.1, 3, 3)],
            {"c": ["a", "b"]},
            "lead and cannot be told apart: a has 0.900 (possible ranks 1–2) and b has 0.800 (possible ranks 1–2).",
        ),
        (
            [standing("a", 0.9, 1, 2), standing("b", 0.8, 1, 3), standing("c", 0.1, 2, 3)],
            {"c": ["a"]},
            "c is behind a.",
        ),
        (
            [standing("a", 0.9, 1, 2), standing("b", 0.8, 2, 3), standing("c", 0.1, 2, 3)],
            {"b": ["a"], "c": ["a"]},
            "a leads: 0.900",
        ),
        ([standing("a", 0.9), standing("b", 0.8, compared=False)], {}, "No two models can be compared"),
    ],
)
def test_who_leads_is_said_as_far_as_it_is_known(
    stand: list[Standing], behind: Mapping[str, list[str]], said: str
) -> None:
    text = "".join(part if isinstance(part, str) else getattr(part, "text", "") for part in verdict(stand, behind, 24))
    assert said in text


def test_too_few_documents_tell_nothing() -> None:
    stand = [standing("a", 0.9, 1, 2), standing("b", 0.1, 1, 2)]
    text = "".join(part if isinstance(part, str) else getattr(part, "text", "") for part in verdict(stand, {}, 5))
    assert "Nothing can be told apart: 5 documents are too few" in text


def test_the_winner_of_a_slice_is_told_from_the_next_or_not() -> None:
    ranking = ranking_of({"a": (1.0, 0.9), "b": (0.1, 0.9), "c": (0.05, 0.05)})
    slices = cell_of(rows_of((1.0,))).samples[["sample_id", *DIMENSIONS]]
    found = {(each.dimension, each.group): each for each in winners(ranking.scores, slices, EXACT)}
    # No kind of document is named and one language only, so neither tells anything apart.
    assert {dimension for dimension, _ in found} == {"field", "subset"}
    assert found["field", "f0"].best == ("a",)
    assert found["field", "f0"].following == "b"
    assert found["field", "f0"].difference.verdict == "better"
    assert found["field", "f1"].best == ("a", "b")
    assert found["field", "f1"].difference.verdict == "no difference"


def test_a_slice_of_too_few_documents_is_not_called_level() -> None:
    ranking = rank(
        {
            model: scores_of(rows_of((right, right), documents=6), "exact_match")
            for model, right in (("a", 1.0), ("b", 0.0))
        },
        "exact_match",
        PLUGINS,
    )
    slices = cell_of(rows_of((1.0,), documents=6)).samples[["sample_id", *DIMENSIONS]]
    _, table = winner_blocks(winners(ranking.scores, slices, EXACT), "")
    assert isinstance(table, Table)
    # Two fields: twice 2 / 2**6 is above 0.05, though each of six documents says the same.
    assert [(row[1], row[-1]) for row in table.rows if row[0] == "field"] == [
        ("f0", "too few documents"),
        ("f1", "too few documents"),
    ]


def test_a_slice_that_several_datasets_have_has_a_winner_over_all_of_them() -> None:
    samples = cell_of(rows_of((1.0,))).samples
    others = samples.assign(subset=[f"only {at % 3}" for at in range(len(samples))])
    chances = {"a": (1.0, 0.9), "b": (0.1, 0.9), "gone": None}
    rankings = {
        "x": replace(ranking_of(chances), samples=samples),
        "y": replace(ranking_of(chances, seed=2), samples=others),
    }
    scores, slices = over_datasets(rankings, ["a", "b"])
    found = {(each.dimension, each.group): each for each in winners(scores, slices, EXACT)}
    # The subsets of one dataset alone are on its own page.
    assert {dimension for dimension, _ in found} == {"field"}
    winner = found["field", "f0"]
    assert (winner.best, winner.samples, winner.difference.documents) == (("a",), 48, 48)
    assert winner.score == pytest.approx(np.mean([rows["value"][::2].mean() for rows in both(rankings, "a")]))
    page = pages_of(rankings)
    assert "## Who wins which slice" in page
    assert "| field | f0 | 48 | a |" in page


def both(rankings: Mapping[str, Ranking], model: str) -> list[pd.DataFrame]:
    return [ranking.scores[model].sort_values("sample_id") for ranking in rankings.values()]


def test_figures_are_written_as_people_write_them() -> None:
    assert [signed(value) for value in (-0.0001, 0.0001, 0.0, -0.125, 0.5)] == ["0.000"] * 3 + ["−0.125", "+0.500"]
    assert (said_p(0.0004), said_p(0.25)) == ("<0.001", "0.250")
    assert is_number(said_p(0.0004))
    assert [said_ms(value) for value in (0.0012, 1.0, 99.6)] == ["<1 ms", "1 ms", "100 ms"]
    assert [number_of(number, "document") for number in (0, 1, 2)] == ["0 documents", "1 document", "2 documents"]
    stand = [standing("a", 0.9, 1, 2), standing("b", 0.8, 1, 2)]
    quick = [replace(each, latency_ms=place / 1000) for place, each in enumerate(stand, 1)]
    assert ["fastest" in said(verdict(each, {}, 24)) for each in (stand, quick)] == [False, False]
    quick[1] = replace(quick[1], latency_ms=20.0)
    assert "a is fastest: <1 ms in the median, the slowest 20 ms." in said(verdict(quick, {}, 24))
    assert "1 document is too few" in said(verdict(stand, {}, 1))


def said(parts: Iterable[Inline]) -> str:
    return "".join(part if isinstance(part, str) else part.text for part in parts)


def test_the_same_concern_is_said_once() -> None:
    said = [page.parts for page in notices({"a": ["stale: x", "tuned"], "b": ["stale: x"]})]
    assert [(getattr(first, "text", ""), rest) for first, rest in said] == [
        ("a and b", ": stale: x."),
        ("a", ": tuned."),
    ]


def test_of_many_pairs_those_of_the_first_and_of_neighbours_are_shown() -> None:
    models = [f"m{number:03d}" for number in range(100)]
    pairs = [Pair(a, b, 1, 0.0, 1.0) for place, a in enumerate(models) for b in models[place + 1 :]]
    shown = shown_pairs(pairs, models)
    assert len(shown) == 99 + 98
    assert shown_pairs(pairs[:50], models) == pairs[:50]


def test_the_mean_of_datasets_weighs_them_alike_and_joins_their_errors() -> None:
    rankings = {"x": ranking_of({"a": (0.9, 0.8)}, seed=1), "y": ranking_of({"a": (0.5, 0.4)}, seed=2)}
    found = average(rankings)
    assert found.by == "mean exact_match"
    mean = found.models["a"]
    by_document = [each.scores["a"].groupby("doc_id")["value"].mean().to_numpy() for each in rankings.values()]
    assert mean.value == pytest.approx(np.mean([each.mean() for each in by_document]))
    # Documents of equal size: the error of a mean, and Welch's degrees.
    squares = np.array([each.var(ddof=1) / len(each) for each in by_document])
    degrees = int(squares.sum() ** 2 / (squares**2 / 23).sum())
    error = np.sqrt(squares.sum()) / 2
    logit = np.log(mean.value / (1 - mean.value))
    spread = stats.t.ppf(0.975, degrees) * error / (mean.value * (1 - mean.value))
    assert mean.low == pytest.approx(1 / (1 + np.exp(-(logit - spread))), abs=1e-5)
    assert mean.high == pytest.approx(1 / (1 + np.exp(-(logit + spread))), abs=1e-5)


def test_a_model_without_a_cell_has_no_average_and_is_not_ranked() -> None:
    rankings = {"x": ranking_of({"a": (0.9,), "b": (1.0,)}), "y": ranking_of({"a": (0.9,), "b": None})}
    table, averages = benchmark_table(rankings)
    assert list(averages.models) == ["a"]
    (row,) = table[table["model"] == "b"].to_dict("records")
    assert pd.isna(row["value"])
    assert pd.isna(row["rank"])
    assert pd.isna(row["y/exact_match"])
    assert (row["cells"], row["note"], row["x/exact_match"]) == (1, "y: missing", 1.0)
    header, said = benchmark_rows(table, averages)
    assert dict(zip(header, said[1], strict=True))["y/exact_match"] == "—"


def test_a_cell_of_other_or_fewer_samples_has_no_part_in_an_average() -> None:
    whole = ranking_of({"a": (0.9,), "b": (0.9,)})
    other = dict(whole.cells)
    cell = other["b"]
    assert cell is not None
    other["b"] = replace(cell, counted=None)
    assert list(average({"x": whole, "y": rank(other, "exact_match", PLUGINS)}).models) == ["a"]
    other["b"] = scores_of(rows_of((0.9,), documents=10), limit=20)
    assert list(average({"x": whole, "y": rank(other, "exact_match", PLUGINS)}).models) == ["a"]


def test_scores_of_different_metrics_have_no_mean() -> None:
    chances = {"a": (1.0,), "b": (0.5,), "c": (0.0,)}
    rankings = {"x": ranking_of(chances), "y": ranking_of(dict.fromkeys(chances, (0.5,)), "cer")}
    found = average(rankings)
    assert (found.by, found.higher_is_better, found.pairs) == (MEAN_RANK, False, [])
    # On y all answer alike: rank 2 each, and any rank remains possible.
    assert {model: (each.value, each.low, each.high) for model, each in found.models.items()} == {
        "a": (1.5, 1.0, 2.0),
        "b": (2.0, 1.5, 2.5),
        "c": (2.5, 2.0, 3.0),
    }
    page = pages_of(rankings)
    assert "(x by exact_match; y by cer), whose scores have no mean" in page


def test_one_complete_model_has_no_rank() -> None:
    chances = {"a": (0.5,), "b": None}
    rankings = {"x": ranking_of({"a": (0.5,), "b": (1.0,)}), "y": ranking_of(chances)}
    table, averages = benchmark_table(rankings)
    row = table.set_index("model").loc["a"]
    assert row["value"] == pytest.approx(averages.models["a"].value)
    assert averages.models["a"].ranks is None
    assert pd.isna(row[["rank", "rank_low", "rank_high"]]).all()
    assert not row["front"]
    page = pages_of(rankings)
    assert "models that lead" not in page
    rankings["y"] = ranking_of(chances, "cer")
    table, averages = benchmark_table(rankings)
    assert averages.models == {}
    assert table["value"].isna().all()
    page = pages_of(rankings)
    assert "Only a has a score on all datasets, so there is no mean rank" in page
    assert "A score to average is lacking for b on y." in page


def test_models_that_win_on_one_dataset_each_are_told_apart_by_their_mean() -> None:
    rankings = {
        "x": ranking_of({"a": (0.95,), "b": (0.7,)}, seed=3),
        "y": ranking_of({"a": (0.05,), "b": (0.95,)}, seed=4),
    }
    found = average(rankings)
    assert list(found.models) == ["b", "a"]
    (pair,) = found.pairs
    assert pair.told
    assert pair.low is not None
    assert pair.high is not None
    assert pair.low <= (pair.difference or 0) <= pair.high
    assert found.models["b"].ranks == (1, 1)


def test_few_documents_never_give_a_p_value_below_that_of_flips() -> None:
    def of(value: float) -> CellScores:
        return scores_of([Row(f"s{each}", f"d{each}", {"exact_match": value, "cer": 0.0}) for each in range(3)])

    ranking = rank({"a": of(1.0), "b": of(0.0)}, "exact_match", PLUGINS)
    (pair,) = average({"x": ranking, "y": ranking}).pairs
    # Six documents, and no dataset has enough for an error.
    assert pair.p_value == 1.0
    cells = {
        name: scores_of([Row(f"s{each}", f"d{each}", {"exact_match": value, "cer": 0.0}) for each in range(6)])
        for name, value in (("a", 1.0), ("b", 0.0))
    }
    ranking = rank(cells, "exact_match", PLUGINS)
    (pair,) = average({"x": ranking, "y": ranking}).pairs
    assert pair.p_value == pytest.approx(2 / 2**12)


def test_the_interval_of_a_mean_holds_it_as_often_as_it_says() -> None:
    chance = np.random.default_rng(9)
    cell = scores_of(rows_of((0.5,)))

    def drawn(true: float) -> Ranking:
        share = chance.beta(true * 8, (1 - true) * 8, 24)
        rows = pd.DataFrame({"doc_id": np.repeat([f"d{each}" for each in range(24)], 4)}).assign(
            value=chance.binomial(1, np.repeat(share, 4)).astype(float), weight=1.0
        )
        table = pd.DataFrame({"model": ["a"], "exact_match": [rows["value"].mean()]})
        return Ranking("exact_match", table, [], {"a": replace(cell, counted=rows)}, EXACT)

    held = 0
    for _ in range(200):
        mean = average({name: drawn(true) for name, true in (("x", 0.9), ("y", 0.6), ("z", 0.75))}).models["a"]
        assert mean.low is not None
        assert mean.high is not None
        held += mean.low <= 0.75 <= mean.high
    assert 0.92 <= held / 200 <= 0.98


def pages_of(rankings: Mapping[str, Ranking]) -> str:
    table, averages = benchmark_table(rankings)
    board = BenchmarkBoard("b", rankings, averages, table, {}, {"x": {"a": REPORT}}, {}, "vlmbench run")
    pages = dict(benchmark_pages(board))
    assert page_html(pages["html"]) == page_html(dict(benchmark_pages(board))["html"])
    assert 'href="../../report/a/x/report.html"' in page_html(pages["html"])
    return page_markdown(pages["md"])


def test_the_page_of_a_benchmark_says_what_is_missing() -> None:
    page = pages_of({"x": ranking_of({"a": (0.8,), "b": (1.0,)}), "y": ranking_of({"a": (0.9,), "b": None})})
    assert "Only a has an average" in page
    assert "Without an average: b" in page
    assert "A score to average is lacking for b on y." in page
    assert "| b | 1.000 (rank 1) | missing |" in page
    assert "(<../../report/a/x/report.md>)" in page


def test_the_first_sentence_says_where_another_model_leads() -> None:
    rankings = {
        "x": ranking_of({"a": (0.95,), "b": (0.6,)}, seed=3),
        "y": ranking_of({"a": (0.05,), "b": (0.95,)}, seed=4),
    }
    first = pages_of(rankings).splitlines()[2]
    assert re.match(r"\*\*b is best\*\*: [^;]+; on x, a leads\. a is behind it on average\.", first)
    same = pages_of({"x": ranking_of({"a": (0.95,), "b": (0.1,)}), "y": ranking_of({"a": (0.9,), "b": (0.2,)})})
    assert "; on " not in same.splitlines()[2]


def test_further_metrics_say_which_way_is_better_and_columns_what_they_count() -> None:
    ranking = ranking_of({"a": (1.0, 0.9), "b": (0.1, 0.9)})
    samples = cell_of(rows_of((1.0,))).samples[["sample_id", "doc_id", *DIMENSIONS]]
    page = page_markdown(dict(leaderboard_pages(Board("x", ranking, samples, {}, {}, {}, "")))["md"])
    table = page.partition("| model | exact_match (↑) | cer (↓) |")[2].replace("\N{NO-BREAK SPACE}", " ")
    assert re.search(r"^\| b \| 0\.\d{3} \(0\.\d{3} to 0\.\d{3}\) \| 0\.\d{3} \(0\.\d{3} to ", table, re.MULTILINE)
    assert "ms: median of what a caller waits for one answer alone." in page
    # There is no column of the seconds that all answers took.
    assert "s: what the model took" not in page


def test_a_note_is_short_where_it_was_said_above() -> None:
    assert briefly("first 40 samples only; stale: option a → b; references changed") == [
        "first 40 samples only",
        "stale",
    ]
    assert briefly("scored on other samples or references, so not compared") == ["see above"]
    assert briefly("") == []


def test_the_page_of_a_dataset_is_the_same_each_time_and_leads_to_reports() -> None:
    ranking = ranking_of({"a": (1.0, 0.9), "b": (0.1, 0.9), "gone": None})
    samples = cell_of(rows_of((1.0,))).samples[["sample_id", "doc_id", *DIMENSIONS]]
    concerns = {"gone": ["missing, never run"]}
    board = Board("x", ranking, samples, concerns, {"a": REPORT}, {"page": "4"}, "vlmbench run")
    pages = [dict(leaderboard_pages(board)) for _ in range(2)]
    assert page_html(pages[0]["html"]) == page_html(pages[1]["html"])
    assert [each.file for each in pages[0]["html"].pictures()] == ["scores.png", "latency.png"]
    assert all(each.table is not None for each in pages[0]["html"].pictures())
    html, text = page_html(pages[0]["html"]), page_markdown(pages[0]["md"])
    assert '<a href="../../report/a/x/report.html">a</a>' in html
    assert "**gone**: missing, never run." in text
    assert "**a is best of the 2 that can be compared**" in text
    assert "vlmbench run" in text


def test_costs_of_several_currencies_are_never_shown_as_one() -> None:
    rows = rows_of((0.9,))
    costs = {"a": (96.0, "RUB"), "b": (1.5, "USD"), "free": (0.0, "USD"), "unknown": (None, "")}
    cells = {
        model: replace(scores_of(rows), cost_per_1000=cost, currency=currency)
        for model, (cost, currency) in costs.items()
    }
    ranking = rank(cells, "exact_match", PLUGINS)
    assert ranking.table.set_index("model")["currency"].to_dict() == {model: own for model, (_, own) in costs.items()}
    header, shown = terminal_rows(ranking.table, "exact_match")
    assert {row[3]: row[header.index("cost of 1,000")] for row in shown} == {
        "a": "96.00 RUB",
        "b": "1.50 USD",
        "free": "0.00",
        "unknown": "—",
    }
    rankings = {"x": ranking, "y": ranking}
    table, averages = benchmark_table(rankings)
    assert table.set_index("model")["currency"].to_dict() == {model: own for model, (_, own) in costs.items()}
    assert "96.00 RUB" in benchmark_rows(table, averages)[1][0]
    text = pages_of(rankings)
    assert "96.00 RUB" in text
    assert "Prices are in several currencies, so costs are not compared." in text
    figure = draw_front(standings(table, "value", averages.models), "score", priced=True)
    assert figure is not None
    assert {"a  96.00 RUB", "free  0.00 USD"} <= {text.get_text() for text in texts_of(figure)}
    del cells["b"]
    header, shown = terminal_rows(rank(cells, "exact_match", PLUGINS).table, "exact_match")
    assert {row[3]: row[header.index("cost of 1,000, RUB")] for row in shown}["a"] == "96.00"


def texts_of(figure: "Figure") -> list["Text"]:
    """All texts that are seen: a tick beyond the limits has a label that is not drawn."""
    (axes,) = figure.axes
    texts = [*figure.texts, *axes.texts, axes.xaxis.label, axes.yaxis.label]
    sides = [axes, *(child for child in axes.child_axes)]
    for axis in [each for side in sides for each in (side.xaxis, side.yaxis)]:
        low, high = sorted(axis.get_view_interval())
        texts += [
            text for place, text in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True) if low <= place <= high
        ]
    return [text for text in texts if text.get_text().strip() and text.get_visible()]


STAND = [
    Standing(
        f"модель-с-длинным-именем-{number}",
        0.9 - number / 1000,
        0.8,
        0.95,
        1,
        (1, 3),
        100.0 + number,
        0.1 * number,
        front=number < 3,
        currency="EUR",
    )
    for number in range(14)
]


@pytest.mark.parametrize("stand", [STAND, STAND[:2], [replace(each, low=None, high=None) for each in STAND[:5]]])
def test_names_in_pictures_never_touch(stand: list[Standing]) -> None:
    from matplotlib.text import Text

    drawn = [(draw_scores(stand, "score"), draw_front(stand, "score", priced=True)) for _ in range(2)]
    for figure, again in zip(*drawn, strict=True):
        assert figure is not None
        assert again is not None
        assert render_png(figure) == render_png(again)
        # Saving drew it at another resolution, and the places of the texts are of the last drawing.
        figure.draw_without_rendering()
        # Of an annotation without the line that leads to its point.
        boxes = [Text.get_window_extent(text).padded(-1) for text in texts_of(figure)]
        assert not any(one.overlaps(two) for place, one in enumerate(boxes) for two in boxes[place + 1 :])
        inside = figure.bbox.padded(1)
        assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 for box in boxes)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_names_stand_apart_and_inside(wanted: list[float]) -> None:
    gap = 0.94 / max(1, len(wanted) - 1)
    for each in (gap, gap / 3):
        places = apart(sorted(wanted, reverse=True), each)
        assert all(one - two >= each - 1e-9 for one, two in pairwise(places))
        assert max(places) <= 0.97 + 1e-9
        assert min(places) >= 0.03 - 1e-9


def test_pictures_of_one_model_are_not_drawn() -> None:
    assert draw_scores(STAND[:1], "score") is None
    assert draw_front([STAND[0], replace(STAND[1], latency_ms=None)], "score", priced=False) is None
