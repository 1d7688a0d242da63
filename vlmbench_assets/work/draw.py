"""Draw the pictures of a report."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pandas as pd

from vlmbench_assets.charts.style import applied
from vlmbench_assets.page.blocks import Picture, Table
from vlmbench_assets.work.markdown import NOTHING, number
from vlmbench_assets.work.report_tables import ReportTables
from vlmbench_sdk import ChartPlugin, PluginError
from vlmbench_sdk.plugin_specs import resolve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110
MOST_ROWS = 200
"""Rows of numbers under a picture; `aggregates.csv` has all."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture and where it belongs."""

    title: str
    picture: Picture


def draw_pictures(tables: ReportTables, charts: Sequence[ChartPlugin]) -> list[Drawn]:
    """Draw every chart that has something to show."""
    found = []
    for chart in charts:
        draw = cast("Callable[[ReportTables], Figure | None]", _function(chart.draw, chart))
        with applied():
            figure = draw(tables)
            png = None if figure is None else render_png(figure)
        if png is not None:
            picture = Picture(chart.caption or chart.title, f"{chart.name}.png", png, _numbers(tables, chart))
            found.append(Drawn(chart.title, picture))
    return found


def render_png(figure: "Figure") -> bytes:
    """Render a figure; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    # Without this the file would carry the library's version.
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _numbers(tables: ReportTables, chart: ChartPlugin) -> Table | None:
    """The table behind a picture."""
    if chart.numbers is None:
        return None
    frame = cast("Callable[[ReportTables], pd.DataFrame]", _function(chart.numbers, chart))(tables)
    rows = tuple(tuple(map(_cell, row)) for row in frame.head(MOST_ROWS).itertuples(index=False, name=None))
    cut = f", the first {MOST_ROWS} of {len(frame)} rows" if len(frame) > MOST_ROWS else ""
    return Table(tuple(map(str, frame.columns)), rows, caption=f"{chart.caption or chart.title}{cut}")


def _cell(value: object) -> str:
    if value is None or value is pd.NA:
        return NOTHING
    return number(value) if isinstance(value, float) else str(value)


def _function(import_string: str, chart: ChartPlugin) -> object:
    found = resolve(import_string, owner=f"chart {chart.name}")
    if not callable(found):
        raise PluginError(f"{import_string!r} is not a function", where=f"chart {chart.name}")
    return found
