"""Sums of money as they are printed."""

import re
from dataclasses import dataclass

from vlmbench_ocr.page import Row

_GROUPED = r"\d{1,3}(?:[ \u00a0.,'’]\d{3})+(?:[.,]\d{2})?"
# Faint points are lost in scanning: `10 00` at the end of a piece is 10.00.
_PLAIN = r"\d+(?: ?[.,] ?\d{2}(?!\d)| \d{2}$)?"
# Percentages, times, dates, and the inside of longer numbers are no sums; neither is 5.90 of `5.90 x 3`.
_AMOUNT = re.compile(rf"(?<![\d.,:/])(?:{_GROUPED}|{_PLAIN})(?![\d.,:/]*\d)(?!\s?[%xх×])")
_SPACES = re.compile(r"\s*([.,])\s*")
_LOST_POINT = re.compile(r"(?<=\d) (?=\d\d$)")


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum of money."""

    text: str
    """As printed, without currency."""
    value: float
    exact: bool
    """Printed with cents, kopecks or sen, or with groups of thousands: surely a sum, not a count."""


def find_amounts(text: str) -> list[Amount]:
    """Return the sums in one piece of text, left to right."""
    return [read_amount(found.group()) for found in _AMOUNT.finditer(text)]


def read_amount(printed: str) -> Amount:
    """Read one sum. The last separator is a decimal one when two digits follow it."""
    text = _LOST_POINT.sub(".", _SPACES.sub(r"\1", printed.replace("\u00a0", " ").strip()))
    digits = re.sub(r"\D", "", text)
    cents = len(text) > 3 and text[-3] in ".,"
    return Amount(text, int(digits) / (100 if cents else 1), cents or len(digits) < len(text))


def amount_of(row: Row) -> Amount | None:
    """Return the row's sum: the last exact one, or else the last number; null where there is none.

    Each piece is read by itself, so that a count in one column does not become the thousands of the next.
    """
    found = [amount for piece in row.pieces for amount in find_amounts(piece.text)]
    exact = [amount for amount in found if amount.exact]
    return (exact or found)[-1] if found else None
