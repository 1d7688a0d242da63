"""Data as scripts: what a page can load from a `file://` address, where fetching is not allowed.

Each file calls one function with a name and a value. The value is JSON inside a string, so that nothing in it is ever
read as code, a key such as `__proto__` is only a key, and large files are parsed quickly.
"""

import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

REGISTER = "vlmbenchSite"
"""The function that a page defines before it loads data."""
DIGITS = 6
_UNSAFE = re.compile(
    "</|[\\\\'\\x7f-\\x9f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ufeff\\ud800-\\udfff]",
)
"""What ends a script or a string, what editors hide, and halves of pairs, which UTF-8 cannot hold."""
_SHORT = {"</": "<\\/", "\\": "\\\\", "'": "\\'"}

Json = str | int | float | bool | None | Sequence["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Later:
    """A value that takes long to work out, and what it is worked out from."""

    key: str
    """Equal to that of an earlier site: so is the value."""
    make: Callable[[], Json]


def script(name: str, value: Json) -> bytes:
    """A script that hands a value to the page."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    held = _UNSAFE.sub(_escaped, text)
    return f"{REGISTER}({json.dumps(name)},JSON.parse('{held}'));\n".encode()


def number(value: object) -> float | None:
    """A figure with six digits; None for null, NaN and what is no number."""
    if not isinstance(value, int | float) or math.isnan(value) or math.isinf(value):
        return None
    return float(f"{value:.{DIGITS}g}")


def numbers(values: Sequence[object]) -> list[float | None]:
    """Figures as `number` has them; whole ones without a point."""
    found = (number(value) for value in values)
    return [int(each) if each is not None and each.is_integer() else each for each in found]


def _escaped(found: re.Match[str]) -> str:
    return _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}"
