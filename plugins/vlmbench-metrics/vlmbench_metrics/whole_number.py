"""Read a text that is one number and nothing else, with its sign, currency and per cent mark."""

import re
from dataclasses import dataclass
from typing import Literal

from vlmbench_sdk.numbers import find_amounts

_SPACE = " \u00a0\u202f\u2009'\u2019"
_WHOLE = re.compile(
    rf"(?P<open>\()?\s*(?P<minus>[-\u2212+])?\s*(?P<before>[^\W\d_]{{0,3}}[.$€£₽¥₸]{{0,2}})\s*(?P<inner>[-\u2212])?\s*"
    rf"(?P<digits>[0-9][0-9.,{_SPACE}]*|[.,][0-9]+)\s*(?P<percent>%)?\s*(?P<after>[^\W\d_]*[.$€£₽¥₸]?)\s*(?P<close>\))?"
)
LONGEST = 100
"""Characters of a number; a longer text is words."""


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A number."""

    value: float
    percent: bool
    """Whether a per cent mark stands behind it; the value is what was written, 5 for `5%`."""


def whole_number(text: str, decimal: Literal[".", ","]) -> WholeNumber | None:
    """Read a text that is wholly one number; None for anything else, NaN and infinity included.

    Thousands separators, a currency mark on either side, a minus sign, parentheses for minus and a per cent mark
    are understood; digits are ASCII. What the marks mean is `vlmbench_sdk.numbers`'s.

    Args:
        text: Any text.
        decimal: The decimal mark where one mark with three digits after it could be either.
    """
    plain = text.strip()
    found = _WHOLE.fullmatch(plain) if len(plain) <= LONGEST else None
    if found is None or bool(found["open"]) != bool(found["close"]):
        return None
    digits = found["digits"].strip(_SPACE)
    digits = f"0{digits}" if digits[0] in ".," else digits
    mark = f"{found['before']}{found['after']}"
    # The mark must be a currency that is known; "A 5" and "5 kg" are words.
    amounts = find_amounts(f"{found['before']} {digits} {found['after']}", decimal)
    if len(amounts) != 1 or (mark and not amounts[0].currency):
        return None
    signs = [found["minus"], found["inner"]]
    negative = bool(found["open"]) != any(sign in {"-", "\u2212"} for sign in signs if sign)
    value = float(amounts[0].value)
    return WholeNumber(-value if negative else value, bool(found["percent"]))
