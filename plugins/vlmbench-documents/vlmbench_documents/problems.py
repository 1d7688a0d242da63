"""Collect the mistakes of a dataset, so that they are reported together."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from vlmbench_sdk import DatasetError

SHOWN = 20
"""How many mistakes a message lists; the rest are counted."""


class Problems:
    """The mistakes found so far in one source."""

    def __init__(self, source: Path, *, fix: str) -> None:
        """Start without mistakes.

        Args:
            source: The file or folder they are in.
            fix: What the reader of the message can do, as one sentence without a final stop.
        """
        self._source = source
        self._fix = fix
        self._found: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, where: str, what: str) -> None:
        """Note that `what` is wrong at `where` (row and column, line and key, or file)."""
        self._found.append(f"{where}: {what}")

    def raise_if_any(self) -> None:
        """Report all mistakes at once.

        Raises:
            DatasetError: When there is at least one.
        """
        if not self._found:
            return
        count = len(self._found)
        lines = [f"{count} mistake{'s' * (count > 1)}", *(f"  {line}" for line in self._found[:SHOWN])]
        if count > SHOWN:
            lines.append(f"  and {count - SHOWN} more")
        raise DatasetError("\n".join(lines), where=str(self._source), fix=self._fix)


def nearest(name: str, known: Iterable[str]) -> str:
    """Say what was probably meant: `did you mean 'x'?`, or all known names when none is near."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(names)}"
