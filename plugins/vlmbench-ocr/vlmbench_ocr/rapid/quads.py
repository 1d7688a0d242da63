"""Turn the detector's four-cornered boxes into upright ones, on a page that may be tilted."""

from collections.abc import Iterable, Sequence
from math import atan2, hypot
from statistics import median

from vlmbench_ocr.page import Line, Page, turn

Point = tuple[float, float]

WIDE = 3.0
"""Only boxes this many times wider than high tell the page's tilt."""


def page_of(found: Iterable[tuple[str, Sequence[Point]]]) -> Page:
    """Make a level page of texts with corners: upper left, upper right, lower right, lower left.

    The tilt is the median slope of the wide boxes.
    """
    pieces = list(found)
    slopes = [
        atan2(right[1] - left[1], right[0] - left[0])
        for _, (left, right, _, below) in pieces
        if right[0] - left[0] > WIDE * abs(below[1] - left[1])
    ]
    tilt = median(slopes) if slopes else 0.0
    return Page(tuple(turn(_line(text, corners), -tilt) for text, corners in pieces))


def _line(text: str, corners: Sequence[Point]) -> Line:
    """Return a box around the same centre, as wide and as high as the tilted one is along its sides."""
    left, right, opposite, below = corners
    x, y = (left[0] + opposite[0]) / 2, (left[1] + opposite[1]) / 2
    width = hypot(right[0] - left[0], right[1] - left[1]) / 2
    height = hypot(below[0] - left[0], below[1] - left[1]) / 2
    return Line(text.strip(), x - width, y - height, x + width, y + height)
