"""Pictures: the same bytes for the same data, nothing where there is nothing, no text over other text."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from tests.work.cells import Row, cell_of, realistic_rows
from vlmbench_assets.charts import bars, errors, heatmap, numbers, style
from vlmbench_assets.work.draw import render_png
from vlmbench_assets.work.report_tables import ReportTables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[[ReportTables], "Figure | None"]
CHARTS: dict[str, Draw] = {
    "heatmap": heatmap.draw,
    "errors": errors.draw,
    "by_subset": bars.by_subset,
    "latency": numbers.latency,
}
CONDITIONS = ["clean", "размытие", "blur", "шум_сильный", "jpeg_quality_10", "rotated", "тень"]
TYPES = ["receipt", "invoice", "contract", "passport_of_a_foreign_citizen", "счёт-фактура", "waybill"]
CELLS = {
    "four fields, seven subsets": realistic_rows(["total", "date", "company", "address"], CONDITIONS),
    "one field": realistic_rows(["total"], CONDITIONS),
    "twelve fields, six types": realistic_rows([f"поле_с_именем_{i}" for i in range(12)], ["clean"], TYPES),
    "twenty subsets": realistic_rows(["total"], [f"condition_{i:02d}" for i in range(20)], documents=60),
    "many failures": realistic_rows(["total", "date"], ["clean", "blur"], failing=0.7),
    "one document": realistic_rows(["total", "date"], ["clean"], documents=1, failing=0),
}


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS.keys())
@pytest.mark.parametrize("headline", ["exact_match", "cer"])
@pytest.mark.parametrize("rows", CELLS.values(), ids=CELLS.keys())
def test_same_data_same_bytes_and_no_overlapping_labels(
    chart: Draw,
    rows: Sequence[Row],
    headline: str,
) -> None:
    tables = cell_of(rows, headline)
    figure = _draw(chart, tables)
    again = _draw(chart, tables)
    png = render_png(figure)
    assert png.startswith(b"\x89PNG")
    assert b"Software" not in png
    assert png == render_png(again)
    assert _overlapping(figure) == []


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS.keys())
def test_nothing_to_draw(chart: Draw) -> None:
    assert chart(cell_of([])) is None


def test_a_heatmap_of_one_cell_is_not_drawn() -> None:
    assert heatmap.draw(cell_of(realistic_rows(["total"], [""], [""]))) is None


def test_a_pair_without_samples_is_no_zero() -> None:
    rows = [
        Row("a", "1", {"exact_match": 0.0}, field="total", subset="clean"),
        Row("b", "2", {"exact_match": 1.0}, field="date|x", subset="blur"),
    ]
    scores, counts = heatmap.grids(cell_of(rows))
    assert list(scores.columns) == ["clean", "blur"]
    assert scores.isna().to_numpy().tolist() == [[True, False], [False, True]]
    assert counts.to_numpy().tolist() == [[0, 1], [1, 0]]


def test_errors_are_counted_by_what_became_of_the_answer() -> None:
    rows = [
        Row("a", "1", {"exact_match": 1.0}, category="correct"),
        Row("b", "1", {"exact_match": 0.0}, category="spurious"),
        Row("c", "1", {"exact_match": None}, status="error"),
        Row("d", "1", {"exact_match": None}, status="parse_failed", category="unparsed"),
        Row("e", "1", {"exact_match": None}, references=(), detail="no gold"),
    ]
    counts = errors.error_counts(cell_of(rows), "exact_match")
    assert counts.loc["total"].to_dict() == {"correct": 1, "failed": 1, "spurious": 1, "unparsed": 1, "unscored": 1}


def test_verdicts_come_from_a_metric_that_gives_some() -> None:
    rows = [Row("a", "1", {"cer": 0.1, "exact_match": 1.0}, category="correct")]
    assert errors.judge(cell_of(rows, "cer")) == "exact_match"
    assert errors.judge(cell_of([Row("a", "1", {"cer": 0.1})], "cer")) == ""
    assert errors.draw(cell_of([Row("a", "1", {"cer": 0.1})], "cer")) is None


def test_two_long_names_cut_to_the_same_label_keep_their_bars() -> None:
    rows = realistic_rows(["a_very_long_name_of_a_field_1", "a_very_long_name_of_a_field_2"], ["clean"])
    figure = _draw(errors.draw, cell_of(rows))
    assert len(figure.axes[0].get_yticks()) == 2


@pytest.mark.parametrize("name", ["$x$", "a\nb", "\x00", "", "x" * 99])
def test_any_name_is_a_label_of_one_short_line(name: str) -> None:
    shown = style.label(name)
    assert 0 < len(shown) <= style.LONGEST_LABEL + 2
    assert shown.replace("…", "").isprintable()
    assert r"\$" in shown or "$" not in shown


def test_too_many_groups_for_one_picture_are_said() -> None:
    names, rest = style.biggest({f"f{i}": i for i in range(60)})
    assert names == [f"f{i}" for i in range(20, 60)]
    assert "40 of 60" in rest


def _draw(chart: Draw, tables: ReportTables) -> "Figure":
    figure: Figure | None = chart(tables)
    assert figure is not None
    return figure


def _overlapping(figure: "Figure") -> list[tuple[str, str]]:
    """Pairs of texts whose boxes overlap; slanted labels, whose boxes are wider than they are, left out."""
    from matplotlib.text import Text

    # Saving drew it at another resolution, and the places of the texts are of the last drawing.
    figure.draw_without_rendering()
    texts: list[Text] = [
        text
        for text in figure.findobj(Text)
        if isinstance(text, Text) and text.get_visible() and text.get_text().strip() and text.get_rotation() in {0, 90}
    ]
    shown = [(text.get_text(), text.get_window_extent()) for text in texts]
    return [
        (first, second)
        for index, (first, one) in enumerate(shown)
        for second, other in shown[:index]
        if one.padded(-1).overlaps(other.padded(-1))
    ]
