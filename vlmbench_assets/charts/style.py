"""One style for all pictures: colours that colour-blind people can tell apart, labels that never overlap."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.ft2font import FT2Font

INK = "#24292f"
FAINT = "#d0d7de"
BAR = "#0072b2"
ACCENT = "#d55e00"
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
PALE, DEEP = "#eef3f8", "#6aa9e0"
"""Ends of the scale of shades: one hue, as on the site; `INK` is readable on all of it (5.9 to 1 on the deepest)."""
WIDTH = 8.6
FONT = "DejaVu Sans"
"""It comes with matplotlib, so that every machine draws the same, and has Latin, Greek and Cyrillic letters."""
SIZE = 10.0
WIDEST_LABEL = 160.0
"""Points, of the figure's 619: about 26 letters of the usual size."""
ACROSS = 500.0
"""Points that labels of rows and of columns share, beside a colour bar and the margins."""
MOST_ROWS = 40
MOST_COLUMNS = 12
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_DRAWING = Lock()


@contextmanager
def applied() -> Iterator[None]:
    """Draw in the style of the house, whatever `matplotlibrc` a machine has; one picture at a time.

    The settings of matplotlib are those of the whole process.
    """
    import matplotlib as mpl

    with _DRAWING, mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({"font.family": [FONT], "font.size": SIZE, "text.color": INK, "axes.labelcolor": INK})
        yield


def new_figure(height: float, columns: int = 1) -> "tuple[Figure, list[Axes]]":
    """A figure of the page's width, with axes side by side; never through pyplot, which keeps figures for ever."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    found = [figure.add_subplot(1, columns, column + 1) for column in range(columns)]
    for axes in found:
        axes.tick_params(colors=INK, labelsize=SIZE, length=0)
        for side in axes.spines.values():
            side.set_visible(False)
    return figure, found


def shades(*, deep_is_high: bool = True) -> "Colormap":
    """The scale of shades for numbers in a grid."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shades", [PALE, DEEP] if deep_is_high else [DEEP, PALE])


@lru_cache(maxsize=10_000)
def width(text: str) -> float:
    """How wide a text of the usual size is, in points."""
    font = _font()
    font.clear()
    font.set_size(SIZE, 72)
    font.set_text(text)
    return float(font.get_width_height()[0]) / 64


@lru_cache(maxsize=10_000)
def label(text: str, widest: float = WIDEST_LABEL) -> str:
    """A label that fits on one line: cut where it is too wide, without what the font does not have.

    A dollar sign would start a formula.
    """
    known = _known()
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split()) or "(none)"
    # No label is wider than so many of the narrowest letters; a page of text need not be measured.
    shown = "".join(each if ord(each) in known else UNKNOWN for each in line[: int(widest)])
    if shown != line or width(shown) > widest:
        cut = shown
        while cut and (width(cut + "…") > widest):
            cut = cut[:-1]
        shown = shown if len(line) == len(shown) and width(shown) <= widest else cut.rstrip() + "…"
    return shown.replace("$", r"\$")


def name_axes(axes: "Axes", rows: Sequence[str], columns: Sequence[str]) -> None:
    """Label rows and columns 0, 1, … of a grid, columns slanted where their names would touch."""
    labels = [label(name) for name in columns]
    each = (ACROSS - max(width(name) for name in rows)) / len(labels)
    axes.set_yticks(range(len(rows)), rows)
    fits = max(width(name) for name in labels) + SIZE <= each
    axes.set_xticks(range(len(labels)), labels)
    if not fits:
        for text in axes.get_xticklabels():
            text.set(rotation=30, ha="right", rotation_mode="anchor")


def named(group: str, metric: str, headline: str) -> str:
    """A group, with the metric that scores it where that is not the headline."""
    return group if metric == headline else f"{group or '(none)'}, by {metric}"


def clean_first(names: Sequence[str]) -> list[str]:
    """Order subsets: `clean`, which the others are compared with, stands first."""
    return sorted(names, key=lambda name: (name != "clean", name))


def biggest(counts: Mapping[str, int], most: int = MOST_ROWS) -> tuple[list[str], str]:
    """Names that fit into one picture, those with most samples, and what to say of the rest.

    Returns:
        The names in their order, and "" or a remark such as " (40 of 60, those with most samples)".
    """
    names = list(counts)
    if len(names) <= most:
        return names, ""
    kept = set(sorted(names, key=lambda name: -counts[name])[:most])
    return [name for name in names if name in kept], f" ({most} of {len(names)}, those with most samples)"


def counted(number: int) -> str:
    """A number of samples in few characters."""
    return (
        str(number) if number < 10_000 else f"{number / 1000:.0f}k" if number < 10_000_000 else f"{number / 1e6:.0f}M"
    )


def scored(value: float) -> str:
    """A score in few characters; a dash where there is none."""
    if math.isnan(value):
        return "—"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.3g}"


@cache
def _font() -> "FT2Font":
    from matplotlib import font_manager, ft2font

    # A font of its own: drawing changes the size of the shared one.
    return ft2font.FT2Font(font_manager.findfont(FONT))


@cache
def _known() -> frozenset[int]:
    return frozenset(_font().get_charmap())
