"""Aggregate scores over dimensions, under both failure policies."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

import numpy as np
import pandas as pd

from vlmbench_assets.contracts import AGGREGATES, UNANSWERED, Policy
from vlmbench_assets.tables import table_from_rows
from vlmbench_assets.work.statistics import estimate
from vlmbench_sdk import MetricPlugin

OVERALL = "overall"
ALL = "all"
PAIR = "*"
BETWEEN = "|"
POLICIES: tuple[Policy, ...] = get_args(Policy)
ATTRIBUTES = "attributes."


def aggregate(
    samples: pd.DataFrame,
    answers: pd.DataFrame,
    metrics: pd.DataFrame,
    plugins: Mapping[str, MetricPlugin],
    dimensions: Sequence[str],
) -> pd.DataFrame:
    """Make the `aggregates` table.

    Args:
        samples: The samples asked.
        answers: Their answers.
        metrics: Their scores.
        plugins: The plugin behind each metric entry: its range, its worst value, how it aggregates.
        dimensions: `overall`, columns of samples, `attributes.NAME`, or two of them joined by `*`.
    """
    scores = joined(samples, answers, metrics)
    rows = [
        row
        for dimension in dict.fromkeys(dimensions)
        for group, part in _groups(scores, dimension)
        for name, plugin in plugins.items()
        for row in _rows(part[part["metric"] == name], plugin, (dimension, group, name))
    ]
    return table_from_rows(AGGREGATES, rows)


def joined(samples: pd.DataFrame, answers: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """Scores with their samples, and whether the answer failed; `document` numbers the documents from 0."""
    scores = metrics.merge(samples, on="sample_id", how="left", validate="many_to_one")
    scores = scores.merge(answers[["sample_id", "status"]], on="sample_id", how="left", validate="many_to_one")
    scores["failed"] = scores["status"].isin(UNANSWERED)
    scores["document"] = pd.factorize(scores["doc_id"])[0]
    return scores


def counted(scores: pd.DataFrame, plugin: MetricPlugin, policy: Policy) -> pd.DataFrame:
    """The rows of one metric that count under a policy, with the value and the weight they count with."""
    value = scores["value"].to_numpy(dtype=np.float64)
    # Null without gold stays null under both policies; only a failed answer counts as the worst.
    has_gold = ~(np.isnan(value) & (scores["detail"] == "no gold").to_numpy(dtype=bool))
    scored = ~np.isnan(value)
    failed = scores["failed"].to_numpy(dtype=bool)
    kept = scored | (failed & has_gold) if policy == "failures_worst" else scored
    rows: pd.DataFrame = scores.assign(value=np.where(scored, value, plugin.worst))[kept]
    return rows if plugin.aggregate == "corpus" else rows.assign(weight=1.0)


def group_values(frame: pd.DataFrame, dimension: str) -> pd.Series:
    """The group of each row of a table with the columns of samples."""
    if dimension == OVERALL:
        return pd.Series(ALL, index=frame.index, dtype=str)
    if PAIR in dimension:
        first, _, second = dimension.partition(PAIR)
        return group_values(frame, first) + BETWEEN + group_values(frame, second)
    if dimension.startswith(ATTRIBUTES):
        name = dimension.removeprefix(ATTRIBUTES)
        return frame["attributes"].map(lambda text: str(json.loads(text).get(name, ""))).astype(str)
    return frame[dimension]


def _groups(scores: pd.DataFrame, dimension: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Groups in alphabetical order; none where no sample has a value for the dimension."""
    values = group_values(scores, dimension)
    if dimension == OVERALL and values.empty:
        yield ALL, scores
    if dimension != OVERALL and not values.str.strip(BETWEEN).any():
        return
    for group, part in scores.groupby(values, sort=True):
        yield str(group), part


def _rows(part: pd.DataFrame, plugin: MetricPlugin, key: tuple[str, str, str]) -> Iterator[dict[str, object]]:
    dimension, group, metric = key
    if part.empty and dimension != OVERALL:
        return
    coverage = float(part["value"].notna().mean()) if len(part) else None
    for policy in POLICIES:
        used = counted(part, plugin, policy)
        found = estimate(
            used["value"].to_numpy(dtype=np.float64),
            used["weight"].to_numpy(dtype=np.float64),
            used["document"].to_numpy(dtype=np.int64),
            lower=plugin.lower,
            upper=plugin.upper,
        )
        yield {
            "dimension": dimension,
            "group": group,
            "metric": metric,
            "policy": policy,
            "n": len(part),
            "n_scored": len(used) if found.value is not None else 0,
            "coverage": coverage,
            "value": found.value,
            "ci_low": found.low,
            "ci_high": found.high,
            "ci_method": found.method,
        }
