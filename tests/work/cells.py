"""Small cells made by hand, and realistic ones made at random."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as made_by

import numpy as np
import pandas as pd

from vlmbench_assets.contracts import ANSWERS, METRICS, SAMPLES
from vlmbench_assets.tables import table_from_rows
from vlmbench_assets.work.aggregate import aggregate
from vlmbench_assets.work.report_tables import ReportTables
from vlmbench_sdk import MetricPlugin

EXACT = MetricPlugin(name="exact_match", version=1, score="nowhere:score")
CER = MetricPlugin(
    name="cer",
    version=1,
    score="nowhere:score",
    higher_is_better=False,
    upper=None,
    worst=1.0,
    aggregate="corpus",
    unit="edits per character",
)
PLUGINS = {"exact_match": EXACT, "cer": CER}
DIMENSIONS = ("overall", "field", "doc_type", "subset", "language", "field*doc_type", "field*subset")


@dataclass(frozen=True)
class Row:
    """One sample with its answer and its scores."""

    sample: str
    doc: str
    values: Mapping[str, float | None]
    weights: Mapping[str, float] = made_by(default_factory=dict)
    status: str = "ok"
    category: str = ""
    detail: str = ""
    field: str = "total"
    doc_type: str = "receipt"
    subset: str = "clean"
    references: Sequence[str] = ("gold",)
    answer: str = "said"
    question: str = "What is it?"
    latency_ms: float | None = 100.0
    attributes: Mapping[str, str | None] = made_by(default_factory=dict)


def tables_of(rows: Sequence[Row]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Samples, answers and metrics of some rows."""
    samples = [
        {
            "sample_id": row.sample,
            "doc_id": row.doc,
            "split": "test",
            "subset": row.subset,
            "doc_type": row.doc_type,
            "field": row.field,
            "question": row.question,
            "references": json.dumps(list(row.references)),
            "answer_type": "text",
            "images": '["page.png"]',
            "image_sha256": json.dumps(["0" * 64]),
            "language": "ru",
            "attributes": json.dumps(dict(row.attributes)),
        }
        for row in rows
    ]
    answers = [
        {
            "sample_id": row.sample,
            "status": row.status,
            "answer": "" if row.status == "error" else row.answer,
            "finish_reason": "stop",
            "error": "no connection" if row.status in {"error", "timeout"} else "",
            "attempts": 1,
            "latency_ms": row.latency_ms,
            "ttft_ms": None,
            "input_tokens": None,
            "output_tokens": None,
            "prompt_sha256": "0" * 64,
            "sample_digest": "0" * 64,
            "answered_at": "2026-01-01T00:00:00Z",
        }
        for row in rows
    ]
    metrics = [
        {
            "sample_id": row.sample,
            "metric": metric,
            "value": value,
            "weight": row.weights.get(metric, 1.0),
            "category": row.category if metric == "exact_match" else "",
            "detail": row.detail,
        }
        for row in rows
        for metric, value in row.values.items()
    ]
    return (
        table_from_rows(SAMPLES, samples),
        table_from_rows(ANSWERS, answers),
        table_from_rows(METRICS, metrics),
    )


def cell_of(
    rows: Sequence[Row], headline: str = "exact_match", plugins: Mapping[str, MetricPlugin] = PLUGINS
) -> ReportTables:
    """Everything a report is made from."""
    samples, answers, metrics = tables_of(rows)
    aggregates = aggregate(samples, answers, metrics, plugins, DIMENSIONS)
    return ReportTables(samples, answers, metrics, aggregates, headline, plugins, "model on dataset")


def realistic_rows(
    fields: Sequence[str],
    subsets: Sequence[str],
    doc_types: Sequence[str] = ("receipt",),
    documents: int = 28,
    failing: float = 0.05,
) -> list[Row]:
    """A cell as a model would leave it; the same rows each time."""
    random = np.random.default_rng(7)
    rows = []
    for document in range(documents):
        for name in fields:
            failed = bool(random.random() < failing)
            right = bool(random.random() < 0.8)
            wrong = str(random.choice(["missing", "wrong_value", "wrong_format", "spurious"]))
            rows.append(
                Row(
                    sample=f"{document:03d}-{name}",
                    doc=f"d{document}",
                    values={
                        "exact_match": None if failed else float(right),
                        "cer": None if failed else float(random.gamma(1, 0.1)),
                    },
                    weights={"cer": float(random.integers(1, 30))},
                    status="error" if failed else "ok",
                    category="" if failed else "correct" if right else wrong,
                    field=name,
                    subset=subsets[document % len(subsets)],
                    doc_type=doc_types[document // len(subsets) % len(doc_types)],
                    latency_ms=None if failed else float(random.gamma(3, 300)),
                )
            )
    return rows
