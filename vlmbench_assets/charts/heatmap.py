"""Headline score by field and slice."""

from typing import TYPE_CHECKING

import numpy as np

from vlmbench_assets.charts.style import INK, clean_first, label, new_figure
from vlmbench_assets.work.report_tables import ReportTables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DARK = 0.55


def draw(tables: ReportTables) -> "Figure | None":
    """Draw field × doc_type, or field × subset where there is one kind of document only."""
    several = tables.samples["doc_type"].nunique() > 1
    dimension = "field*doc_type" if several else "field*subset"
    groups = tables.groups(dimension)
    if groups.empty:
        return None
    cells = {
        tuple(group.split("|", 1)): (value, n)
        for group, value, n in zip(groups["group"], groups["value"], groups["n"], strict=True)
    }
    fields = sorted({key[0] for key in cells})
    slices = clean_first(sorted({key[1] for key in cells}))
    grid = np.array([[cells.get((f, s), (np.nan, 0))[0] for s in slices] for f in fields], dtype=float)
    plugin = tables.metric_plugins[tables.headline]
    low = plugin.lower if plugin.lower is not None else float(np.nanmin(grid, initial=0))
    high = plugin.upper if plugin.upper is not None else float(np.nanmax(grid, initial=1))
    figure, axes = new_figure(1.4 + 0.55 * len(fields))
    colours = "cividis" if plugin.higher_is_better else "cividis_r"
    image = axes.imshow(grid, cmap=colours, vmin=low, vmax=high, aspect="auto")
    axes.set_xticks(range(len(slices)), [label(name) for name in slices], rotation=30 if len(slices) > 6 else 0)
    axes.set_yticks(range(len(fields)), [label(name) for name in fields])
    for (row, column), value in np.ndenumerate(grid):
        n = cells.get((fields[row], slices[column]), (np.nan, 0))[1]
        text = "—" if np.isnan(value) else f"{value:.2f}"
        light = not np.isnan(value) and (value - low) / ((high - low) or 1) > DARK
        ink = INK if light == plugin.higher_is_better or np.isnan(value) else "white"
        axes.text(column, row, f"{text}\nn={n}", ha="center", va="center", fontsize=9, color=ink)
    axes.set_ylabel("field")
    axes.set_xlabel("doc_type" if several else "subset")
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.02)
    bar.set_label(f"{tables.headline}, {'higher' if plugin.higher_is_better else 'lower'} is better")
    return figure
