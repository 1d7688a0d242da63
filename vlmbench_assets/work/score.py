"""Score answers: one row per sample and metric that applies to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from vlmbench_assets.contracts import METRICS, UNANSWERED
from vlmbench_assets.tables import rows_of, table_from_rows
from vlmbench_sdk import Case, MetricPlugin, NormalizerPlugin, Options, PluginError, Score
from vlmbench_sdk.entries import MetricEntry
from vlmbench_sdk.metric import Normalize
from vlmbench_sdk.scoring import Scorer, normalization, scorer_of


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
    return LoadedMetric(
        name=name,
        entry=entry,
        plugin=plugin,
        options=plugin.options.model_validate(entry.options),
        # What an environment of its own has need not be installed here.
        scorer=_never if entry.environment else scorer_of(plugin),
        normalize=str if entry.environment else normalization(entry.normalize, normalizers),
    )


def _never(_case: Case, _options: Options) -> Score:
    raise PluginError("this metric scores in an environment of its own")


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
    # What is made from all scores of a group needs to know what was due; the answer's status says why it failed.
    detail = found.detail if metric.plugin.combine else answer["status"]
    return Score(value=None, weight=found.weight, category=category, detail=detail)


def cases_to_score(
    samples: pd.DataFrame, answers: pd.DataFrame, metric: LoadedMetric, kept: Kept
) -> list[tuple[str, tuple[str, ...], str]]:
    """The different cases that `score` would ask a metric about: answer, references, type of the answer."""
    found: dict[tuple[str, tuple[str, ...], str], None] = {}
    by_id = {row["sample_id"]: row for row in rows_of(samples)}
    for answer in rows_of(answers):
        sample = by_id[answer["sample_id"]]
        references = tuple(json.loads(sample["references"]))
        if references and (answer["sample_id"], metric.name) not in kept and metric.applies_to(sample):
            said = "" if answer["status"] in UNANSWERED else answer["answer"]
            found[said, references, sample["answer_type"]] = None
    return list(found)
