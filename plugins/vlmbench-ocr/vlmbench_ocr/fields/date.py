"""The date of the document, as printed."""

import re

from vlmbench_ocr.fields.words import fold
from vlmbench_ocr.page import Page
from vlmbench_sdk.dates import MONTHS

_STEMS = sorted({name[:3] for name in MONTHS})
_LATIN, _CYRILLIC = ("|".join(each for each in _STEMS if each.isascii() == ascii_) for ascii_ in (True, False))
# Scanned letters are misread, so the first three are asked for, and of October's not even these.
_MONTHS = rf"(?:{_LATIN}|0ct)[a-z]*\.?|(?:{_CYRILLIC})[а-я]*\.?"
_YEAR = r"(?:(?:19|20)\d\d|\d\d(?!\d))"
# A time may be glued to the year (12/02/201815:28), so nothing is asked of what follows four digits.
_DATES = re.compile(
    r"(?<!\d)(?:"
    r"(?P<year_first>(?:19|20)\d\d([-./])(?:0?[1-9]|1[0-2])\2(?:[12]\d|3[01]|0?[1-9]))"
    rf"|(?P<numbers>(?P<a>\d{{1,2}})\s?(?P<mark>[-./])\s?(?P<b>\d{{1,2}})\s?(?P=mark)\s?{_YEAR})"
    rf"|(?P<named>\d{{1,2}}(?:st|nd|rd|th)?[ .-]{{0,2}}(?:{_MONTHS})[ .,-]{{0,2}}{_YEAR}(?:\s?г\.|\s?г\b)?)"
    r")"
    rf"|\b(?P<american>(?:{_MONTHS})\s?\d{{1,2}},?\s{{1,2}}(?:19|20)\d\d)",
    re.IGNORECASE,
)
_COMPACT = re.compile(
    r"(?<!\d)(?:(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])20\d\d|20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?!\d)"
)
_LABEL = re.compile(r"date|дата|\bот\b|tarikh|tanggal|\btgl")
_NOT_THE_DATE = re.compile(r"due|print|expir|valid|birth|оплатить до|срок|рожд|действ")


def find_date(page: Page) -> str:
    """Return the first date in a row that is labelled as one, or else the first date."""
    for dates in (_spelt, _compact):
        found = [(fold(row.text), date) for row in page.rows for date in dates(row.text)]
        found = [(label, date) for label, date in found if not _NOT_THE_DATE.search(label)] or found
        if found:
            return next((date for label, date in found if _LABEL.search(label)), found[0][1])
    return ""


def _spelt(text: str) -> list[str]:
    dates = (found for found in _DATES.finditer(text) if _possible(found))
    tight = (re.sub(r"\s?([-./])\s?(?=\d)", r"\1", found.group()) for found in dates)
    return [re.sub(r"0(?=ct)", "O", date) for date in tight]


def _compact(text: str) -> list[str]:
    """Eight digits in a row: looked for only where a page has no other date, as they are often other numbers."""
    return _COMPACT.findall(text)


def _possible(found: re.Match[str]) -> bool:
    """Say whether day and month can be what the numbers say, in either order."""
    if found["numbers"] is None:
        return True
    low, high = sorted((int(found["a"]), int(found["b"])))
    return 1 <= low <= 12 and 1 <= high <= 31
