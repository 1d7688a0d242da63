"""Pages written as text: one row a line, `|` between columns."""

from collections.abc import Callable

import pytest

from vlmbench_ocr.page import Line, Page


@pytest.fixture
def page_of() -> Callable[[str], Page]:
    """Makes a page of text; an empty line leaves an empty space."""

    def make(text: str) -> Page:
        lines: list[Line] = []
        for number, row in enumerate(text.strip("\n").splitlines()):
            for column, piece in enumerate(row.split("|")):
                if piece.strip():
                    left = 10.0 + 300 * column
                    lines.append(Line(piece.strip(), left, 20.0 * number, left + 100, 20.0 * number + 15))
        return Page(tuple(lines))

    return make
