"""Score answers: one row per sample and metric that applies to it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import pandas as pd

from vlmbench_assets.contracts import METRICS, UNANSWERED
from vlmbench_assets.tables import rows_of, table_from_rows
from vlmbench_sdk import Case, MetricPlugin, NormalizerPlugin, Options, PluginError, Score
from vlmbench_sdk.entries import MetricEntry
from vlmbench_sdk.metric import Normalize
from vlmbench_sdk.plugin_specs import resolve

Scorer = Callable[[Case, Options], Score]
MEMORY = 100_000


@dataclass(frozen=True, slots=True)
class LoadedMetric:
    """A metric entry, ready to score."""

    name: str
    entry: MetricEntry
    plugin: MetricPlugin
    options: Options
    scorer: Scorer
    normalize: Normalize

    def applies_to(self, sample: Mapping[str, str]) -> bool:
        """Whether the entry's `applies_to` lets this sample in."""
        rule = self.entry.applies_to
        return (
            (not rule.answer_type or sample["answer_type"] in rule.answer_type)
            and (not rule.field or sample["field"] in rule.field)
            and (not rule.doc_type or sample["doc_type"] in rule.doc_type)
        )


def load_metric(
    name: str, entry: MetricEntry, plugin: MetricPlugin, normalizers: Mapping[str, NormalizerPlugin]
) -> LoadedMetric:
    """Import what a metric entry names.

    Raises:
        PluginError: When a scorer or normaliser cannot be imported.
    """
    steps = [_function(normalizers[step].function, f"normaliser {step}") for step in entry.normalize]

    @lru_cache(maxsize=MEMORY)
    def normalize(text: str) -> str:
        for step in steps:
            text = cast("str", step(text))
        return text

    return LoadedMetric(
        name=name,
        entry=entry,
        plugin=plugin,
        options=plugin.options.model_validate(entry.options),
        scorer=cast("Scorer", _function(plugin.score, f"metric {plugin.metric_id}")),
        normalize=normalize,
    )


Kept = Mapping[tuple[str, str], Mapping[str, object]]
"""Rows that stand, by sample id and metric."""


def score(
    samples: pd.DataFrame, answers: pd.DataFrame, metrics: list[LoadedMetric], kept: Kept | None = None
) -> pd.DataFrame:
    """Score every answer with every metric that applies to its sample; rows that stand are taken as they are.

    A row without an answer (`UNANSWERED` statuses) or without gold has no value; it keeps the weight it
    would have had, so that a corpus-level aggregate can count it as a failure.
    """
    by_id = {row["sample_id"]: row for row in rows_of(samples)}
    rows = [
        row for answer in rows_of(answers) for row in _rows(by_id[answer["sample_id"]], answer, metrics, kept or {})
    ]
    return table_from_rows(METRICS, rows)


def _rows(
    sample: Mapping[str, str], answer: Mapping[str, str], metrics: list[LoadedMetric], kept: Kept
) -> list[Mapping[str, object]]:
    references = tuple(json.loads(sample["references"]))
    rows: list[Mapping[str, object]] = []
    for metric in metrics:
        before = kept.get((sample["sample_id"], metric.name))
        if before is not None:
            rows.append(before)
        elif metric.applies_to(sample):
            found = _score(metric, sample, answer, references)
            rows.append({"sample_id": sample["sample_id"], "metric": metric.name, **found.model_dump()})
    return rows


def _score(
    metric: LoadedMetric, sample: Mapping[str, str], answer: Mapping[str, str], references: tuple[str, ...]
) -> Score:
    if not references:
        return Score(value=None, detail="no gold")
    failed = answer["status"] in UNANSWERED
    case = Case(
        answer="" if failed else answer["answer"],
        references=references,
        answer_type=sample["answer_type"],
        normalize=metric.normalize,
    )
    try:
        found = metric.scorer(case, metric.options)
    except Exception as error:
        error.add_note(f"metric {metric.name} ({metric.plugin.metric_id}), sample {sample['sample_id']}")
        raise
    if not failed:
        return found
    category = "unparsed" if answer["status"] == "parse_failed" else ""
    return Score(value=None, weight=found.weight, category=category, detail=answer["status"])


def _function(import_string: str, owner: str) -> Callable[..., object]:
    found = resolve(import_string, owner=owner)
    if not callable(found):
        raise PluginError(f"{import_string!r} is not a function", where=owner)
    return cast("Callable[..., object]", found)
