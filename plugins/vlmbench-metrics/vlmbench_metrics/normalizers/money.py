"""Amounts of money, written as plain decimal numbers."""

import re

_MARK = r"(?:rm|myr|usd|us\$|eur|gbp|rub|rur|rp\.?|idr|руб(?:лей|ля|ль)?\.?|р\.?|[$€£₽])"
_AMOUNT = re.compile(
    rf"(?P<sign>[-(]?)\s*(?P<before>{_MARK})?\s*(?P<minus>-?)\s*"
    r"(?P<digits>[0-9]+(?:[ .,'\u00a0\u202f\u2009’][0-9]+)*)(?:[.,]-)?"
    rf"\s*(?P<after>{_MARK})?\s*(?P<close>\)?)"
)
_SEPARATORS = re.compile(r"[ .,'\u00a0\u202f\u2009’]")
_CENTS = 2
_GROUP = 3


def money(text: str) -> str:
    """Write an amount as digits with a decimal point; anything that is not wholly one amount stays as it is.

    Currency marks go, thousands separators go, a decimal comma becomes a point, parentheses mean minus,
    and there are two decimals, so that 31.6 equals 31.60 and 31 equals 31.00. Which separator is the decimal
    one: the last, when it is followed by one or two digits. One that is followed by exactly three digits
    separates thousands: 36.000 is thirty-six thousand, as it is on the receipts of half the world.
    """
    found = _AMOUNT.fullmatch(text.casefold().strip())
    if found is None or bool(found["close"]) != (found["sign"] == "("):
        return text
    parts = _SEPARATORS.split(found["digits"])
    whole, cents = parts, ""
    if len(parts) > 1 and len(parts[-1]) <= _CENTS and found["digits"][-len(parts[-1]) - 1] in ".,":
        whole, cents = parts[:-1], parts[-1]
    if len(whole) > 1 and any(len(group) != _GROUP for group in whole[1:]):
        return text
    sign = "-" if found["sign"] or found["minus"] else ""
    return f"{sign}{''.join(whole).lstrip('0') or '0'}.{cents.ljust(_CENTS, '0')}"
