"""Text boxes of SROIE as the text of a page."""

from pathlib import Path
from typing import NamedTuple

from vlmbench_documents.sources import Mistakes, read_text

_CORNERS = 8


class Box(NamedTuple):
    """One transcribed line of print; pixels, y downwards."""

    left: int
    top: int
    bottom: int
    text: str


def page_text(path: Path, mistakes: Mistakes) -> str:
    """Return the transcripts of a page in reading order, one printed row a line.

    Args:
        path: File of lines `x1,y1,x2,y2,x3,y3,x4,y4,transcript`; a transcript may contain commas.
        mistakes: Takes the lines that are not of this form.
    """
    boxes: list[Box] = []
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        cells = line.split(",", _CORNERS)
        corners = cells[:_CORNERS]
        if len(cells) <= _CORNERS or not all(cell.strip().isdigit() for cell in corners):
            mistakes.add(f"box/{path.name}, line {number}", f"{line!r} is not eight numbers and a text")
            continue
        numbers = [int(cell) for cell in corners]
        boxes.append(Box(min(numbers[0::2]), min(numbers[1::2]), max(numbers[1::2]), cells[_CORNERS].strip()))
    return "\n".join(" ".join(box.text for box in row) for row in reading_order(boxes))


def reading_order(boxes: list[Box]) -> list[list[Box]]:
    """Group boxes into rows from top to bottom, each from left to right.

    A box joins the current row when its centre lies above the bottom, and below the top, of the row's first
    box; receipts are printed in straight rows, so the first box stands for its row.
    """
    rows: list[list[Box]] = []
    for box in sorted(boxes, key=lambda box: (box.top + box.bottom, box.left)):
        centre = (box.top + box.bottom) / 2
        if rows and rows[-1][0].top < centre < rows[-1][0].bottom:
            rows[-1].append(box)
        else:
            rows.append([box])
    return [sorted(row, key=lambda box: box.left) for row in rows]
