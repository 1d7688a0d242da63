"""Golden vectors: known scores of a metric with where they come from, as the file behind `MetricPlugin.vectors` says.

`vlmbench metrics conform` reads the file as YAML and runs each vector; what it must hold is written here only.
"""

import math

from pydantic import Field, JsonValue, model_validator

from vlmbench_sdk.records import Category, Record

TOLERANCE = 1e-6
"""How far a score may be from its vector; papers print few digits, so their vectors say so by `within`."""


class VectorCase(Record):
    """One answer of a group."""

    answer: str
    references: tuple[str, ...]


class Vector(Record):
    """One known score: of one answer, or of a group of answers."""

    source: str = Field(min_length=1)
    """Where the value comes from: a paper with equation or table, a reference implementation with version and
    command, or `by hand` with the working."""
    answer: str | None = None
    references: tuple[str, ...] = ()
    cases: tuple[VectorCase, ...] = ()
    """Instead of `answer` and `references`: a group, whose aggregate is known (corpus CER, corpus BLEU, macro F1)."""
    answer_type: str = "text"
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """The metric's own options."""
    normalize: tuple[str, ...] = ()
    """Names of normalisers, applied in this order."""
    value: float | None = Field(allow_inf_nan=False)
    """What it must say; null for unscored."""
    within: float = Field(default=TOLERANCE, ge=0)
    """How far it may be from that."""
    category: Category | None = None
    """The error taxonomy it must say; null where that is left open. Of single answers only."""

    @model_validator(mode="after")
    def _one_or_many(self) -> "Vector":
        if (self.answer is None) == (not self.cases):
            message = "a vector has either `answer` or `cases`"
            raise ValueError(message)
        if self.cases and (self.references or self.category is not None):
            message = "`references` and `category` are for a single answer, not beside `cases`"
            raise ValueError(message)
        return self

    def holds(self, value: float | None) -> bool:
        """Whether a value is what it must be."""
        if value is None or self.value is None:
            return value is self.value
        return math.isfinite(value) and abs(value - self.value) <= self.within


class VectorFile(Record):
    """The whole file."""

    vectors: tuple[Vector, ...] = Field(min_length=1)
