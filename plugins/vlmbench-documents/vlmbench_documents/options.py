"""Options of the readers. Light: the host loads this module to check registry entries."""

from typing import Annotated, Literal

from pydantic import Field

from vlmbench_sdk import Options

FileName = Annotated[str, Field(pattern=r"^[^/\\]+$")]
"""A file's name without a folder."""

AnswerType = Literal["text", "date", "money", "number", "choice", "page_text", "json", "table", "order", "box"]
"""Shapes of an answer, as `Sample.answer_type` lists them."""

ReceiptField = Literal["company", "date", "address", "total"]
"""Fields of a SROIE receipt."""

DocumentKind = Literal["receipt", "invoice", "id_card"]
"""Documents that `synthetic` draws."""

Condition = Literal["clean", "blur", "noise", "bright", "gray", "rotated", "spatter"]
"""Image conditions that `synthetic` renders, in the order they are listed."""

CONDITIONS: tuple[Condition, ...] = ("clean", "blur", "noise", "bright", "gray", "rotated", "spatter")

CORD_FIELDS: dict[str, str] = {
    "total": "total.total_price",
    "subtotal": "sub_total.subtotal_price",
    "tax": "sub_total.tax_price",
    "cash": "total.cashprice",
    "change": "total.changeprice",
}
"""Fields asked of a CORD receipt by default, with their CORD categories."""


class AnnotationCsvOptions(Options):
    """How to read an `annotation.csv` of the original project."""

    file: FileName = "annotation.csv"
    """Name of the table, where `source` is a folder."""
    separator: str = Field(default=";", min_length=1, max_length=1)
    """What stands between two cells."""
    id_columns: tuple[str, ...] = ()
    """Columns that name a sample together; empty takes `data_index`, or with `question_type` where it repeats."""
    answer_types: dict[str, AnswerType] = Field(default_factory=dict)
    """Answer type by `question_type`; those not listed are text."""


class QuestionsCsvOptions(Options):
    """How to read a `questions.csv`."""

    file: FileName = "questions.csv"
    """Name of the table, where `source` is a folder."""


class JsonlOptions(Options):
    """How to read a file of one JSON object a line."""

    file: FileName | None = None
    """Name of the file, where `source` is a folder; null takes the only `*.jsonl` in it."""


class SroieOptions(Options):
    """What to ask of SROIE receipts."""

    ask: tuple[Literal["fields", "json", "page_text"], ...] = Field(default=("fields",), min_length=1)
    """One sample a field, one for all four as JSON, one for the whole text."""
    fields: tuple[ReceiptField, ...] = Field(default=("company", "date", "address", "total"), min_length=1)
    """Fields to ask for."""
    absent: bool = False
    """Ask also for fields without a value; their only reference is the empty string."""


class CordOptions(Options):
    """What to ask of CORD receipts."""

    ask: tuple[Literal["fields", "json"], ...] = Field(default=("fields",), min_length=1)
    """One sample a field, one for the line items as JSON."""
    fields: dict[str, str] = Field(default_factory=lambda: dict(CORD_FIELDS), min_length=1)
    """CORD category by field name, such as `total: total.total_price`."""
    absent: bool = False
    """Ask also for fields that the receipt lacks; their only reference is the empty string."""


class SyntheticOptions(Options):
    """What to draw, and what to ask of it."""

    documents: int = Field(default=10, ge=0)
    """How many documents; more of them leave the earlier ones as they are."""
    kinds: tuple[DocumentKind, ...] = Field(default=("receipt",), min_length=1)
    """Kinds of documents, taken in turn."""
    language: Literal["en", "ru"] | None = None
    """Language of the documents and questions; null takes the dataset's, or English."""
    seed: int = 0
    """Other seeds draw other documents."""
    conditions: tuple[Condition, ...] = Field(default=CONDITIONS, min_length=1)
    """Image conditions each document is rendered under; the sample's `subset`."""
    ask: tuple[Literal["fields", "json", "page_text"], ...] = Field(default=("fields",), min_length=1)
    """One sample a field, one for all fields as JSON, one for the whole text."""
    width: int = Field(default=560, ge=480, le=1600)
    """Width of the pictures, in pixels; type grows with it."""
