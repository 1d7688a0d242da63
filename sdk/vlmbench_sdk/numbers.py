"""Find numbers and amounts of money in text, as people in Russia, Europe and America write them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SPACE = " \u00a0\u202f\u2009'\u2019"
_DASH = "-\u2212\u2013"
_NUMBER = re.compile(
    rf"(?<![0-9.,])(?P<sign>[{_DASH}])?(?P<digits>[1-9][0-9]{{0,2}}(?:[{_SPACE}][0-9]{{3}}(?![0-9]))+(?:[.,][0-9]+)?"
    rf"|[0-9]+(?:[.,][0-9]+)*|(?<![^\s({_DASH}+$€£¥₽₸])[.,][0-9]+(?![.,]?[0-9]))(?:[.,][{_DASH}](?![0-9]))?"
)
"""A number, `.5` and `1 234,-` among them."""
_MARKS = {
    "RUB": r"руб(?:лей|ля|ль)?\b\.?|р\.|(?<=[0-9])р\b|(?<=[0-9] )р\b|rub\b|rur\b|₽",
    "USD": r"us\$|usd\b|долл(?:аров|ара|ар)?\b\.?|\$",
    "EUR": r"eur\b|евро\b|€",
    "GBP": r"gbp\b|£",
    "MYR": r"myr\b|rm(?![a-z])",
    "IDR": r"idr\b|rp\b\.?(?![a-z])",
    "KZT": r"kzt\b|тенге\b|₸",
    "CNY": r"cny\b|rmb\b|юан(?:ей|я|ь)\b",
    "JPY": r"jpy\b|円",
}
CURRENCY_NAMES = tuple(_MARKS)
UNSURE = "¥"
"""Stands for the currency where only this sign does: yen and yuan share it."""
_ANY_MARK = "|".join(f"(?P<{name}>{mark})" for name, mark in {**_MARKS, "UNSURE": UNSURE}.items())
_MARK = "|".join((*_MARKS.values(), UNSURE))
_BEFORE = re.compile(rf"(?<![^\W\d_])(?:{_ANY_MARK})\s*\Z", re.IGNORECASE)
_AFTER = re.compile(rf"\s*(?:{_ANY_MARK})(?![^\W\d_])", re.IGNORECASE)
_KOPECKS = re.compile(r"\s*([0-9]{2})\s*коп(?:еек|ейк[аи])?\.?", re.IGNORECASE)
_UNIT = re.compile(r"(?:kg|mg|g|ml|l|km|cm|mm|pcs|st|nd|rd|th|кг|мг|гр|г|мл|л|км|см|мм|шт)(?![^\W_])", re.IGNORECASE)
"""What may be glued to a number. `m` may not: metres and millions share it."""
_SCALED = re.compile(
    r"[0-9](?:[kкmмb](?![^\W_])|\s{0,2}-?(?:k|thousand|million|billion|trillion|hundred|dozen|lakh|crore|mln|mio|mn|bn"
    r"|тыс|тысяч[аи]?|млн|млрд|трлн|миллион(?:а|ов)?|миллиард(?:а|ов)?)(?![^\W_]))"
    r"|[0-9]e[-+]?[0-9]|(?<![^\W_])0x[0-9a-f]",
    re.IGNORECASE,
)
_PLAIN = rf"[.,]?[0-9](?:[{_SPACE}]?[0-9.,])*"
_INSIDE = rf"\(\s?(?:{_MARK})?\s?{_PLAIN}\s?(?:{_MARK})?\s?\)"
_BOOKED = re.compile(rf"(?:{_MARK})?\s?(?:{_INSIDE}|{_PLAIN}(?<=[0-9])-)\s?(?:{_MARK})?\.?", re.IGNORECASE)
"""A whole text as accountants write a negative amount: `(45.00)`, `45.00-`."""
_MAYBE_BOOKED = re.compile(rf"{_INSIDE}|[0-9]-(?![^\W_])", re.IGNORECASE)
_BEFORE_WHOLE = re.compile(rf"\s*[{_DASH}+]?\s*")
_BEHIND_WHOLE = re.compile(r"\s*\.?\s*")
"""What may stand around the amount that a text is."""
LONGEST_WHOLE = 100
"""Characters of a text that is an amount; a longer one is words."""
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
    """ISO 4217 code; `UNSURE` where the mark has two; empty where no mark stands beside it."""


def find_numbers(text: str, decimal: str) -> list[str]:
    """Every number of a text in normal form, such as `-1234.5`.

    Args:
        text: Any text.
        decimal: Which of `.` and `,` is the decimal mark where one mark with three digits after it could be either.
            Empty: neither, it separates thousands. Behind a `0` it is always the decimal mark.
    """
    return [each.number for each in _read(_signed(text), decimal)]


def find_amounts(text: str, decimal: str) -> list[Amount]:
    """Every number of a text as an amount, with the currency beside it."""
    return [_amount(each, decimal) for each in _read(_signed(text), decimal)]


def whole_amount(text: str, decimal: str) -> Amount | None:
    """The amount that a text is; None where it has anything else in it, or several."""
    if len(text) > LONGEST_WHOLE:
        return None
    text = _signed(text)
    found = [*_read(text, decimal)]
    whole = (
        len(found) == 1
        and _BEFORE_WHOLE.fullmatch(text, 0, found[0].start)
        and _BEHIND_WHOLE.fullmatch(text, found[0].end)
    )
    return _amount(found[0], decimal) if whole else None


@dataclass(frozen=True, slots=True)
class _Found:
    """A number of a text."""

    number: str
    """In normal form."""
    currency: str
    """As `Amount.currency`."""
    start: int
    """Where it begins, with a currency before it and without a minus before that."""
    end: int


def _amount(found: _Found, decimal: str) -> Amount:
    whole, _, fraction = found.number.partition(".")
    return Amount(_safe(whole, fraction.ljust(_CENTS, "0"), decimal), found.currency)


def _read(text: str, decimal: str) -> Iterator[_Found]:
    past = 0
    for found in _NUMBER.finditer(text):
        number = _normal(found, text, decimal)
        if found.start() < past or not number:
            continue
        before = _mark_before(text, found.start())
        after = _AFTER.match(text, found.end())
        mark = after or before
        past = after.end() if after else found.end()
        if after and "." not in number and (kopecks := _KOPECKS.match(text, past)):
            number, past = f"{number}.{kopecks[1]}".rstrip("0").rstrip("."), kopecks.end()
        name = str(mark.lastgroup) if mark else ""
        start = found.start() - (len(before[0]) if before else 0)
        yield _Found(number, UNSURE if name == "UNSURE" else name, start, past)


def unclear_number(text: str) -> str:
    """The first part of a text that says a number in a way that is not read; empty for none.

    Such are `12k`, `1.2 million`, `1.5e3`, `0x1F`, and, with words around, `(45.00)` and `45.00-`, which are negative
    in an account and not in a sentence.
    """
    found = _SCALED.search(text) or (None if _BOOKED.fullmatch(text.strip()) else _MAYBE_BOOKED.search(text))
    return found[0] if found else ""


def _signed(text: str) -> str:
    """A text that is nothing but an accountant's negative amount, with a minus in front; others as they are."""
    if not _BOOKED.fullmatch(text.strip()):
        return text
    plain = re.sub(r"[()]", " ", text).strip().removesuffix(".").strip()
    head = re.match(r"[^0-9]*[0-9][^-]*", plain)
    return f"-{head[0].strip()} {plain[head.end() :].removeprefix('-')}" if head else text


