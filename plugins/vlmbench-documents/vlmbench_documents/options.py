"""Options of the readers. Light: the host imports this to check registry entries."""

from typing import Literal

from pydantic import Field

from vlmbench_sdk import Options

Ask = Literal["fields", "json", "page_text"]
"""One question a field, one JSON question for all fields, or the transcript of the whole page."""

DocumentKind = Literal["receipt", "invoice", "id_card"]
"""What the synthetic reader can draw."""

Condition = Literal["clean", "blur", "noise", "bright", "gray", "rotated", "spatter"]
"""Image conditions, the degradation subsets of the original project."""


class AnnotationCsvOptions(Options):
    """Options of `annotation_csv`."""

    file: str = "annotation.csv"
    """The table's name where the source is a folder."""
    separator: str = Field(default=";", min_length=1, max_length=1)
    """What stands between two cells."""


class JsonlOptions(Options):
    """Options of `jsonl`."""

    file: str = "samples.jsonl"
    """The file's name where the source is a folder."""


class SroieOptions(Options):
    """Options of `sroie`."""

    ask: Ask = "fields"
    """`page_text` needs the transcripts in `box/`."""


class CordOptions(Options):
    """Options of `cord`."""

    ask: Literal["fields", "json"] = "fields"
    """`json` asks for all amounts as one JSON object, and for the menu items as a JSON list."""
    absent: bool = False
    """Also ask for amounts that are not on the receipt; their only reference is the empty string."""


class SyntheticOptions(Options):
    """Options of `synthetic`."""

    language: Literal["en", "ru"] = "en"
    documents: int = Field(default=10, ge=1, le=100_000)
    """How many documents to draw; each is drawn under every condition."""
    kinds: tuple[DocumentKind, ...] = Field(default=("receipt", "invoice", "id_card"), min_length=1)
    """Kinds of documents, in turn."""
    seed: int = 0
    """Other seeds draw other documents."""
    conditions: tuple[Condition, ...] = Field(
        default=("clean", "blur", "noise", "bright", "gray", "rotated", "spatter"), min_length=1
    )
    """Each becomes a subset."""
    ask: Ask = "fields"
