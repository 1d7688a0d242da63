"""The contracts: pandera schemas of the four tables that stand between the stages.

Text columns are never null: an empty cell is an empty string. In number columns an empty cell is null.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import pandera.pandas as pa

from vlmbench_sdk.records import FAILED_STATUSES, Category, Status

TableName = Literal["samples", "answers", "metrics", "aggregates"]
Policy = Literal["failures_worst", "answered_only"]
"""How failed answers count: as the metric's worst value (headline), or not at all."""

SHA256 = r"[0-9a-f]{64}"
ISO_TIME = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(\+00:00|Z)"


@dataclass(frozen=True, slots=True)
class Contract:
    """The contract of one table."""

    name: TableName
    row: str
    """What one row is."""
    schema: pa.DataFrameSchema
    key: tuple[str, ...]
    """The columns that tell one row from another."""

    @property
    def columns(self) -> list[str]:
        """Column names, in file order."""
        return list(self.schema.columns)

    def is_number(self, column: str) -> bool:
        """Whether an empty cell of this column is null and not an empty string."""
        return str(self.schema.columns[column].dtype) in {"float64", "Int64"}


def _each(rule: Callable[[str], bool], says: str) -> pa.Check:
    return pa.Check(rule, element_wise=True, error=says)


def _json(kind: type[list[object]] | type[dict[str, object]], says: str) -> pa.Check:
    def holds(text: str) -> bool:
        try:
            value = json.loads(text)
        except ValueError:
            return False
        items = value.values() if isinstance(value, dict) else value
        return isinstance(value, kind) and all(isinstance(item, str) for item in items)

    return _each(holds, says)


def _text(description: str, *checks: pa.Check) -> pa.Column:
    return pa.Column(str, list(checks), nullable=False, description=description)


def _number(description: str, *checks: pa.Check, nullable: bool = True, whole: bool = False) -> pa.Column:
    return pa.Column("Int64" if whole else "float64", list(checks), nullable=nullable, description=description)


def _one_of(allowed: tuple[str, ...]) -> pa.Check:
    return pa.Check.isin(allowed, error=f"one of {', '.join(value or '(empty)' for value in allowed)}")


_NOT_EMPTY = pa.Check.str_length(min_value=1, error="not empty")
_STRINGS = _json(list, "a JSON list of strings")
_AT_LEAST_0 = pa.Check.ge(0, error="at least 0")
_FINITE = pa.Check(lambda column: column.abs() != math.inf, error="finite")


def _schema(columns: dict[str, pa.Column], key: tuple[str, ...], *rules: pa.Check) -> pa.DataFrameSchema:
    return pa.DataFrameSchema(columns, checks=list(rules), unique=list(key), strict=True, ordered=True)


SAMPLES = Contract(
    name="samples",
    row="a sample: one question about one document",
    key=("sample_id",),
    schema=_schema(
        {
            "sample_id": _text("Unique in the dataset, stable between readings", _NOT_EMPTY),
            "doc_id": _text("The document; intervals are clustered by it", _NOT_EMPTY),
            "split": _text("Split of the dataset"),
            "subset": _text("Image condition or slice, such as clean or blur"),
            "doc_type": _text("Kind of document, such as receipt"),
            "field": _text("What is asked for, such as total"),
            "question": _text("The question in words"),
            "references": _text('Accepted answers; [] is no gold, [""] an absent field', _STRINGS),
            "answer_type": _text("Shape of the answer, such as text, date, money, page_text, json", _NOT_EMPTY),
            "images": _text("Image paths relative to the dataset's root, in page order", _STRINGS),
            "image_sha256": _text("SHA-256 of each image's bytes, as `images`", _STRINGS),
            "language": _text("BCP 47 tag, such as ru"),
            "attributes": _text("Anything else worth slicing by", _json(dict, "a JSON object with strings as values")),
        },
        ("sample_id",),
    ),
)

