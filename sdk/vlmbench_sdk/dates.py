"""Find dates in text: digits, and months in Russian, English and Indonesian."""

import re
from collections.abc import Iterator
from datetime import date

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan januari января январь январе янв",
            "february feb februari февраля февраль феврале февр фев",
            "march mar maret марта март марте мар",
            "april apr апреля апрель апреле апр",
            "may mei мая май мае",
            "june jun juni июня июнь июне июн",
            "july jul juli июля июль июле июл",
            "august aug agustus agu августа август августе авг",
            "september sept sep сентября сентябрь сентябре сент сен",
            "october oct oktober okt октября октябрь октябре окт",
            "november nov ноября ноябрь ноябре нояб ноя",
            "december dec desember des декабря декабрь декабре дек",
        ),
        start=1,
    )
    for name in names.split()
}
"""The number of each month by its names and short forms, in lower case."""
_NAMES = "|".join(sorted(MONTHS, key=len, reverse=True))
_GAP = r"[\s.,/\"'«»“”-]*"
_HOURS = r"[:.]?[0-9]|:|\s*(?:h|hrs?|hours?|am|pm|a\.m|p\.m|min|minutes?|ч|час(?:а|ов)?|мин(?:ут[аы]?)?)(?![^\W\d_])"
_YEAR = rf"(?P<year>[0-9]{{4}}|[0-9]{{2}})(?!{_HOURS})"
_DAY = r"(?<![0-9])(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?"
_MONTH = rf"(?<![^\W\d_])(?P<month>{_NAMES})(?![^\W\d_])"
_DAY_MONTH = re.compile(rf"{_DAY}{_GAP}(?:of\s+)?{_MONTH}{_GAP}{_YEAR}", re.IGNORECASE)
_MONTH_DAY = re.compile(rf"{_MONTH}{_GAP}(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?(?![0-9]){_GAP}{_YEAR}", re.IGNORECASE)
_DIGITS = re.compile(r"(?<![0-9.,/-])([0-9]{4}|[0-9]{1,2})([-./])\s?([0-9]{1,2})\2\s?([0-9]{4}|[0-9]{1,2})(?![0-9])")
_SPACED = re.compile(r"([0-9]{4}|[0-9]{1,2})[-./ ]\s?([0-9]{1,2})[-./ ]\s?([0-9]{4}|[0-9]{1,2})")
_BEFORE_WHOLE = re.compile(r"[\s\"'«“]*")
_TIME = r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:\s?[ap]m|z)?"
_BEHIND_WHOLE = re.compile(rf"[\s\"'»”]*(?:года?\b|г\b)?[\s.]*(?:[\s,t]+{_TIME})?[\s.\"'»”]*", re.IGNORECASE)
"""What may stand around the date that a text is."""
LONGEST_WHOLE = 100
"""Characters of a text that is a date; a longer one is words."""
_CENTURY = 70
"""Two-digit years below are 20xx, from here on 19xx, as POSIX and Python's strptime nearly do (69)."""
_LONG_YEAR = 4
_ORDERS = {"dmy": (2, 1, 0), "mdy": (2, 0, 1), "ymd": (0, 1, 2)}
"""Where year, month and day stand among three numbers."""


def find_dates(text: str, order: str) -> list[str]:
    """Every date of a text as YYYY-MM-DD; impossible ones are none.

    Args:
        text: Any text.
        order: `dmy`, `mdy` or `ymd`: how digits are read that do not tell by themselves. `13/05/2024` tells.
    """
    return [each for each, _, _ in _dates(text, order)]


def whole_date(text: str, order: str) -> str:
    """The date that a text is, as YYYY-MM-DD; empty where it has anything else in it but a time and `г.` behind.

    Here spaces may stand between digits too, `21 05 2018`.
    """
    if len(text) > LONGEST_WHOLE:
        return ""
    for found, start, end in _dates(text, order):
        if _BEFORE_WHOLE.fullmatch(text, 0, start) and _BEHIND_WHOLE.fullmatch(text, end):
            return found
    start = len(text) - len(text.lstrip())
    spaced = _SPACED.match(text, start)
    behind = spaced and _BEHIND_WHOLE.fullmatch(text, spaced.end())
    return _digits((spaced[1], spaced[2], spaced[3]), order) if spaced and behind else ""


def _dates(text: str, order: str) -> Iterator[tuple[str, int, int]]:
    """Dates with where they begin and end."""
    for match in _DIGITS.finditer(text):
        if found := _digits((match[1], match[3], match[4]), order):
            yield found, *match.span()
    for pattern in (_DAY_MONTH, _MONTH_DAY):
        for match in pattern.finditer(text):
            if found := _date(match["year"], MONTHS[match["month"].lower()], match["day"]):
                yield found, *match.span()


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
