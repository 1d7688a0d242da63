"""Turn the detector's four-cornered boxes into upright ones, on a page that may be tilted."""

from collections.abc import Iterable, Sequence
from math import atan2, cos, sin
from statistics import median

from vlmbench_ocr.page import Line, Page

Point = tuple[float, float]

WIDE = 3.0
"""Only boxes this many times wider than high tell the page's tilt."""


def page_of(found: Iterable[tuple[str, Sequence[Point]]]) -> Page:
    """Make a page of texts with corners in the order upper left, upper right, lower right, lower left.

    The corners are turned back by the page's tilt, the median slope of its wide boxes; without this the
    label at the left and the amount at the right of a tilted receipt come to stand in different rows.
    """
    pieces = list(found)
    tilt = page_tilt([corners for _, corners in pieces])
    return Page(tuple(_line(text, [_turn(corner, -tilt) for corner in corners]) for text, corners in pieces))


def page_tilt(quads: Iterable[Sequence[Point]]) -> float:
    """Return the median slope of the wide boxes, in radians; 0 where there are none."""
    slopes: list[float] = []
    for upper_left, upper_right, _, lower_left in quads:
        width, rise = upper_right[0] - upper_left[0], upper_right[1] - upper_left[1]
        if width > WIDE * abs(lower_left[1] - upper_left[1]):
            slopes.append(atan2(rise, width))
    return median(slopes) if slopes else 0.0


def _turn(point: Point, angle: float) -> Point:
    x, y = point
    return x * cos(angle) - y * sin(angle), x * sin(angle) + y * cos(angle)


def _line(text: str, corners: Sequence[Point]) -> Line:
    """Take the mean of the two corners at each side: the box of a piece of text that is level."""
    (x1, y1), (x2, y2), (x3, y3), (x4, y4) = corners
    return Line(text.strip(), (x1 + x4) / 2, (y1 + y2) / 2, (x2 + x3) / 2, (y3 + y4) / 2)
