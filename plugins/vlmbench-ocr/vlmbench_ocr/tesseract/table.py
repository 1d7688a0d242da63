"""Tesseract's TSV output: one word a line, with its place in blocks, paragraphs and lines."""

from collections import defaultdict
from collections.abc import Iterable
from math import atan2
from statistics import median

from vlmbench_ocr.page import Line, Page, turn

COLUMNS = 12
"""level, page, block, paragraph, line, word, left, top, width, height, confidence, text."""

WORD = "5"
"""The level of words; lower levels are boxes without text."""


COLUMN_GAP = 1.5
"""Space between words, in heights of the line, at which a new piece of text begins: the next column."""


def parse_table(table: str, min_confidence: float = 0.0) -> Page:
    """Make a page of Tesseract's TSV: pieces of text, one per line and column that Tesseract found.

    Args:
        table: The TSV output.
        min_confidence: Words that Tesseract is less sure of are dropped, 0 to 100.
    """
    lines: defaultdict[tuple[str, ...], list[Line]] = defaultdict(list)
    for record in table.splitlines()[1:]:
        cells = record.split("\t", COLUMNS - 1)
        if len(cells) != COLUMNS or cells[0] != WORD or not cells[-1].strip():
            continue
        if float(cells[10]) < min_confidence:
            continue
        left, top, width, height = (int(cell) for cell in cells[6:10])
        lines[tuple(cells[1:5])].append(Line(cells[-1].strip(), left, top, left + width, top + height))
    tilt = _tilt(lines.values())
    level = ([turn(word, -tilt) for word in words] for words in lines.values())
    return Page(tuple(_join(piece) for words in level for piece in _pieces(words)))


def _tilt(lines: Iterable[list[Line]]) -> float:
    """Return the median slope from the first to the last word of the lines, in radians; 0 for a lone word."""
    slopes = [
        atan2(last.middle - first.middle, last.center - first.center)
        for first, *_, last in (words for words in lines if len(words) > 1)
        if last.center > first.center
    ]
    return median(slopes) if slopes else 0.0


def _pieces(words: list[Line]) -> list[list[Line]]:
    """Cut a line where a wide gap shows that another column begins."""
    widest = COLUMN_GAP * median(word.height for word in words)
    pieces = [[words[0]]]
    for word in words[1:]:
        if word.left - pieces[-1][-1].right > widest:
            pieces.append([])
        pieces[-1].append(word)
    return pieces


def _join(words: list[Line]) -> Line:
    return Line(
        " ".join(word.text for word in words),
        min(word.left for word in words),
        min(word.top for word in words),
        max(word.right for word in words),
        max(word.bottom for word in words),
    )
