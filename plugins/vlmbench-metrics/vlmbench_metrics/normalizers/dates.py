"""Dates, written as ISO 8601."""

import re
from datetime import date

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan января январь янв",
            "february feb февраля февраль фев",
            "march mar марта март мар",
            "april apr апреля апрель апр",
            "may мая май",
            "june jun июня июнь июн",
            "july jul июля июль июл",
            "august aug августа август авг",
            "september sep sept сентября сентябрь сен сент",
            "october oct октября октябрь окт",
            "november nov ноября ноябрь ноя",
            "december dec декабря декабрь дек",
        ),
        start=1,
    )
    for name in names.split()
}
_YEAR_FIRST = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})", re.ASCII)
_DAY_FIRST = re.compile(r"(\d{1,2})[-./ ](\d{1,2})[-./ ](\d{4}|\d{2})", re.ASCII)
_DAY_NAME = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th)?[-./, ]*([a-zа-я]{3,9})[-./, ]*([0-9]{4}|[0-9]{2})")
_NAME_DAY = re.compile(r"([a-zа-я]{3,9})[-./, ]*([0-9]{1,2})(?:st|nd|rd|th)?[-./, ]+([0-9]{4}|[0-9]{2})")
_YEAR_WORD = re.compile(r"\s*(?:г\.?|года?)$")
_TIME = re.compile(r"[ ,t]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:\s*[ap]m)?$")
_CENTURY = 70
"""Two-digit years below are 20xx, from here on 19xx, as POSIX and Python's strptime nearly do (69)."""


def dates(text: str) -> str:
    """Write a date as YYYY-MM-DD; anything that is not wholly one date stays as it is.

    Where day and month could be either, the day comes first: 03/04/2018 is 3 April. Impossible dates stay
    untouched. A time behind the date is dropped.
    """
    plain = " ".join(text.casefold().replace("«", "").replace("»", "").replace('"', "").split())
    plain = _YEAR_WORD.sub("", _TIME.sub("", plain))
    if found := _YEAR_FIRST.fullmatch(plain):
        parts = (found[1], found[2], found[3])
    elif found := _DAY_FIRST.fullmatch(plain):
        parts = (found[3], found[2], found[1])
    elif found := _DAY_NAME.fullmatch(plain):
        parts = (found[3], str(_MONTHS.get(found[2], 0)), found[1])
    elif found := _NAME_DAY.fullmatch(plain):
        parts = (found[3], str(_MONTHS.get(found[1], 0)), found[2])
    else:
        return text
    year, month, day = (int(part) for part in parts)
    if len(parts[0]) == 2:
        year += 2000 if year < _CENTURY else 1900
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return text
