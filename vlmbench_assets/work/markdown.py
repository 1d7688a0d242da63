"""Markdown that hostile text cannot break."""

import math
import re
from collections.abc import Sequence

LONGEST_CELL = 120
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
# One underscore between letters or digits is no markup, and escaped it would only make names hard to read.
_SPECIAL = re.compile(r"([\\`*\[\]<>|~#&!$]|(?<![^\W_])_|_(?![^\W_]))")
NOTHING = "—"


def escape(text: str, longest: int = LONGEST_CELL) -> str:
    """Make any text safe inside a table cell: one line, nothing in it is markup."""
    line = " ".join(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r", "\n").replace("\t", " ")).split())
    if len(line) > longest:
        line = line[: longest - 1] + "…"
    return _SPECIAL.sub(r"\\\1", line).replace("\\<", "&lt;").replace("\\>", "&gt;").replace("\\&", "&amp;")


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], longest: int = LONGEST_CELL) -> str:
    """Render a table; every cell is escaped, and cut when it is longer than `longest` characters."""
    lines = [
        "| " + " | ".join(escape(name) for name in header) + " |",
        "|" + "---|" * len(header),
        *("| " + " | ".join(escape(cell, longest) or " " for cell in row) + " |" for row in rows),
    ]
    return "\n".join(lines) + "\n"


def number(value: float | None, digits: int = 3) -> str:
    """A score; a dash where there is none, never a zero."""
    return NOTHING if value is None or math.isnan(value) else f"{value:z.{digits}f}"


def percent(share: float | None) -> str:
    """A share from 0 to 1 as percent."""
    return NOTHING if share is None or math.isnan(share) else f"{100 * share:.1f} %"


def interval(low: float | None, high: float | None) -> str:
    """An interval, or nothing."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f"{low:z.3f} to {high:z.3f}"
