"""One style for all pictures: colours that colour-blind people can tell apart, labels that never overlap."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#24292f"
FAINT = "#d0d7de"
BAR = "#0072b2"
CATEGORY_COLOURS = {
    "correct": "#009e73",
    "wrong_format": "#f0e442",
    "wrong_value": "#d55e00",
    "missing": "#56b4e9",
    "spurious": "#cc79a7",
    "unparsed": "#e69f00",
    "failed": "#4d4d4d",
    "unscored": "#c8c8c8",
}
"""Okabe and Ito's palette (Color Universal Design, 2008), with greys for what has no answer."""
WIDTH = 8.6
LONGEST_LABEL = 24


def new_figure(height: float) -> "tuple[Figure, Axes]":
    """A figure of the page's width; never through pyplot, which keeps figures for ever."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.add_subplot()
    axes.tick_params(colors=INK, labelsize=10, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    return figure, axes


def label(text: str) -> str:
    """A label that fits; a dollar sign would start a formula."""
    shown = text or "(none)"
    shown = shown if len(shown) <= LONGEST_LABEL else shown[: LONGEST_LABEL - 1] + "…"
    return shown.replace("$", r"\$")


def clean_first(names: list[str]) -> list[str]:
    """Order subsets: `clean`, which the others are compared with, stands first."""
    return sorted(names, key=lambda name: (name != "clean", name))
