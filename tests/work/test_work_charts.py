"""Pictures: the same bytes for the same data, nothing where there is nothing, no text over other text."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.work.cells import CER, EXACT, Row, cell_of, realistic_rows
from vlmbench_assets.builtin import vlmbench_charts
from vlmbench_assets.charts import bars, confusion, errors, heatmap, numbers, style
from vlmbench_assets.work.classes import MOST, NONE_SUCH, OTHER
from vlmbench_assets.work.classes import confusion as confused
from vlmbench_assets.work.draw import draw_pictures, render_png
from vlmbench_assets.work.report_tables import ReportTables
from vlmbench_sdk.metric import UNPARSED_CLASS, class_detail

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[[ReportTables], "Figure | None"]
CHARTS: dict[str, Draw] = {
    "heatmap": heatmap.draw,
    "by_field": bars.by_field,
    "by_subset": bars.by_subset,
    "errors": errors.draw,
    "confusion": confusion.draw,
    "latency": numbers.latency,
    "tokens": numbers.tokens,
}
LETTERS = st.sampled_from("aWmi.ЩжШёЫ字é$_ |\n\x00")
NAMES = st.text(LETTERS, max_size=60) | st.sampled_from(
    ["total", "наименование_покупателя_по_договору", "счёт-фактура", "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWW", "clean", ""]
)
COLUMNS = ["input_tokens", "output_tokens"]


def many_sided(
    names: Sequence[str], subsets: Sequence[str], types: Sequence[str], *, scale: float = 1.0
) -> ReportTables:
    """A cell with these fields, subsets and kinds, with classes, latencies and tokens."""
    rows = realistic_rows(list(names), list(subsets), list(types), documents=12, failing=0.2)
    classes = cycle(dict.fromkeys([*names, *types]))
    said = cycle([*names, UNPARSED_CLASS])
    rows = [
        replace(row, sample=f"{at}", detail=class_detail(next(classes), next(said)), latency_ms=scale * (at % 17 + 1))
        for at, row in enumerate(rows)
    ]
    tables = cell_of(rows)
    tokens = {name: [(7 * at) % 91 * int(scale) + 1 for at in range(len(rows))] for name in COLUMNS}
    return replace(tables, answers=tables.answers.assign(**tokens))


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS.keys())
# Not made smaller where it fails: that would draw hundreds of pictures.
@settings(max_examples=5, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(
    fields=st.lists(NAMES, min_size=2, max_size=14, unique=True),
    subsets=st.lists(NAMES, min_size=2, max_size=14, unique=True),
    types=st.lists(NAMES, min_size=1, max_size=5, unique=True),
    scale=st.sampled_from([0.004, 1.0, 9000.0]),
)
def test_no_text_overlaps_or_leaves_the_picture(
    chart: Draw, fields: list[str], subsets: list[str], types: list[str], scale: float
) -> None:
    with style.applied():
        figure = _draw(chart, many_sided(fields, subsets, types, scale=scale))
        assert _overlapping(figure) == []
        assert _outside(figure) == []


@pytest.mark.parametrize("headline", ["exact_match", "cer"])
@pytest.mark.parametrize("fields", [2, 40])
def test_no_text_overlaps_in_large_pictures(headline: str, fields: int) -> None:
    rows = realistic_rows(
        [f"поле_с_длинным_именем_{at}" for at in range(fields)], [f"условие {at}" for at in range(20)]
    )
    tables = cell_of(rows, headline)
    for chart in (heatmap.draw, bars.by_field, bars.by_subset, errors.draw):
        with style.applied():
            figure = _draw(chart, tables)
            assert (_overlapping(figure), _outside(figure)) == ([], [])


def test_same_data_same_bytes_whatever_the_machine_is_set_to() -> None:
    tables = many_sided(["total", "дата"], ["clean", "blur"], ["receipt", "invoice"])
    first = draw_pictures(tables, vlmbench_charts())
    assert [each.picture.file for each in first] == [f"{each.name}.png" for each in vlmbench_charts()]
    import matplotlib as mpl

    with mpl.rc_context({"font.family": "serif", "font.size": 30, "axes.facecolor": "red", "savefig.dpi": 10}):
        second = draw_pictures(tables, vlmbench_charts())
        assert mpl.rcParams["font.size"] == 30
    assert first == second
    for each in first:
        assert each.picture.png.startswith(b"\x89PNG")
        assert b"Software" not in each.picture.png
    told = {each.picture.file: each.picture.table for each in first}
    assert {name for name, table in told.items() if table is None} == {"by_field.png", "by_subset.png"}


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS.keys())
def test_nothing_to_draw(chart: Draw) -> None:
    assert chart(cell_of([])) is None


def test_a_picture_of_one_group_is_not_drawn() -> None:
    tables = cell_of(realistic_rows(["total"], [""], [""]))
    assert heatmap.draw(tables) is None
    assert heatmap.draw(cell_of(realistic_rows(["total", "date"], [""], [""]))) is None
    assert bars.by_field(tables) is None
    assert bars.by_subset(tables) is None


def test_a_distribution_needs_ten_answers() -> None:
    rows = [Row(f"s{at}", f"d{at}", {"exact_match": 1.0}, latency_ms=5.0) for at in range(10)]
    assert numbers.latency(cell_of(rows)) is not None
    assert numbers.latency(cell_of(rows[:9])) is None
    assert numbers.tokens(cell_of(rows)) is None
    assert numbers.latency_numbers(cell_of(rows))["answers"].tolist() == [10]


def test_a_pair_without_samples_is_no_zero() -> None:
    rows = [
        Row("a", "1", {"exact_match": 0.0}, field="total", subset="clean"),
        Row("b", "2", {"exact_match": 1.0}, field="date|x", subset="blur"),
    ]
    scores, counts = heatmap.grids(cell_of(rows))
    assert list(scores.columns) == ["clean", "blur"]
    assert scores.isna().to_numpy().tolist() == [[True, False], [False, True]]
    assert counts.to_numpy().tolist() == [[0, 1], [1, 0]]


def test_what_the_headline_does_not_score_is_in_the_pictures_by_another_metric() -> None:
    rows = [
        *(Row(f"t{at}", f"d{at}", {"exact_match": 1.0}, field="total", category="correct") for at in range(3)),
        *(Row(f"a{at}", f"d{at}", {"kie_f1": 0.5}, field="all", subset="blur") for at in range(3)),
    ]
    tables = cell_of(rows, plugins={"exact_match": EXACT, "kie_f1": EXACT.model_copy(update={"name": "kie_f1"})})
    tables.metrics.loc[tables.metrics["metric"] == "kie_f1", "category"] = "wrong_value"
    scores, counts = heatmap.grids(tables)
    assert (scores.loc["all, by kie_f1", "blur"], counts.loc["all, by kie_f1", "blur"]) == (0.5, 3)
    assert errors.numbers(tables).to_dict("list") == {
        "field": ["all", "total"],
        "correct": [0, 3],
        "wrong value": [3, 0],
        "n": [3, 3],
    }
    drawn = _draw(bars.by_field, tables)
    assert [text.get_text() for text in drawn.axes[0].get_yticklabels()] == ["all, by kie_f1", "total"]
    # Where the fields themselves are no dimension, all is by the headline.
    bare = replace(tables, aggregates=tables.aggregates[tables.aggregates["dimension"] != "field"])
    assert list(heatmap.grids(bare)[0].index) == ["total"]
    # A score in other units has no place on the same axis.
    other = replace(tables, metric_plugins={"exact_match": EXACT, "kie_f1": CER})
    assert list(heatmap.grids(other)[0].index) == ["total"]


def test_errors_are_counted_by_what_became_of_the_answer() -> None:
    rows = [
        Row("a", "1", {"exact_match": 1.0}, category="correct"),
        Row("b", "1", {"exact_match": 0.0}, category="spurious"),
        Row("c", "1", {"exact_match": None}, status="error"),
        Row("d", "1", {"exact_match": None}, status="parse_failed", category="unparsed"),
        Row("e", "1", {"exact_match": None}, references=(), detail="no gold"),
    ]
    counts = errors.error_counts(errors.all_kinds(cell_of(rows)))
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


def test_classes_are_counted_with_failures_as_a_class_of_their_own() -> None:
    rows = [
        Row("a", "1", {"exact_match": 1.0}, detail=class_detail("счёт", "счёт"), references=["Счёт"]),
        Row("b", "2", {"exact_match": 0.0}, detail=class_detail("акт", "счёт"), references=["Акт"]),
        Row("c", "3", {"exact_match": 0.0}, detail=class_detail("акт", "чек"), references=["Акт"]),
        Row("d", "4", {"exact_match": None}, status="error", references=["Акт"]),
        Row("e", "5", {"exact_match": None}, detail="no gold", references=()),
    ]
    counts = confused(cell_of(rows))
    assert counts.index.tolist() == ["акт", "счёт"]
    assert counts.columns.tolist() == ["акт", "счёт", NONE_SUCH, UNPARSED_CLASS]
    assert counts.to_numpy().tolist() == [[0, 1, 1, 1], [0, 1, 0, 0]]


@pytest.mark.parametrize(
    "detail", ["", "no gold", "{", json.dumps({"gold": "a"}), json.dumps({"gold": 1, "said": "b"})]
)
def test_other_details_are_no_classes(detail: str) -> None:
    assert confused(cell_of([Row("a", "1", {"exact_match": 1.0}, detail=detail)])).empty


def test_of_many_classes_the_largest_stand_by_name() -> None:
    rows = [
        Row(f"{kind}-{at}", f"{kind}-{at}", {"exact_match": 1.0}, detail=class_detail(f"c{kind:02d}", f"c{kind:02d}"))
        for kind in range(MOST + 4)
        for at in range(2 if kind >= 4 else 1)
    ]
    rows.append(Row("x", "x", {"exact_match": 0.0}, detail=class_detail("c10", "other")))
    counts = confused(cell_of(rows))
    # A class that is there and one that is not are two things.
    assert counts.loc["c10"].to_dict() == dict.fromkeys(counts.columns, 0) | {"c10": 2, NONE_SUCH: 1}
    assert counts.index.tolist() == [*(f"c{kind:02d}" for kind in range(4, MOST + 4)), OTHER]
    assert counts.loc[OTHER, OTHER] == 4
    assert counts.to_numpy().sum() == len(rows)


@given(st.text(max_size=200))
def test_any_name_is_a_label_of_one_short_line(name: str) -> None:
    shown = style.label(name)
    assert shown
    assert shown.isprintable()
    assert style.width(shown.replace(r"\$", "$")) <= style.WIDEST_LABEL
    assert shown.count("$") == shown.count(r"\$")
    assert {ord(each) for each in shown} <= style._known()


def test_cyrillic_labels_are_written_as_they_are() -> None:
    assert style.label("счёт-фактура №5") == "счёт-фактура №5"
    assert style.label("字") == style.UNKNOWN


def test_too_many_groups_for_one_picture_are_said() -> None:
    names, rest = style.biggest({f"f{i}": i for i in range(60)})
    assert names == [f"f{i}" for i in range(20, 60)]
    assert "40 of 60" in rest


def test_the_colours_of_errors_stay_apart_for_colour_blind_people() -> None:
    """Distances in Lab after Machado, Oliveira & Fernandes (2009), severity 1: 5 is plain to see side by side."""
    kinds = list(style.CATEGORY_COLOURS.values())
    for matrix in (NO_RED, NO_GREEN):
        seen = [_lab(_seen(colour, matrix)) for colour in kinds]
        assert min(math.dist(one, two) for at, one in enumerate(seen) for two in seen[:at]) > 5


NO_RED = ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998))
NO_GREEN = ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881))


def _seen(colour: str, matrix: Sequence[Sequence[float]]) -> list[float]:
    """A colour as linear RGB, as people without one kind of cones see it."""
    srgb = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in srgb]
    return [sum(weight * each for weight, each in zip(row, linear, strict=True)) for row in matrix]


def _lab(linear: Sequence[float]) -> tuple[float, float, float]:
    """CIE 1976 L*a*b* under D65, of linear sRGB (IEC 61966-2-1)."""
    to_xyz = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    white = (0.9505, 1.0, 1.089)
    x, y, z = (
        _root(max(0.0, sum(weight * each for weight, each in zip(row, linear, strict=True))) / reference)
        for row, reference in zip(to_xyz, white, strict=True)
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _root(share: float) -> float:
    return share ** (1 / 3) if share > 0.008856 else 7.787 * share + 16 / 116


def _draw(chart: Draw, tables: ReportTables) -> "Figure":
    figure = chart(tables)
    assert figure is not None
    return figure


Corners = list[tuple[float, float]]


def _texts(figure: "Figure") -> list[tuple[str, Corners]]:
    """Every text that is shown, with the four corners of its box, slanted as it is."""
    from matplotlib.text import Text
    from matplotlib.transforms import Affine2D

    figure.draw_without_rendering()
    found = []
    beyond = _beyond(figure)
    for text in figure.findobj(Text):
        if id(text) in beyond or not isinstance(text, Text) or not text.get_visible() or not text.get_text().strip():
            continue
        angle = text.get_rotation()
        slanted = angle % 90 != 0
        if slanted:
            text.set_rotation(0)
        box = text.get_window_extent().padded(-1)
        turn = Affine2D()
        if slanted:
            text.set_rotation(angle)
            x, y = text.get_transform().transform(text.get_position())
            turn = turn.rotate_deg_around(float(x), float(y), angle)
        corners = turn.transform([(box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)])
        found.append((text.get_text(), [(float(at), float(up)) for at, up in corners]))
    return found


def _beyond(figure: "Figure") -> set[int]:
    """Labels of ticks outside the axes, which matplotlib keeps and does not draw."""
    found: set[int] = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        found |= {id(tick.label1) for tick in axis.get_major_ticks() if not low <= tick.get_loc() <= high}
    return found


def _overlapping(figure: "Figure") -> list[tuple[str, str]]:
    texts = _texts(figure)
    return [
        (first, second)
        for index, (first, one) in enumerate(texts)
        for second, two in texts[:index]
        if not _apart(one, two) and not _apart(two, one)
    ]


def _apart(one: Corners, two: Corners) -> bool:
    """Whether a side of the first box has the second one wholly beyond it (separating axes)."""
    for at, (x, y) in enumerate(one):
        following = one[(at + 1) % 4]
        across = (following[1] - y, x - following[0])
        mine = [across[0] * a + across[1] * b for a, b in one]
        theirs = [across[0] * a + across[1] * b for a, b in two]
        if max(mine) <= min(theirs) or max(theirs) <= min(mine):
            return True
    return False


def _outside(figure: "Figure") -> list[str]:
    width, height = figure.bbox.width, figure.bbox.height
    return [
        text
        for text, corners in _texts(figure)
        if any(not (-1 <= x <= width + 1 and -1 <= y <= height + 1) for x, y in corners)
    ]


def test_a_rendered_picture_is_a_png() -> None:
    with style.applied():
        assert render_png(_draw(bars.by_field, cell_of(realistic_rows(["a", "b"], ["clean"])))).startswith(b"\x89PNG")