ANSWERS = Contract(
    name="answers",
    row="an answer; exactly one per sample asked",
    key=("sample_id",),
    schema=_schema(
        {
            "sample_id": _text("The sample", _NOT_EMPTY),
            "status": _text("What became of the question", _one_of(get_args(Status))),
            "answer": _text("The model's text, as it came"),
            "finish_reason": _text("The engine's own word for why it stopped"),
            "error": _text("Why there is no answer"),
            "attempts": _number(
                "How often it was asked", pa.Check.ge(1, error="at least 1"), nullable=False, whole=True
            ),
            "latency_ms": _number("Time a caller waits for this answer alone, ms", _AT_LEAST_0, _FINITE),
            "ttft_ms": _number("Time to the first token, ms", _AT_LEAST_0, _FINITE),
            "input_tokens": _number("Tokens in", _AT_LEAST_0, whole=True),
            "output_tokens": _number("Tokens out", _AT_LEAST_0, whole=True),
            "prompt_sha256": _text(
                "SHA-256 of the rendered prompt", pa.Check.str_matches(f"^{SHA256}$", error="a SHA-256")
            ),
            "sample_digest": _text(
                "SHA-256 of model, prompt and image bytes",
                pa.Check.str_matches(f"^{SHA256}$", error="a SHA-256"),
            ),
            "answered_at": _text(
                "UTC time, ISO 8601", pa.Check.str_matches(f"^{ISO_TIME}$", error="a UTC time in ISO 8601")
            ),
        },
        ("sample_id",),
        pa.Check(
            lambda frame: ~(frame["status"].isin(["error", "timeout"]) & (frame["error"] == "")),
            error="a row with status error or timeout says why in `error`",
        ),
    ),
)

METRICS = Contract(
    name="metrics",
    row="a sample scored by a metric",
    key=("sample_id", "metric"),
    schema=_schema(
        {
            "sample_id": _text("The sample", _NOT_EMPTY),
            "metric": _text("Name of the metric entry", _NOT_EMPTY),
            "value": _number("The score; null when unscored", _FINITE),
            "weight": _number("Share in a corpus-level aggregate", _AT_LEAST_0, _FINITE, nullable=False),
            "category": _text("Error taxonomy", _one_of(get_args(Category))),
            "detail": _text("Anything else about this row"),
        },
        ("sample_id", "metric"),
    ),
)

AGGREGATES = Contract(
    name="aggregates",
    row="a metric over one group of samples, under one policy",
    key=("dimension", "group", "metric", "policy"),
    schema=_schema(
        {
            "dimension": _text("What it is broken down by; overall for everything", _NOT_EMPTY),
            "group": _text("The value of the dimension"),
            "metric": _text("Name of the metric entry", _NOT_EMPTY),
            "policy": _text("How failed answers count", _one_of(get_args(Policy))),
            "n": _number("Samples the metric applies to", _AT_LEAST_0, nullable=False, whole=True),
            "n_scored": _number("Samples in the value", _AT_LEAST_0, nullable=False, whole=True),
            "documents": _number("Documents in the value", _AT_LEAST_0, nullable=False, whole=True),
            "coverage": _number(
                "Share of samples that were answered and scored, 0 to 1",
                pa.Check.in_range(0, 1, error="from 0 to 1"),
            ),
            "value": _number("The aggregate; null when nothing was scored", _FINITE),
            "ci_low": _number("Lower end of the 95 % interval", _FINITE),
            "ci_high": _number("Upper end of the 95 % interval", _FINITE),
            "ci_method": _text("How the interval was made, or why there is none"),
            "mde": _number(
                "The smallest difference that a comparison of two such cells finds in 80 % of cases, were they "
                "independent",
                _AT_LEAST_0,
                _FINITE,
            ),
        },
        ("dimension", "group", "metric", "policy"),
        pa.Check(lambda frame: frame["n_scored"] <= frame["n"], error="n_scored is at most n"),
        pa.Check(
            lambda frame: ~((frame["n_scored"] == 0) & frame["value"].notna()),
            error="an aggregate of nothing is null",
        ),
    ),
)

CONTRACTS: dict[TableName, Contract] = {contract.name: contract for contract in (SAMPLES, ANSWERS, METRICS, AGGREGATES)}
"""Every contract by the name of its table."""

UNANSWERED: frozenset[str] = FAILED_STATUSES
"""Statuses that carry no answer to score."""
