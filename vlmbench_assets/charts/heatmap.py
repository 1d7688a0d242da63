"""Headline score by field and slice."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vlmbench_assets.charts.style import (
    INK,
    MOST_COLUMNS,
    biggest,
    clean_first,
    counted,
    label,
    name_axes,
    named,
    new_figure,
    scored,
    shades,
)
from vlmbench_assets.work.aggregate import PAIR, group_values
from vlmbench_assets.work.own_metric import alike, own_groups
from vlmbench_assets.work.report_tables import ReportTables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOMY = 7
"""Columns up to which the numbers in them have their usual size."""


def draw(tables: ReportTables) -> "Figure | None":
    """Draw field × doc_type, or field × subset where there is one kind of document only."""
    scores, counts = grids(tables)
    # One slice would only repeat the bars by field.
    if scores.size < 2 or (len(scores.columns) < 2 and scores.columns.name != "field"):
        return None
    plugin = tables.metric_plugins[tables.headline]
    values = scores.to_numpy(dtype=float)
    low = plugin.lower if plugin.lower is not None else float(np.nanmin(values, initial=0))
    high = plugin.upper if plugin.upper is not None else float(np.nanmax(values, initial=1))
    rows, rest = biggest({str(name): int(n) for name, n in counts.sum(axis=1).items()})
    columns, beside = biggest({str(name): int(n) for name, n in counts.sum(axis=0).items()}, MOST_COLUMNS)
    scores, counts = scores.loc[rows, columns], counts.loc[rows, columns]
    figure, (axes,) = new_figure(1.5 + 0.55 * len(rows))
    values, samples = scores.to_numpy(dtype=float), counts.to_numpy(dtype=int)
    image = axes.imshow(values, cmap=shades(deep_is_high=plugin.higher_is_better), vmin=low, vmax=high, aspect="auto")
    name_axes(axes, [label(name) for name in rows], columns)
    for (row, column), value in np.ndenumerate(values):
        said = f"{scored(value)}\nn={counted(int(samples[row, column]))}"
        size = 9 if len(columns) <= ROOMY else 7
        axes.text(column, row, said, ha="center", va="center", fontsize=size, color=INK)
    axes.set_ylabel(str(scores.index.name) + (rest if len(rows) > 2 else ""))
    axes.set_xlabel(str(scores.columns.name) + beside)
    direction = "higher" if plugin.higher_is_better else "lower"
    axes.set_title(f"{label(tables.headline)} ({direction} is better)", loc="left", fontsize=10, color=INK)
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.02)
    bar.ax.tick_params(colors=INK, labelsize=9, length=0)
    bar.outline.set_visible(False)
    return figure


def grids(tables: ReportTables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Headline scores and numbers of samples, fields as rows and slices as columns.

    The other way round where there are more slices than fit side by side. A pair without samples is null, n 0. A field
    that the headline does not score is there by another metric of the same range, and its name says so.
    """
    other = "doc_type" if tables.samples["doc_type"].nunique() > 1 else "subset"
    fields = own_groups(tables, "field", alike(tables)).set_index("group")["metric"].to_dict()
    metrics = dict.fromkeys([tables.headline, *fields.values()])
    groups = pd.concat([tables.groups(f"field{PAIR}{other}", metric) for metric in metrics])
    groups = groups.set_index(["group", "metric"])[["value", "n"]]
    pairs = tables.samples[["field", other]].drop_duplicates()
    # Looked up by the joined name, since a field's own name may hold the character that joins.
    own = pd.Series([fields.get(name, tables.headline) for name in pairs["field"]], index=pairs.index, dtype=str)
    pairs = pairs.assign(group=group_values(pairs, f"field{PAIR}{other}"), metric=own)
    pairs = pairs.join(groups, on=["group", "metric"], how="inner").drop_duplicates("group")
    pairs["field"] = [named(*each, tables.headline) for each in zip(pairs["field"], pairs["metric"], strict=True)]
    scores = pairs.pivot_table(index="field", columns=other, values="value", dropna=False, aggfunc="first")
    counts = pairs.pivot_table(index="field", columns=other, values="n", dropna=False, aggfunc="first")
    slices = clean_first(list(scores.columns))
    scores, counts = scores[slices], counts[slices].fillna(0).astype(int)
    return (scores.T, counts.T) if len(slices) > max(MOST_COLUMNS, len(scores)) else (scores, counts)


def numbers(tables: ReportTables) -> pd.DataFrame:
    """The scores and numbers of samples behind the picture, a slice a pair of columns."""
    scores, counts = grids(tables)
    table = pd.DataFrame(index=scores.index)
    for name in scores.columns:
        shown = str(name) or "(none)"
        table[shown] = scores[name]
        table[f"{shown}, n"] = counts[name]
    return table.rename_axis(str(scores.index.name)).reset_index()
