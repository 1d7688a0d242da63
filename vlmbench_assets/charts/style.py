"""One style for all pictures: colours that colour-blind people can tell apart, labels that never overlap."""

from collections.abc import Sequence
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
    "not_judged": "#e8e8e8",
}
"""Okabe and Ito's palette (Color Universal Design, 2008), with greys for what has no answer or no verdict."""
WIDTH = 8.6
LONGEST_LABEL = 24
MOST_ROWS = 40
CHARACTERS_ACROSS = 80
"""How many label characters fit side by side over the width of the axes."""


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
    """A label that fits on one line; a dollar sign would start a formula."""
    shown = "".join(character if character.isprintable() else " " for character in text).strip() or "(none)"
    shown = shown if len(shown) <= LONGEST_LABEL else shown[: LONGEST_LABEL - 1] + "…"
    return shown.replace("$", r"\$")


def name_columns(axes: "Axes", names: Sequence[str]) -> None:
    """Label the columns 0, 1, … of the x axis, slanted where the names would touch."""
    labels = [label(name) for name in names]
    fits = max(map(len, labels)) * len(labels) <= CHARACTERS_ACROSS
    axes.set_xticks(range(len(labels)), labels)
    if not fits:
        for text in axes.get_xticklabels():
            text.set(rotation=30, ha="right", rotation_mode="anchor")


def clean_first(names: Sequence[str]) -> list[str]:
    """Order subsets: `clean`, which the others are compared with, stands first."""
    return sorted(names, key=lambda name: (name != "clean", name))


def biggest(counts: dict[str, int]) -> tuple[list[str], str]:
    """Names that fit into one picture, those with most samples, and what to say of the rest.

    Returns:
        The names in their order, and "" or a remark such as " (40 of 60, those with most samples)".
    """
    names = list(counts)
    if len(names) <= MOST_ROWS:
        return names, ""
    kept = set(sorted(names, key=lambda name: -counts[name])[:MOST_ROWS])
    return [name for name in names if name in kept], f" ({MOST_ROWS} of {len(names)}, those with most samples)"
