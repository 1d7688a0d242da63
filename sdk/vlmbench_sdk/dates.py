"""Find dates in text, in Russian and English."""

import re
from datetime import date

_STEMS = {
    **dict.fromkeys(("jan", "янв"), 1),
    **dict.fromkeys(("feb", "фев"), 2),
    **dict.fromkeys(("mar", "мар"), 3),
    **dict.fromkeys(("apr", "апр"), 4),
    **dict.fromkeys(("may", "мая", "май"), 5),
    **dict.fromkeys(("jun", "июн"), 6),
    **dict.fromkeys(("jul", "июл"), 7),
    **dict.fromkeys(("aug", "авг"), 8),
    **dict.fromkeys(("sep", "сен"), 9),
    **dict.fromkeys(("oct", "окт"), 10),
    **dict.fromkeys(("nov", "ноя"), 11),
    **dict.fromkeys(("dec", "дек"), 12),
}
_MONTHS = (
    r"january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
    r"|январ[ьяе]|феврал[ьяе]|марта?|апрел[ьяе]|ма[йяе]|июн[ьяе]|июл[ьяе]|августа?|сентябр[ьяе]|октябр[ьяе]"
    r"|ноябр[ьяе]|декабр[ьяе]|янв|фев|мар|апр|июн|июл|авг|сент?|окт|ноя|дек"
)
_GAP = r"[\s.,/\"'«»“”-]*"
_HOURS = r"[:.]?[0-9]|:|\s*(?:h|hrs?|hours?|am|pm|a\.m|p\.m|min|minutes?|ч|час(?:а|ов)?|мин(?:ут[аы]?)?)(?![^\W\d_])"
_YEAR = rf"(?P<year>[0-9]{{4}}|[0-9]{{2}})(?!{_HOURS})"
_DAY = r"(?<![0-9])(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_MONTH = rf"(?<![^\W\d_])(?P<month>{_MONTHS})(?![^\W\d_])"
_DAY_MONTH = re.compile(rf"{_DAY}{_GAP}(?:of\s+)?{_MONTH}{_GAP}{_YEAR}", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"{_MONTH}{_GAP}(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?(?![0-9]){_GAP}{_YEAR}", re.IGNORECASE)
_DIGITS = re.compile(r"(?<![0-9.,/-])([0-9]{4}|[0-9]{1,2})([-./])\s?([0-9]{1,2})\2\s?([0-9]{4}|[0-9]{1,2})(?![0-9])")
_CENTURY = 70
"""Two-digit years below are 20xx, from here on 19xx, as the normaliser `dates` has them."""
_LONG_YEAR = 4
_ORDERS = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}
"""Where year, month and day stand among three numbers."""


def find_dates(text: str, order: str) -> list[str]:
    """Every date of a text as YYYY-MM-DD; impossible ones are none.

    Args:
        text: Any text.
        order: `dmy`, `mdy` or `ymd`: how digits are read that do not tell by themselves. `13/05/2024` tells.
    """
    found = [_digits((match[1], match[3], match[4]), order) for match in _DIGITS.finditer(text)]
    for pattern in (_DAY_MONTH, _MONTH_DAY):
        matches = pattern.finditer(text)
        found += [_date(each["year"], _STEMS[each["month"].lower()[:3]], each["day"]) for each in matches]
    return [each for each in found if each]


def _digits(parts: tuple[str, str, str], order: str) -> str:
    """A date of digits only; the first order that makes a date, the declared one first."""
    long = [len(each) == _LONG_YEAR for each in parts]
    orders = [each for each in (order, "dmy", "mdy", "ymd") if not (long[2] and each == "ymd")]
    for each in ["ymd"] if long[0] else orders:
        year, month, day = (parts[at] for at in _ORDERS[each])
        if len(year) > 1 and (found := _date(year, int(month), day)):
            return found
    return ""


def _date(year: str, month: int, day: str) -> str:
    number = int(year)
    if len(year) < _LONG_YEAR:
        number += 2000 if number < _CENTURY else 1900
    try:
        return date(number, month, int(day)).isoformat()
    except ValueError:
        return ""
