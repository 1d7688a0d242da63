"""Metrics whose value is no mean of samples, such as macro F1: made from all scores of a group at once."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vlmbench_assets.work.resample import SEED
from vlmbench_assets.work.statistics import FEWEST_DOCUMENTS, TOO_FEW, Estimate, IntArray, by_error, detectable
from vlmbench_sdk import MetricPlugin, Score

Combine = Callable[[Sequence[Score]], float | None]
"""A metric's `combine` with its options filled in."""
DRAWS = 200
"""Enough for a standard error: Efron & Tibshirani, An Introduction to the Bootstrap (1993), §6.4."""
FEWEST_DRAWS = 50
MOST_SCORES = 5_000_000
"""Scores looked at for one interval; larger groups are drawn less often."""


def combined(
    rows: pd.DataFrame, cluster: IntArray, of_cluster: IntArray, groups: int, combine: Combine, plugin: MetricPlugin
) -> dict[str, NDArray[np.generic]]:
    """Value, interval and number of documents of each group.

    Args:
        rows: The rows of the metric that count, with columns value, weight, category and detail.
        cluster: The cluster of each row: a document within a group.
        of_cluster: The group of each cluster.
        groups: How many groups there are.
        combine: Makes the value of a group.
        plugin: The range of the value.
    """
    scores = scores_of(rows)
    by_cluster: dict[int, list[Score]] = {}
    for position in np.argsort(cluster, kind="stable"):
        by_cluster.setdefault(int(cluster[position]), []).append(scores[position])
    documents: list[list[list[Score]]] = [[] for _ in range(groups)]
    for number, held in by_cluster.items():
        documents[int(of_cluster[number])].append(held)
    found = [_estimate(each, combine, plugin) for each in documents]
    least = [
        None if each.error is None else float(detectable(np.array([each.error]), len(held))[0])
        for each, held in zip(found, documents, strict=True)
    ]
    columns = {
        "value": [each.value for each in found],
        "ci_low": [each.low for each in found],
        "ci_high": [each.high for each in found],
        "mde": least,
    }
    return {
        "documents": np.array([len(each) for each in documents]),
        **{name: np.array(column, dtype=np.float64) for name, column in columns.items()},
        "ci_method": np.array([each.method for each in found]),
    }


def estimate_combined(rows: pd.DataFrame, documents: IntArray, combine: Combine, plugin: MetricPlugin) -> Estimate:
    """The value of some rows, with its interval and its standard error.

    Args:
        rows: Rows that count, with columns value, weight, category and detail.
        documents: Number of each row's document, from 0.
        combine: Makes the value.
        plugin: The range of the value.
    """
    scores = scores_of(rows)
    held = [
        [scores[row] for row in np.flatnonzero(documents == number)]
        for number in range(int(documents.max(initial=-1)) + 1)
    ]
    return _estimate(held, combine, plugin)


def scores_of(rows: pd.DataFrame) -> list[Score]:
    """The rows of a metric as scores; what counts as the worst has that value, and what a scorer says of no answer."""
    columns = (rows[name].tolist() for name in ("value", "weight", "category", "detail"))
    # They were checked when the table was read.
    return [
        Score.model_construct(value=value, weight=weight, category=category, detail=detail)
        for value, weight, category, detail in zip(*columns, strict=True)
    ]


def _estimate(documents: Sequence[Sequence[Score]], combine: Combine, plugin: MetricPlugin) -> Estimate:
    """The value of a group and its interval, by the spread of the value in resamples of its documents."""
    value = combine([score for held in documents for score in held]) if documents else None
    if value is None or len(documents) < FEWEST_DOCUMENTS:
        return Estimate(value, method="" if value is None else TOO_FEW)
    drawn = [
        combine([score for number in draw for score in documents[number]])
        for draw in draws(len(documents), sum(len(held) for held in documents))
    ]
    known = np.array([each for each in drawn if each is not None])
    if len(known) < FEWEST_DRAWS // 2:
        return Estimate(value)
    # Resamples spread less than samples do, by the share that one document has.
    error = float(known.std(ddof=1)) * (len(documents) / (len(documents) - 1)) ** 0.5
    return by_error(value, error, len(documents), lower=plugin.lower, upper=plugin.upper)


def draws(documents: int, scores: int) -> NDArray[np.int64]:
    """Documents drawn with replacement, a row per resample; fewer rows for groups of many scores."""
    rows = max(FEWEST_DRAWS, min(DRAWS, MOST_SCORES // max(1, scores)))
    return np.random.default_rng([SEED, documents]).integers(documents, size=(rows, documents))


def combined_change(
    first: pd.DataFrame, second: pd.DataFrame, documents: IntArray, combine: Combine
) -> tuple[float | None, float | None, float]:
    """Both values of paired rows, and the standard error of their difference in resamples of documents."""
    total = int(documents.max(initial=-1)) + 1
    of_document = [np.flatnonzero(documents == number) for number in range(total)]
    scores = [scores_of(rows) for rows in (first, second)]
    values = [combine(each) for each in scores]
    drawn = []
    for draw in draws(total, 2 * len(first)) if total >= FEWEST_DOCUMENTS else ():
        rows = [int(row) for number in draw for row in of_document[number]]
        one, two = (combine([each[row] for row in rows]) for each in scores)
        if one is not None and two is not None:
            drawn.append(two - one)
    spread = float(np.std(drawn, ddof=1)) if len(drawn) >= FEWEST_DRAWS // 2 else 0.0
    return values[0], values[1], spread * (total / max(1, total - 1)) ** 0.5
