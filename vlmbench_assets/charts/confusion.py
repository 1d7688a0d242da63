"""Which class is taken for which."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vlmbench_assets.charts.style import INK, SIZE, counted, label, name_axes, new_figure, shades
from vlmbench_assets.work.classes import confusion
from vlmbench_assets.work.report_tables import ReportTables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NARROW = 9
"""Columns from which the numbers in them must be small."""
WIDEST_CLASS = 120.0


def draw(tables: ReportTables) -> "Figure | None":
    """Draw gold classes as rows and named ones as columns; a colour is the share of a row."""
    counts = confusion(tables)
    if counts.empty:
        return None
    totals = counts.sum(axis=1)
    shares = counts.div(totals.where(totals > 0, 1), axis=0).to_numpy(dtype=float)
    figure, (axes,) = new_figure(1.9 + 0.42 * len(counts))
    image = axes.imshow(shares, cmap=shades(), vmin=0, vmax=1, aspect="auto")
    rows = [
        f"{label(str(name), WIDEST_CLASS)}  (n={counted(int(totals.iloc[at]))})" for at, name in enumerate(counts.index)
    ]
    name_axes(axes, rows, [label(str(name), WIDEST_CLASS) for name in counts.columns])
    size = SIZE - 1 if len(counts.columns) <= NARROW else SIZE - 3
    for (row, column), number in np.ndenumerate(counts.to_numpy(dtype=int)):
        if number:
            axes.text(column, row, counted(int(number)), ha="center", va="center", fontsize=size, color=INK)
    axes.set_ylabel("gold class")
    axes.set_xlabel("class that was named")
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.02)
    bar.ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    bar.ax.tick_params(colors=INK, labelsize=SIZE - 1, length=0)
    bar.set_ticks([0, 0.5, 1])
    bar.outline.set_visible(False)
    return figure


def numbers(tables: ReportTables) -> pd.DataFrame:
    """The counts behind the picture."""
    counts = confusion(tables)
    return counts.rename_axis("gold class").rename(columns=str).reset_index()
