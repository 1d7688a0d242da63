"""Headline score by subset or by field, with intervals."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vlmbench_assets.charts.style import (
    BAR,
    FAINT,
    INK,
    biggest,
    clean_first,
    counted,
    label,
    named,
    new_figure,
    scored,
)
from vlmbench_assets.work.own_metric import alike, own_groups
from vlmbench_assets.work.report_tables import ReportTables

if TYPE_CHECKING:
    from matplotlib.axes._base import _AxesBase
    from matplotlib.figure import Figure

HEADROOM = 1.08


def by_subset(tables: ReportTables) -> "Figure | None":
    """Draw a bar per subset."""
    return _bars(tables, "subset")


def by_field(tables: ReportTables) -> "Figure | None":
    """Draw a bar per field."""
    return _bars(tables, "field")


def _bars(tables: ReportTables, dimension: str) -> "Figure | None":
    """A bar per group; one without a score keeps its line, with a dash instead of a bar.

    A group that the headline does not score has the bar of another metric of the same range, and says so.
    """
    groups = own_groups(tables, dimension, alike(tables)).set_index("group", drop=False)
    # One bar would only repeat the headline.
    if len(groups) < 2 or not groups["value"].notna().any():
        return None
    groups = groups.loc[clean_first(list(groups["group"]))]
    names, rest = biggest({str(name): int(n) for name, n in groups["n"].items()})
    groups = groups.loc[names]
    value, low, high = (groups[name].to_numpy(dtype=float) for name in ("value", "ci_low", "ci_high"))
    plugin = tables.metric_plugins[tables.headline]
    figure, (axes,) = new_figure(1.1 + 0.42 * len(names))
    rows = np.arange(len(names))
    axes.barh(rows, np.nan_to_num(value), color=BAR, height=0.62)
    known = ~np.isnan(low)
    reach = np.vstack([value - low, high - value])[:, known].clip(min=0)
    axes.errorbar(value[known], rows[known], xerr=reach, fmt="none", ecolor=INK, elinewidth=1.3, capsize=4)
    left = min(0.0, plugin.lower or 0.0, float(np.nanmin([value, low])))
    right = plugin.upper if plugin.upper is not None else HEADROOM * float(np.nanmax([value, high]))
    axes.set_xlim(left, right if right > left else left + 1.0)
    axes.locator_params(axis="x", nbins=6)
    axes.set_yticks(rows, [label(named(name, groups["metric"][name], tables.headline)) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    _say_numbers(axes.secondary_yaxis("right"), groups)
    direction = "higher" if plugin.higher_is_better else "lower"
    unit = f", {plugin.unit}" if plugin.unit else ""
    axes.set_xlabel(f"{label(tables.headline + unit)} ({direction} is better); line: 95 % interval")
    axes.set_ylabel(f"{dimension}{rest}" if len(names) > 2 else dimension)
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure


def _say_numbers(axis: "_AxesBase", groups: pd.DataFrame) -> None:
    """Write score and number of samples at the end of each line, where no bar can hide them."""
    said = [
        f"{scored(float('nan') if pd.isna(value) else value)}   n={counted(n)}"
        for value, n in zip(groups["value"], groups["n"], strict=True)
    ]
    axis.set_yticks(range(len(said)), said)
    axis.tick_params(colors=INK, labelsize=10, length=0, pad=10)
    axis.spines["right"].set_visible(False)
