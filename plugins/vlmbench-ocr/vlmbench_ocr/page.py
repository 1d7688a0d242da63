"""A page as an OCR engine saw it: pieces of text with boxes, and the rows they stand in."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import cos, sin
from statistics import median

SAME_ROW = 0.5
"""Share of the lower piece's height by which two pieces must overlap to stand in one row."""


@dataclass(frozen=True, slots=True)
class Line:
    """A piece of text the engine found, with its box in pixels of the page; y grows downwards."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.bottom - self.top

    @property
    def middle(self) -> float:
        """Vertical centre in pixels."""
        return (self.top + self.bottom) / 2

    @property
    def center(self) -> float:
        """Horizontal centre in pixels."""
        return (self.left + self.right) / 2


@dataclass(frozen=True, slots=True)
class Row:
    """Pieces that stand side by side, left to right."""

    pieces: tuple[Line, ...]

    @property
    def text(self) -> str:
        """The pieces' text, joined by single spaces."""
        return " ".join(" ".join(piece.text.split()) for piece in self.pieces)

    @property
    def top(self) -> float:
        """Upper edge in pixels."""
        return min(piece.top for piece in self.pieces)

    @property
    def bottom(self) -> float:
        """Lower edge in pixels."""
        return max(piece.bottom for piece in self.pieces)

    @property
    def height(self) -> float:
        """Median height of the pieces in pixels."""
        return median(piece.height for piece in self.pieces)


@dataclass(frozen=True)
class Page:
    """Everything that was read on one page, in any order."""

    lines: tuple[Line, ...]

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The page's rows, from top to bottom."""
        return group_rows(self.lines)

    @property
    def text(self) -> str:
        """The whole text in reading order, one row a line."""
        return "\n".join(row.text for row in self.rows)


def group_rows(lines: Iterable[Line]) -> tuple[Row, ...]:
    """Group pieces of text into rows, top to bottom, each left to right.

    A piece joins the row whose last added piece it overlaps vertically by more than `SAME_ROW` of the
    lower of both; comparing with the nearest neighbour only lets a row follow a slightly tilted page.
    Pieces without text are dropped. The order of the input does not matter.
    """
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.left, line.top, line.right, line.bottom, line.text)):
        if not line.text.strip():
            continue
        best = max(rows, key=lambda row: _fit(row[-1], line), default=None)
        if best is None or _fit(best[-1], line) <= 0:
            rows.append([line])
        else:
            best.append(line)
    ordered = sorted(rows, key=lambda row: (sum(piece.middle for piece in row) / len(row), row[0].left))
    return tuple(Row(tuple(row)) for row in ordered)


def _fit(last: Line, line: Line) -> float:
    """How well `line` continues a row that ends in `last`; not positive where it does not."""
    if line.left < last.right - 0.5 * min(last.right - last.left, line.right - line.left):
        return 0.0  # one above the other: they cannot be neighbours of one row
    overlap = min(last.bottom, line.bottom) - max(last.top, line.top)
    return overlap / max(min(last.height, line.height), 1.0) - SAME_ROW


def turn(line: Line, angle: float) -> Line:
    """Turn the place of a piece about the page's corner by an angle in radians; its size stays.

    A tilted page is turned level before its rows are looked for: without it the label at the left and the
    amount at the right of a receipt come to stand in different rows.
    """
    x = line.center * cos(angle) - line.middle * sin(angle)
    y = line.center * sin(angle) + line.middle * cos(angle)
    width, height = (line.right - line.left) / 2, line.height / 2
    return Line(line.text, x - width, y - height, x + width, y + height)


def join_pages(pages: Iterable[Page]) -> Page:
    """Put pages one below the other."""
    joined: list[Line] = []
    offset = 0.0
    for page in pages:
        joined.extend(
            Line(line.text, line.left, line.top + offset, line.right, line.bottom + offset) for line in page.lines
        )
        offset = max((line.bottom for line in joined), default=offset) + 1.0
    return Page(tuple(joined))
