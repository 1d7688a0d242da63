"""Text of workers and models for people: no control characters, no secrets."""

import re
from collections.abc import Iterable

_CONTROL = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff\\ufffe\\uffff]"
)
"""All but newline and tab; also what turns the direction of writing round, and halves of pairs, which UTF-8 lacks."""
SHORTEST_SECRET = 4
"""Characters; what is shorter stands in too many other words."""
HIDDEN = "***"


def printable(text: str) -> str:
    """Put U+FFFD in place of what would steer a terminal, could not be written, or turns `21` into `12`."""
    return _CONTROL.sub("\ufffd", text)


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """Put `***` in place of known secret values; of a value of several lines, also in place of each of them."""
    parts = {part for value in secrets for part in (value, *value.splitlines()) if len(part) >= SHORTEST_SECRET}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, HIDDEN)
    return text


def shown(text: str, secrets: Iterable[str]) -> str:
    """Both: what a worker said, as a person may see it."""
    return printable(without_secrets(text, secrets))
