"""Read a text that is one number and nothing else, with its sign, currency and per cent mark."""

import re
from dataclasses import dataclass
from typing import Literal

from vlmbench_sdk.numbers import whole_amount

_PERCENT = re.compile(r"(?<=[0-9])\s*%")


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A number."""

    value: float
    percent: bool
    """Whether a per cent mark stands behind it; the value is what was written, 5 for `5%`."""


def whole_number(text: str, decimal: Literal[".", ","]) -> WholeNumber | None:
    """Read a text that is wholly one number; None for anything else, NaN and infinity included.

    Thousands separators, a currency mark on either side, a minus sign, parentheses for minus and one per cent mark
    are understood; digits are ASCII. What the marks mean is `vlmbench_sdk.numbers`'s.

    Args:
        text: Any text.
        decimal: The decimal mark where one mark with three digits after it could be either.
    """
    plain, percents = _PERCENT.subn("", text)
    amount = whole_amount(plain, decimal) if percents <= 1 else None
    return WholeNumber(float(amount.value), bool(percents)) if amount else None
