"""Amounts of money and other numbers, written as plain decimal numbers."""

import re

from vlmbench_sdk.numbers import whole_amount

_NORMAL = re.compile(r"(?!-0\.00)-?(?:0|[1-9][0-9]*)\.[0-9]{2}")


def money(text: str) -> str:
    """Write an amount as digits with a decimal point; anything that is not wholly one amount stays as it is.

    What an amount is, `vlmbench_sdk.numbers` says. Currency marks and thousands separators go, a decimal comma becomes
    a point, parentheses mean minus, and there are two decimals at least, so that 31.6 equals 31.60 and 31 equals
    31.00. One mark with exactly three digits behind it separates thousands, whichever it is: 36.000 is thirty-six
    thousand, as it is on the receipts of half the world. Behind a 0 it does not: 0.125 is an eighth.
    """
    return _plain(text, "")


def number(text: str) -> str:
    """The same for a number, where a point is the decimal mark and a comma separates thousands: 36.000 is 36."""
    return _plain(text, ".")


def _plain(text: str, decimal: str) -> str:
    if _NORMAL.fullmatch(text):
        return text
    amount = whole_amount(text, decimal)
    return amount.value if amount else text
