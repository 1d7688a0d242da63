"""What a page is made of, whatever it is written as; nothing in it is markup, so hostile text stays text."""

from dataclasses import dataclass
from typing import ClassVar

LONGEST_CELL = 120


@dataclass(frozen=True, slots=True)
class Strong:
    """Words that must not be overlooked."""

    text: str
    kind: ClassVar[str] = "strong"


@dataclass(frozen=True, slots=True)
class Code:
    """A name or a command, as it is typed."""

    text: str
    kind: ClassVar[str] = "code"


@dataclass(frozen=True, slots=True)
class Link:
    """A way to a file beside the page: a relative path."""

    text: str
    path: str
    kind: ClassVar[str] = "link"


Inline = str | Strong | Code | Link


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences."""

    parts: tuple[Inline, ...]
    kind: ClassVar[str] = "paragraph"


@dataclass(frozen=True, slots=True)
class Notice:
    """What a reader must know before trusting the numbers."""

    parts: tuple[Inline, ...]
    kind: ClassVar[str] = "notice"


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list, an item a tuple."""

    items: tuple[tuple[Inline, ...], ...]
    kind: ClassVar[str] = "bullets"


@dataclass(frozen=True, slots=True)
class Tile:
    """One number at a glance."""

    name: str
    value: str
    note: str = ""
    """Its interval, or what it is of."""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Numbers at a glance, side by side."""

    tiles: tuple[Tile, ...]
    kind: ClassVar[str] = "tiles"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text; a cell longer than `longest` characters is cut, and HTML shows the rest where it is asked."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    caption: str = ""
    longest: int = LONGEST_CELL
    kind: ClassVar[str] = "table"


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, and the numbers behind it for who cannot see it."""

    caption: str
    file: str
    """Its name beside the page."""
    png: bytes
    table: Table | None = None
    kind: ClassVar[str] = "picture"


@dataclass(frozen=True, slots=True)
class Commands:
    """What to type, a command a line."""

    text: str
    kind: ClassVar[str] = "commands"


@dataclass(frozen=True, slots=True)
class SampleCard:
    """A sample and what was answered."""

    title: str
    question: str
    gold: tuple[str, ...]
    answers: tuple[tuple[str, str], ...]
    """Who answered, or when, and what; compared with the first gold character by character."""
    facts: tuple[tuple[str, str], ...] = ()
    """Score, kind of error, status…"""
    thumbnail: bytes | None = None
    """JPEG or PNG; HTML only."""
    kind: ClassVar[str] = "sample"


@dataclass(frozen=True, slots=True)
class Folded:
    """What few readers want, and those who do want whole."""

    summary: str
    blocks: "tuple[Block, ...]"
    kind: ClassVar[str] = "folded"


Block = Paragraph | Notice | Bullets | Tiles | Table | Picture | Commands | SampleCard | Folded


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """A whole page: the answer first, then its sections."""

    title: str
    lead: tuple[Block, ...]
    sections: tuple[Section, ...]

    def pictures(self) -> list[Picture]:
        """All pictures, in their order."""
        blocks = [*self.lead, *(block for section in self.sections for block in section.blocks)]
        return [block for block in blocks if isinstance(block, Picture)]
