"""Distributions of what single answers took: latency and tokens."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vlmbench_assets.charts.style import ACCENT, BAR, FAINT, INK, counted, new_figure
from vlmbench_assets.work.percentiles import percentile
from vlmbench_assets.work.report_tables import ReportTables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEWEST = 10
"""Answers below which a distribution has no shape to look at; the page has the numbers."""
BINS = 30
LONG_TAIL = 20.0
"""How many times the median the largest may be before the axis is logarithmic."""


def latency(tables: ReportTables) -> "Figure | None":
    """Draw how long single answers took."""
    values = _values(tables.answers["latency_ms"])
    if len(values) < FEWEST:
        return None
    figure, (axes,) = new_figure(2.7)
    seconds = bool(np.median(values) >= 1000)
    _histogram(axes, values / 1000 if seconds else values, "latency of one answer, " + ("s" if seconds else "ms"))
    return figure


def tokens(tables: ReportTables) -> "Figure | None":
    """Draw how many tokens single answers took, in and out side by side."""
    found = [(name, _values(tables.answers[f"{name}_tokens"])) for name in ("input", "output")]
    found = [(name, values) for name, values in found if len(values) >= FEWEST]
    if not found:
        return None
    figure, panels = new_figure(2.7, len(found))
    for axes, (name, values) in zip(panels, found, strict=True):
        _histogram(axes, values, f"{name} tokens of one answer")
    return figure


def latency_numbers(tables: ReportTables) -> pd.DataFrame:
    """The bars of `latency`."""
    return _bars("latency, ms", _values(tables.answers["latency_ms"]))


def tokens_numbers(tables: ReportTables) -> pd.DataFrame:
    """The bars of `tokens`."""
    found = [(name, _values(tables.answers[f"{name}_tokens"])) for name in ("input", "output")]
    return pd.concat([_bars(f"{name} tokens", values) for name, values in found if len(values) >= FEWEST])


def _bars(what: str, values: NDArray[np.float64]) -> pd.DataFrame:
    edges, _ = _edges(values)
    counts, _ = np.histogram(values, edges)
    ends = [f"{edge:.6g}" for edge in edges]
    rows = [(what, ends[at], ends[at + 1], int(count)) for at, count in enumerate(counts) if count]
    return pd.DataFrame(rows, columns=["what", "from", "to", "answers"])


def _values(column: pd.Series) -> NDArray[np.float64]:
    return column.dropna().to_numpy(dtype=np.float64)


def _histogram(axes: "Axes", values: NDArray[np.float64], what: str) -> None:
    """Bars of how many answers took how much, with the median and the 90th percentile as lines."""
    edges, long_tail = _edges(values)
    axes.hist(values, bins=edges, color=BAR, edgecolor="white", linewidth=0.5)
    if long_tail:
        axes.set_xscale("log")
        _plain_ticks(axes, edges[0], edges[-1])
    else:
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.6g}")
    lines = [(0.5, "median", "-"), (0.9, "90th percentile", "--")]
    for share, name, style in lines:
        at = percentile(values, share)
        if at is not None:
            axes.axvline(at, color=ACCENT if share > 0.5 else INK, linestyle=style, linewidth=1.6, label=name)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=9, borderaxespad=0.2)
    axes.set_xlabel(f"{what} (n={counted(len(values))})")
    axes.set_ylabel("answers")
    axes.locator_params(axis="y", nbins=4, integer=True)
    axes.grid(axis="y", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)


def _edges(values: NDArray[np.float64]) -> tuple[list[float], bool]:
    """Edges of the bars, and whether they are on a logarithmic axis."""
    low, high = float(values.min()), float(values.max())
    long_tail = low > 0 and high > LONG_TAIL * float(np.median(values))
    if low == high:
        return [low - 0.5, high + 0.5], False
    edges = np.geomspace(low, high, BINS + 1) if long_tail else np.linspace(low, high, BINS + 1)
    # Rounding must not leave the smallest or the largest outside.
    return [low, *edges[1:-1].tolist(), high], long_tail


def _plain_ticks(axes: "Axes", low: float, high: float) -> None:
    """Four numbers over a logarithmic axis, in digits."""
    from matplotlib.ticker import FixedLocator, NullLocator

    places = [float(f"{each:.1g}") for each in np.geomspace(low, high, 6)]
    axes.xaxis.set_major_locator(FixedLocator(sorted({each for each in places if low <= each <= high})))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.6g}")
