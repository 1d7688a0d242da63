"""The data that travels: samples from readers, requests to models, answers back, scores from metrics.

All records are frozen and closed. Gold references exist in `Sample` only; a `Request`, which is all that
a worker sees, carries none.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["ok", "empty", "truncated", "refused", "parse_failed", "timeout", "error"]
"""What became of one question. `FAILED_STATUSES` names those that carry no answer to score."""

FAILED_STATUSES: frozenset[str] = frozenset({"refused", "parse_failed", "timeout", "error"})
"""Statuses without a usable answer: unscored, and counted as the metric's worst value in the headline."""

Category = Literal["", "correct", "missing", "spurious", "wrong_value", "wrong_format", "unparsed"]
"""Error taxonomy of one scored answer; empty where the metric does not judge right or wrong."""


class Record(BaseModel):
    """Base of every record: frozen, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sample(Record):
    """One question about one document, with its gold."""

    sample_id: str = Field(min_length=1)
    """Unique in the dataset and stable between readings."""
    doc_id: str = Field(min_length=1)
    """The document; samples that share it are not independent and are clustered in every interval."""
    split: str = "test"
    subset: str = ""
    """Image condition or slice, such as `clean` or `blur`."""
    doc_type: str = ""
    """Kind of document, such as `receipt`."""
    field: str = ""
    """What is asked for, such as `total`; prompts and breakdowns go by it."""
    question: str = ""
    references: tuple[str, ...] = ()
    """Accepted answers. Empty: no gold, never scored. One empty string: the field is absent."""
    answer_type: str = "text"
    """Shape of the answer: text, date, money, number, choice, page_text (whole page), json, table, order or box."""
    images: tuple[str, ...] = Field(min_length=1)
    """Paths relative to the dataset's root, in page order."""
    language: str = ""
    """BCP 47 tag, such as `en` or `ru`."""
    attributes: dict[str, str] = Field(default_factory=dict)
    """Anything else worth slicing by."""


class Example(Record):
    """A solved question shown before the real one."""

    images: tuple[str, ...] = ()
    """Absolute paths, readable by the worker."""
    image_sha256: tuple[str, ...] = ()
    """SHA-256 of each image; the runner holds the files against it."""
    user: str
    """What is asked."""
    assistant: str
    """What a good answer is."""


class Request(Record):
    """What a model is asked: a `Sample` without its gold, and with its prompt rendered."""

    sample_id: str
    images: tuple[str, ...]
    """Absolute paths, readable by the worker."""
    prompt: str = ""
    """The rendered user prompt."""
    system: str = ""
    """The rendered system prompt; empty for none."""
    examples: tuple[Example, ...] = ()
    """Solved questions to show first, in this order."""
    doc_id: str = ""
    doc_type: str = ""
    field: str = ""
    language: str = ""
    answer_type: str = "text"
    image_sha256: tuple[str, ...] = ()
    """SHA-256 of each image as the dataset was read; the runner holds the files against it."""
    digest: str = ""
    """Digest of the prompt and the images' bytes; the journal carries it."""


class Prompt(Record):
    """What a model is told of one sample, as a prompt adapter gets it and gives it back."""

    system: str = ""
    user: str
    examples: tuple[Example, ...] = ()


class Answer(Record):
    """What a model said to one request."""

    sample_id: str
    answer: str = ""
    status: Status = "ok"
    finish_reason: str = ""
    """The engine's own word for why it stopped, such as `stop` or `length`."""
    error: str = ""
    """Why there is no answer; empty unless the status is a failed one."""
    latency_ms: float | None = Field(default=None, ge=0)
    """Time a caller would wait for this answer alone, in milliseconds; null when not measured."""
    ttft_ms: float | None = Field(default=None, ge=0)
    """Time to the first token, in milliseconds; null when not measured."""
    input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)
    attempts: int = Field(default=1, ge=1)


class Score(Record):
    """What a metric says of one answer."""

    value: float | None
    """The score in the metric's declared range; null when this answer cannot be scored."""
    weight: float = Field(default=1.0, ge=0)
    """Share in a corpus-level aggregate, such as the reference's length for CER."""
    category: Category = ""
    detail: str = ""
    """Anything a reader of the table should know about this row."""
