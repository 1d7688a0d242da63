"""Put text boxes into reading order: rows from the top, words from the left."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class TextBox:
    """A piece of text and where it stands, in pixels."""

    text: str
    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> float:
        """Height of its centre."""
        return (self.top + self.bottom) / 2


def page_text(boxes: Iterable[TextBox]) -> str:
    """Return the text of a page: one line a row, pieces of a row joined by a space.

    A box joins the row above when its centre is less than half the median box height from that row's
    last box, which follows rows that climb a little across a crooked photograph.
    """
    waiting = sorted(boxes, key=lambda box: (box.middle, box.left))
    if not waiting:
        return ""
    tolerance = median(box.bottom - box.top for box in waiting) / 2
    rows: list[list[TextBox]] = [[waiting[0]]]
    for box in waiting[1:]:
        if box.middle - rows[-1][-1].middle < tolerance:
            rows[-1].append(box)
        else:
            rows.append([box])
    return "\n".join(" ".join(box.text for box in sorted(row, key=lambda box: box.left)) for row in rows)
