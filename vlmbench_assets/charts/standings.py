"""Pictures of a leaderboard: scores with their intervals, and scores against latency and cost."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vlmbench_assets.charts.style import BAR, FAINT, INK, MOST_ROWS, label, new_figure
from vlmbench_assets.work.standing import Standing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OTHER = "#8c959f"
SPAN = "#b1bac4"
FRONT = "#d55e00"
WIDE = 10
"""Latencies that differ by more than so many times are drawn on a logarithmic scale."""
ROOM = 0.07
NAME_IN, AROUND_IN = 0.26, 1.2
"""Inches that a name needs from the next, and that title and axis need besides."""
LEADER = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.7, "shrinkA": 2, "shrinkB": 4, "relpos": (0, 0.5)}
"""The line from a point to the left end of its name, so that it crosses no other name."""


def draw_scores(standings: Sequence[Standing], axis: str) -> "Figure | None":
    """Draw each model's score with its interval, best first; nothing for fewer than two.

    Args:
        standings: All models, best first.
        axis: What the scores are, with their direction.
    """
    known = [each for each in standings if each.value is not None]
    shown = known[:MOST_ROWS]
    if len(shown) < 2:
        return None
    figure, (axes,) = new_figure(1.2 + 0.36 * len(shown))
    rows = np.arange(len(shown))
    value, low, high = (_column(shown, name) for name in ("value", "low", "high"))
    colours = [BAR if each.possible and each.possible[0] == 1 else OTHER for each in shown]
    for row, colour in enumerate(colours):
        if not np.isnan(low[row]):
            axes.plot([low[row], high[row]], [row, row], color=colour, linewidth=2.2, solid_capstyle="butt")
    axes.scatter(value, rows, s=64, color=colours, zorder=3)
    axes.set_yticks(rows, [label(each.model) for each in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    _room(axes.set_xlim, np.concatenate([value, low, high]))
    side = axes.secondary_yaxis("right")
    side.set_yticks(rows, [f"{each.value:.3f}   {_ranks(each)}" for each in shown])
    side.tick_params(colors=INK, labelsize=10, length=0, pad=8)
    side.spines["right"].set_visible(False)
    rest = f"; the best {MOST_ROWS} of {len(known)}" if len(known) > MOST_ROWS else ""
    axes.set_xlabel(axis)
    said = f"line: 95 % interval; blue: no model is shown to be better{rest}"
    figure.suptitle(said, x=0.01, ha="left", fontsize=9, color=INK)
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure


def draw_front(standings: Sequence[Standing], axis: str, *, priced: bool) -> "Figure | None":
    """Draw scores against latency, the front marked, costs beside the names; nothing for fewer than two models.

    Names stand in a column of their own, in the order of the scores, each with a line to its point: they cannot touch.

    Args:
        standings: All models, best first.
        axis: What the scores are, with their direction.
        priced: Whether to show costs, each with its currency.
    """
    known = [each for each in standings if each.value is not None and each.latency_ms is not None]
    if len(known) < 2:
        return None
    named = known if len(known) <= MOST_ROWS else [each for each in known if each.front][:MOST_ROWS]
    height = max(3.6, AROUND_IN + NAME_IN * len(named))
    figure, (axes,) = new_figure(height)
    latency, value = _column(known, "latency_ms"), _column(known, "value")
    low, high = _column(known, "low"), _column(known, "high")
    if latency.min() > 0 and latency.max() > WIDE * latency.min():
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(lambda place, _: f"{place:g}")
    axes.vlines(latency, low, high, color=SPAN, linewidth=1.6, zorder=1)
    on = np.array([each.front for each in known])
    axes.scatter(latency[~on], value[~on], s=46, color=OTHER, zorder=3)
    axes.scatter(latency[on], value[on], s=70, color=FRONT, marker="D", zorder=4)
    # Through those that neither score nor latency puts behind; cost, which may put more on the front, has no axis here.
    least = np.minimum.accumulate(latency)
    ahead = np.flatnonzero(latency < np.concatenate([[np.inf], least[:-1]]))
    axes.plot(latency[ahead], value[ahead], color=FRONT, linewidth=1.0, linestyle="--", zorder=2)
    _room(axes.set_ylim, np.concatenate([value, low, high]))
    axes.set_xlabel("median latency of an answer, ms (lower is better)")
    axes.set_ylabel(axis)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    _name_points(axes, named, height, priced=priced)
    rest = f", the other {len(known) - len(named)} points without names" if len(named) < len(known) else ""
    said = f"orange diamonds: the front; line: 95 % interval{rest}"
    figure.suptitle(said, x=0.01, ha="left", fontsize=9, color=INK)
    return figure


def _name_points(axes: "Axes", named: Sequence[Standing], height: float, *, priced: bool) -> None:
    """Names beside the axes, each as near to its point's height as the others leave room for.

    Args:
        axes: With the points drawn and the limits set.
        named: Whose names.
        height: Of the figure, in inches.
        priced: Whether to show costs, each with its currency.
    """
    low, high = axes.get_ylim()
    ordered = sorted(named, key=lambda each: (-(each.value or 0.0), each.model))
    wanted = [((each.value or 0.0) - low) / (high - low) for each in ordered]
    gap = min(NAME_IN / (height - AROUND_IN), 0.94 / max(1, len(ordered) - 1))
    for place, each in zip(apart(wanted, gap), ordered, strict=True):
        cost = f"  {each.cost:.2f} {each.currency}".rstrip() if priced and each.cost is not None else ""
        axes.annotate(
            f"{label(each.model)}{cost}",
            xy=(each.latency_ms or 0.0, each.value or 0.0),
            xytext=(1.04, place),
            textcoords="axes fraction",
            fontsize=9,
            color=INK,
            fontweight="bold" if each.front else "normal",
            va="center",
            arrowprops=LEADER,
        )


def apart(wanted: Sequence[float], gap: float) -> list[float]:
    """Places near those wanted, from the top down, at least a gap apart, between 0.03 and 0.97."""
    found: list[float] = []
    for place in wanted:
        found.append(min(place, 0.97 if not found else found[-1] - gap))
    least = 0.03
    for number in reversed(range(len(found))):
        found[number] = max(found[number], least)
        least = found[number] + gap
    return found


def _room(limit: "object", values: NDArray[np.float64]) -> None:
    least, most = float(np.nanmin(values)), float(np.nanmax(values))
    room = ROOM * (most - least) or ROOM
    if callable(limit):
        limit(least - room, most + room)


def _column(standings: Sequence[Standing], name: str) -> NDArray[np.float64]:
    return np.array([getattr(each, name) for each in standings], dtype=np.float64)


def _ranks(each: Standing) -> str:
    if each.possible is None:
        return "any rank"
    low, high = each.possible
    return f"rank {low}" if low == high else f"ranks {low}–{high}"
