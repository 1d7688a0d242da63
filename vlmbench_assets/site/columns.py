"""Columns of tables as the page reads them: each different text once, long texts apart."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from vlmbench_assets.site.scripts import Json

LONGEST = 240
"""Characters of a text in lists; the whole of it is on the sample's page."""
MOST_REFERENCES = 4
CHUNK = 250_000
"""Characters of whole texts in one file, unless a single sample has more."""


def coded(values: Sequence[str]) -> Json:
    """Texts that repeat: the different ones, and which of them each row has."""
    codes, texts = pd.factorize(pd.Series(values, dtype=object))
    return {"texts": [str(text) for text in texts], "at": [int(code) for code in codes]}


@dataclass(slots=True)
class LongTexts:
    """Whole texts that a list shows only the beginning of, in files of about equal size."""

    name: str
    """What its files are called."""
    at: list[Json] = field(default_factory=list)
    """Row and number of its file, for rows that have any."""
    _files: list[list[Json]] = field(default_factory=list)
    _size: int = 0

    def short(self, row: int, texts: Mapping[str, str]) -> list[str]:
        """The beginnings of a row's texts; what is left out goes into a file."""
        self.keep(row, {name: text for name, text in texts.items() if len(text) > LONGEST})
        return [text[:LONGEST] for text in texts.values()]

    def keep(self, row: int, texts: Mapping[str, Json]) -> None:
        """Put a row's texts into a file whole."""
        if not texts:
            return
        if not self._files or self._size > CHUNK:
            self._files.append([])
            self._size = 0
        self._size += sum(len(str(text)) for text in texts.values())
        self._files[-1].append([row, dict(texts)])
        if not self.at or self.at[-1] != [row, len(self._files) - 1]:
            self.at.append([row, len(self._files) - 1])

    def files(self) -> Iterator[tuple[str, Json]]:
        """Name and content of each file."""
        for number, rows in enumerate(self._files):
            yield f"{self.name}-{number}", rows


def short_references(references: Sequence[str]) -> tuple[list[str], bool]:
    """The first few references, and whether anything of them was left out."""
    shown = [text[:LONGEST] for text in references[:MOST_REFERENCES]]
    return shown, shown != list(references)
