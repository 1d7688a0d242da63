"""The values at the ends of an answer's JSON, with the way to each, and what of them is equal."""

import re
from collections.abc import Iterator

from pydantic import JsonValue

_NUMBER = re.compile(r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)")
_BARE_MARK = re.compile(r"(?<!\d)\.")


def leaves(value: JsonValue, path: str = "") -> Iterator[tuple[str, str]]:
    """Path and text of each leaf: keys joined by dots, `[]` for an item of a list; null is none.

    Items of a list share one path, so that their order does not count.
    """
    if isinstance(value, dict):
        for key, each in value.items():
            yield from leaves(each, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each, f"{path}[]")
    elif value is not None:
        yield path, str(value).lower() if isinstance(value, bool) else str(value)


def by_value(text: str) -> str:
    """A plain decimal number without what does not change it, 31.6 for `+31.60`, 0.5 for `.5`; others stay."""
    if not _NUMBER.fullmatch(text):
        return text
    text = _BARE_MARK.sub("0.", text)
    return (text.rstrip("0").rstrip(".") if "." in text else text).lstrip("+")
