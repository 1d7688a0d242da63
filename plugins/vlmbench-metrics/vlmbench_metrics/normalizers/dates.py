"""Dates, written as ISO 8601."""

import re

from vlmbench_sdk.dates import whole_date

_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def dates(text: str) -> str:
    """Write a date as YYYY-MM-DD; anything that is not wholly one date stays as it is.

    What a date is, `vlmbench_sdk.dates` says. Where day and month could be either, the day comes first: 03/04/2018 is
    3 April. Impossible dates stay untouched. A time behind the date is dropped.
    """
    return text if _ISO.fullmatch(text) else whole_date(text, "dmy") or text
