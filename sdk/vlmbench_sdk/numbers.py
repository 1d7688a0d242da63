"""Find numbers and amounts of money in text, as people in Russia, Europe and America write them."""

import re
from dataclasses import dataclass

_SPACE = " \u00a0\u202f\u2009'\u2019"
_NUMBER = re.compile(
    rf"(?<![0-9.,])(?P<sign>[-\u2212]\s?)?(?P<digits>[0-9]{{1,3}}(?:[{_SPACE}][0-9]{{3}}(?![0-9]))+(?:[.,][0-9]+)?"
    r"|[0-9]+(?:[.,][0-9]+)*)"
)
_MARKS = {
    "RUB": r"руб(?:лей|ля|ль)?\b\.?|р\.|rub\b|rur\b|₽",
    "USD": r"us\$|usd\b|долл(?:аров|ара|ар)?\b\.?|\$",
    "EUR": r"eur\b|евро\b|€",
    "GBP": r"gbp\b|£",
    "MYR": r"myr\b|rm(?![a-z])",
    "IDR": r"idr\b|rp\b\.?(?![a-z])",
    "KZT": r"kzt\b|тенге\b|₸",
    "CNY": r"cny\b|rmb\b|юан(?:ей|я|ь)\b|¥",
}
CURRENCY_NAMES = tuple(_MARKS)
_ANY_MARK = "|".join(f"(?P<{name}>{mark})" for name, mark in _MARKS.items())
_BEFORE = re.compile(rf"(?<![^\W\d_])(?:{_ANY_MARK})\s*[-\u2212]?\s*\Z", re.IGNORECASE)
_AFTER = re.compile(rf"\s*(?:{_ANY_MARK})(?![^\W\d_])", re.IGNORECASE)
_KOPECKS = re.compile(r"\s*([0-9]{2})\s*коп", re.IGNORECASE)
_REACH = 16
"""Characters before a number in which its currency is looked for."""
_GROUP = 3
_CENTS = 2


@dataclass(frozen=True, slots=True)
class Amount:
    """A number that may be an amount of money."""

    value: str
    """With a decimal point and at least two decimals."""
    currency: str
    """ISO 4217 code; empty where no mark stands beside it."""


def find_numbers(text: str, decimal: str) -> list[str]:
    """Every number of a text in normal form, such as `-1234.5`.

    Args:
        text: Any text.
        decimal: Which of `.` and `,` is the decimal mark where one mark with three digits after it could be either.
    """
    return [number for found in _NUMBER.finditer(text) if (number := _normal(found, text, decimal))]


def find_amounts(text: str, decimal: str) -> list[Amount]:
    """Every number of a text as an amount, with the currency beside it."""
    amounts, past = [], 0
    for found in _NUMBER.finditer(text):
        number = _normal(found, text, decimal, money=True)
        if found.start() < past or not number:
            continue
        before = _BEFORE.search(text[max(0, found.start() - _REACH) : found.start()])
        after = _AFTER.match(text, found.end())
        mark = after or before
        if after and "." not in number and (kopecks := _KOPECKS.match(text, after.end())):
            number, past = f"{number}.{kopecks[1]}", kopecks.end()
        whole, _, fraction = number.partition(".")
        value = _safe(whole, fraction.ljust(_CENTS, "0"), decimal)
        amounts.append(Amount(value, str(mark.lastgroup) if mark else ""))
    return amounts


def _normal(found: "re.Match[str]", text: str, decimal: str, *, money: bool = False) -> str:
    """A number's normal form; empty for what only looks like one."""
    start = found.start("digits")
    if start and (text[start - 1].isalpha() or text[start - 1] == "_") and not (money and _mark_ends(text, start)):
        return ""
    digits = found["digits"]
    for space in _SPACE:
        digits = digits.replace(space, "")
    parts = _split(digits, decimal, grouped=digits != found["digits"])
    if parts is None:
        return ""
    whole, fraction = parts[0].lstrip("0") or "0", parts[1].rstrip("0")
    minus = found["sign"] and not _joined(text, found.start()) and (whole != "0" or fraction)
    # "$-5" and "-$5" are both minus five.
    minus = minus or (money and bool(re.search(r"[-\u2212]\s?[$€£₽]\s?\Z", text[max(0, start - _REACH) : start])))
    return ("-" if minus else "") + _safe(whole, fraction, decimal)


def _mark_ends(text: str, at: int) -> bool:
    """Whether a currency's letters end here, as in `RM12`."""
    return _BEFORE.search(text[max(0, at - _REACH) : at]) is not None


def _joined(text: str, at: int) -> bool:
    """Whether a dash here joins two words, as in `A-12`."""
    return at > 0 and (text[at - 1].isalnum() or text[at - 1] == "_")


def _split(digits: str, decimal: str, *, grouped: bool) -> tuple[str, str] | None:
    """Whole part and fraction; None for marks that no number has."""
    marks = [each for each in digits if each in ".,"]
    last = max(digits.rfind("."), digits.rfind(","))
    if not marks:
        return digits, ""
    whole, fraction = digits[:last], digits[last + 1 :]
    kinds = set(marks)
    if len(kinds) == 2 or grouped:
        return _ungrouped(whole, fraction) if marks.count(marks[-1]) == 1 else None
    if len(marks) > 1:
        return _ungrouped(digits, "")
    if len(fraction) == _GROUP and len(whole) <= _GROUP and not whole.startswith("0") and marks[0] != decimal:
        return whole + fraction, ""
    return whole, fraction


def _ungrouped(whole: str, fraction: str) -> tuple[str, str] | None:
    """Take the marks out of a whole part that is grouped by thousands."""
    groups = re.split(r"[.,]", whole)
    right = len(groups) == 1 or (len(groups[0]) <= _GROUP and all(len(each) == _GROUP for each in groups[1:]))
    return ("".join(groups), fraction) if right and len(set(re.findall("[.,]", whole))) <= 1 else None


def _safe(whole: str, fraction: str, decimal: str) -> str:
    """A number that is read as itself again: with a decimal comma, 1.234 would be a thousand and more."""
    if decimal == "," and len(fraction) == _GROUP and len(whole.lstrip("-")) <= _GROUP and whole.lstrip("-") != "0":
        fraction += "0"
    return f"{whole}.{fraction}" if fraction else whole
