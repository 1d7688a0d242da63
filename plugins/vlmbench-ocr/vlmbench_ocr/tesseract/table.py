"""Tesseract's TSV output: one word a line, with its place in blocks, paragraphs and lines."""

from collections import defaultdict

from vlmbench_ocr.page import Line, Page

COLUMNS = 12
"""level, page, block, paragraph, line, word, left, top, width, height, confidence, text."""

WORD = "5"
"""The level of words; lower levels are boxes without text."""


def parse_table(table: str) -> Page:
    """Make a page of Tesseract's TSV, one piece of text per line that Tesseract found."""
    found: defaultdict[tuple[str, ...], list[Line]] = defaultdict(list)
    for record in table.splitlines()[1:]:
        cells = record.split("\t", COLUMNS - 1)
        if len(cells) != COLUMNS or cells[0] != WORD or not cells[-1].strip():
            continue
        left, top, width, height = (int(cell) for cell in cells[6:10])
        found[tuple(cells[1:5])].append(Line(cells[-1].strip(), left, top, left + width, top + height))
    return Page(tuple(_join(words) for words in found.values()))


def _join(words: list[Line]) -> Line:
    return Line(
        " ".join(word.text for word in words),
        min(word.left for word in words),
        min(word.top for word in words),
        max(word.right for word in words),
        max(word.bottom for word in words),
    )