def _normal(found: "re.Match[str]", text: str, decimal: str) -> str:
    """A number's normal form; empty for what only looks like one."""
    start, end = found.start("digits"), found.end()
    mark = _mark_before(text, start)
    if _part_of_a_word(text, start - 1) and not mark:
        return ""
    if _part_of_a_word(text, end) and not (_AFTER.match(text, end) or _UNIT.match(text, end)):
        return ""
    # "$-5" and "-$5" are both minus five.
    at = found.start() if found["sign"] else mark.start() - 1 if mark else -1
    if mark and not found["sign"]:
        at += max(0, start - _REACH)
    signed = at >= 0 and text[at] in _DASH
    if signed and _part_of_a_word(text, at - 1):
        return ""
    digits = found["digits"]
    for space in _SPACE:
        digits = digits.replace(space, "")
    grouped = digits != found["digits"]
    parts = _split(f"0{digits}" if digits[0] in ".," else digits, decimal, grouped=grouped)
    if parts is None:
        return ""
    whole, fraction = parts[0].lstrip("0") or "0", parts[1].rstrip("0")
    minus = signed and not (at and text[at - 1].isdigit()) and (whole != "0" or fraction)
    return ("-" if minus else "") + _safe(whole, fraction, decimal)


def _mark_before(text: str, at: int) -> "re.Match[str] | None":
    """The currency that ends here, as in `RM12`."""
    return _BEFORE.search(text[max(0, at - _REACH) : at])


def _part_of_a_word(text: str, at: int) -> bool:
    """Whether a letter or an underscore stands here, so that what it is glued to is a name, as `12` of `A-12`."""
    return 0 <= at < len(text) and (text[at].isalpha() or text[at] == "_")


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
    first, *others = groups = re.split(r"[.,]", whole)
    right = len(first) <= _GROUP and first[:1] != "0" and all(len(each) == _GROUP for each in others)
    right = right or not others
    return ("".join(groups), fraction) if right and len(set(re.findall("[.,]", whole))) <= 1 else None


def _safe(whole: str, fraction: str, decimal: str) -> str:
    """A number that is read as itself again: but for a decimal point, 1.234 would be a thousand and more."""
    if decimal != "." and len(fraction) == _GROUP and len(whole.lstrip("-")) <= _GROUP and whole.lstrip("-") != "0":
        fraction += "0"
    return f"{whole}.{fraction}" if fraction else whole
