"""Draw the pictures of a report."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from vlmbench_assets.work.report_tables import ReportTables
from vlmbench_assets.work.report_text import ShownPicture
from vlmbench_sdk import ChartPlugin, PluginError
from vlmbench_sdk.plugin_specs import resolve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 110


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn picture."""

    file: str
    title: str
    caption: str
    png: bytes

    def shown(self) -> ShownPicture:
        """What the page says of it."""
        return ShownPicture(title=self.title, caption=self.caption, file=self.file)


def draw_pictures(tables: ReportTables, charts: Sequence[ChartPlugin]) -> list[Picture]:
    """Draw every chart that has something to show."""
    pictures = []
    for chart in charts:
        draw = resolve(chart.draw, owner=f"chart {chart.name}")
        if not callable(draw):
            raise PluginError(f"{chart.draw!r} is not a function", where=f"chart {chart.name}")
        figure = cast("Callable[[ReportTables], Figure | None]", draw)(tables)
        if figure is not None:
            png = render_png(figure)
            pictures.append(Picture(f"{chart.name}.png", chart.title, chart.caption, png))
    return pictures


def render_png(figure: "Figure") -> bytes:
    """Render a figure; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    # Without this the file would carry the library's version.
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
