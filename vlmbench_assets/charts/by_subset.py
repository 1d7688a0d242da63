"""Headline score by subset, with intervals."""

from typing import TYPE_CHECKING

import numpy as np

from vlmbench_assets.charts.style import BAR, FAINT, INK, clean_first, label, new_figure
from vlmbench_assets.work.report_tables import ReportTables

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(tables: ReportTables) -> "Figure | None":
    """Draw a bar per subset; by field where there are no subsets."""
    dimension = "subset" if not tables.groups("subset").empty else "field"
    groups = tables.groups(dimension).set_index("group", drop=False)
    groups = groups[groups["value"].notna()]
    if groups.empty:
        return None
    order = clean_first(list(groups["group"]))
    groups = groups.loc[order]
    value = groups["value"].to_numpy(dtype=float)
    low = groups["ci_low"].to_numpy(dtype=float)
    high = groups["ci_high"].to_numpy(dtype=float)
    plugin = tables.metric_plugins[tables.headline]
    figure, axes = new_figure(3.6)
    axes.bar(range(len(order)), value, color=BAR, width=0.62)
    known = ~np.isnan(low)
    reach = np.vstack([value - low, high - value])[:, known].clip(min=0)
    axes.errorbar(
        np.flatnonzero(known), value[known], yerr=reach, fmt="none", ecolor=INK, elinewidth=1.3, capsize=4
    )
    top = max(1.0, float(np.nanmax(np.where(known, high, value)))) if plugin.upper is None else plugin.upper
    axes.set_ylim(min(0.0, plugin.lower or 0.0), top * 1.02)
    names = [f"{label(name)}\n{v:.2f}, n={n}" for name, v, n in zip(order, value, groups["n"], strict=True)]
    axes.set_xticks(range(len(order)), names)
    axes.set_xlabel(dimension)
    direction = "higher" if plugin.higher_is_better else "lower"
    axes.set_ylabel(f"{tables.headline}\n({direction} is better)")
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure
