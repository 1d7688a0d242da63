"""Reading order: pieces of text become rows, on level and on tilted pages."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmbench_ocr.page import Line, Page, group_rows, join_pages, turn
from vlmbench_ocr.rapid.quads import page_of as page_of_quads

PIECES = st.builds(
    lambda text, left, top, width, height: Line(text, left, top, left + width, top + height),
    st.text(alphabet="аб c", max_size=4),
    st.integers(0, 400),
    st.integers(0, 400),
    st.integers(1, 200),
    st.integers(1, 40),
)


def grid(rows: int, columns: int) -> list[Line]:
    return [
        Line(f"{row}.{column}", 200.0 * column, 30.0 * row, 200.0 * column + 90, 30.0 * row + 20)
        for row in range(rows)
        for column in range(columns)
    ]


@given(st.lists(PIECES, max_size=12), st.randoms())
def test_the_order_in_which_an_engine_lists_pieces_does_not_matter(pieces: list[Line], random: Random) -> None:
    shuffled = list(pieces)
    random.shuffle(shuffled)
    assert group_rows(shuffled) == group_rows(pieces)


@given(st.lists(PIECES, max_size=12))
def test_every_piece_with_text_stands_in_exactly_one_row_from_left_to_right(pieces: list[Line]) -> None:
    rows = group_rows(pieces)
    placed = [piece for row in rows for piece in row.pieces]
    assert sorted(map(repr, placed)) == sorted(repr(piece) for piece in pieces if piece.text.strip())
    assert all(list(row.pieces) == sorted(row.pieces, key=lambda piece: piece.left) for row in rows)


@given(st.integers(1, 6), st.integers(1, 4), st.floats(-0.04, 0.04))
def test_a_slightly_tilted_table_is_read_row_by_row(rows: int, columns: int, angle: float) -> None:
    tilted = [turn(piece, angle) for piece in grid(rows, columns)]
    expected = "\n".join(" ".join(f"{row}.{column}" for column in range(columns)) for row in range(rows))
    assert Page(tuple(tilted)).text == expected


def test_pieces_above_one_another_are_rows_of_their_own_even_when_their_boxes_overlap() -> None:
    page = Page((Line("below", 0, 9, 100, 25), Line("above", 0, 0, 100, 20)))
    assert page.text == "above\nbelow"


def test_pages_follow_one_another() -> None:
    first = Page((Line("one", 0, 50, 10, 60), Line("two", 0, 90, 10, 100)))
    assert join_pages([first, Page(()), first]).text == "one\ntwo\none\ntwo"


@pytest.mark.parametrize("slope", [-0.12, -0.05, 0.0, 0.05, 0.12])
def test_a_tilted_photo_is_levelled_before_its_rows_are_looked_for(slope: float) -> None:
    def quad(left: float, top: float, width: float, height: float = 20.0) -> list[tuple[float, float]]:
        def corner(x: float, y: float) -> tuple[float, float]:
            return x - slope * y, y + slope * x

        right, bottom = left + width, top + height
        return [corner(left, top), corner(right, top), corner(right, bottom), corner(left, bottom)]

    found = [
        ("TOTAL", quad(0, 100, 90)),
        ("12.50", quad(500, 100, 80)),
        ("CASH", quad(0, 130, 90)),
        ("20.00", quad(500, 130, 80)),
    ]
    assert page_of_quads(found).text == "TOTAL 12.50\nCASH 20.00"


def test_a_page_without_text_has_no_rows() -> None:
    assert page_of_quads([]).rows == ()
    assert Page((Line("  ", 0, 0, 5, 5),)).text == ""
