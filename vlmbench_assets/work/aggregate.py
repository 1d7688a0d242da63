"""Aggregate scores over dimensions, under both failure policies."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vlmbench_assets.contracts import AGGREGATES, UNANSWERED, Policy
from vlmbench_assets.work.combined import Combine, combined
from vlmbench_assets.work.interval_queue import IntervalQueue, Slots
from vlmbench_assets.work.statistics import (
    FEW_DOCUMENTS,
    FEWEST_DOCUMENTS,
    TOO_FEW,
    BoolArray,
    FloatArray,
    IntArray,
    Range,
)
from vlmbench_sdk import MetricPlugin
from vlmbench_sdk.metric import NO_GOLD, NOT_COMPARED

OVERALL = "overall"
ALL = "all"
PAIR = "*"
BETWEEN = "|"
POLICIES: tuple[Policy, ...] = get_args(Policy)
ATTRIBUTES = "attributes."
PAGES, RESOLUTION = "pages", "resolution"
PAGE_BUCKETS = ((1, "1"), (2, "2"), (5, "3 to 5"), (10, "6 to 10"))
NONE: Mapping[str, Combine] = {}


def aggregate(
    samples: pd.DataFrame,
    answers: pd.DataFrame,
    metrics: pd.DataFrame,
    plugins: Mapping[str, MetricPlugin],
    dimensions: Sequence[str],
    combine: Mapping[str, Combine] = NONE,
) -> pd.DataFrame:
    """Make the `aggregates` table.

    Args:
        samples: The samples asked; the dimension `resolution` needs a column of that name.
        answers: Their answers.
        metrics: Their scores.
        plugins: The plugin behind each metric entry: its range, its worst value, how it aggregates.
        dimensions: `overall`, columns of samples, `pages`, `resolution`, `attributes.NAME`, or two of them joined
            by `*`.
        combine: For metrics whose value is no mean of samples, what makes it from the scores of a group.
    """
    scored = list(_scored(samples, answers, metrics, plugins))
    asked = np.zeros(len(samples), dtype=bool)
    for each in scored:
        asked[each.at] = True
    documents = pd.factorize(samples["doc_id"], sort=True)[0].astype(np.int64)
    tables = [
        _of_dimension(dimension, groups, scored, combine)
        for dimension in dict.fromkeys(dimensions)
        if (groups := _groups(samples, dimension, documents, asked)) is not None
    ]
    frame = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=AGGREGATES.columns)
    types = {name: column.dtype.type for name, column in AGGREGATES.schema.columns.items() if column.dtype}
    return frame[AGGREGATES.columns].astype(types)


def counted(scores: pd.DataFrame, plugin: MetricPlugin, policy: Policy) -> pd.DataFrame:
    """The rows of one metric that count under a policy, with the value and the weight they count with."""
    value = scores["value"].to_numpy(dtype=np.float64)
    rows: pd.DataFrame = scores.assign(value=np.where(np.isnan(value), plugin.worst, value))[counts(scores, policy)]
    return rows if plugin.aggregate == "corpus" else rows.assign(weight=1.0)


def counts(scores: pd.DataFrame, policy: Policy) -> BoolArray:
    """Which rows of one metric count under a policy, of a table as `joined` makes it."""
    value, failed = scores["value"].to_numpy(dtype=np.float64), scores["failed"].to_numpy(dtype=bool)
    return _kept(value, failed, scores["detail"], policy)


def _kept(value: FloatArray, failed: BoolArray, detail: pd.Series, policy: Policy) -> BoolArray:
    scored = ~np.isnan(value)
    if policy == "answered_only":
        return scored
    # Null without gold stays null under both policies; a failed or a runaway answer counts as the worst.
    lost = (failed & (detail != NO_GOLD).to_numpy(dtype=bool)) | detail.str.startswith(NOT_COMPARED).to_numpy(
        dtype=bool
    )
    return np.asarray(scored | lost, dtype=np.bool_)


@dataclass(frozen=True, slots=True)
class _Scored:
    """The rows of one metric, as arrays."""

    name: str
    plugin: MetricPlugin
    frame: pd.DataFrame
    at: IntArray
    """Number of each row's sample."""
    scored: BoolArray
    value: FloatArray
    """With the worst value where there is none."""
    weight: FloatArray
    kept: Mapping[Policy, BoolArray]
    """Which rows count, by policy."""


def _scored(
    samples: pd.DataFrame, answers: pd.DataFrame, metrics: pd.DataFrame, plugins: Mapping[str, MetricPlugin]
) -> Iterator[_Scored]:
    """The rows of each metric; what compares texts is done once for all of them."""
    at = pd.Index(samples["sample_id"]).get_indexer(metrics["sample_id"]).astype(np.int64)
    failures = samples["sample_id"].isin(answers.loc[answers["status"].isin(UNANSWERED), "sample_id"])
    failed = failures.to_numpy(dtype=bool)[at]
    value = metrics["value"].to_numpy(dtype=np.float64)
    weight = metrics["weight"].to_numpy(dtype=np.float64)
    kept = {policy: _kept(value, failed, metrics["detail"], policy) for policy in POLICIES}
    codes, names = pd.factorize(metrics["metric"])
    numbers = {str(name): number for number, name in enumerate(names)}
    for name, plugin in plugins.items():
        rows = np.flatnonzero(codes == numbers.get(name, len(names)))
        scored = ~np.isnan(value[rows])
        yield _Scored(
            name=name,
            plugin=plugin,
            frame=metrics.iloc[rows] if plugin.combine else metrics.iloc[:0],
            at=at[rows],
            scored=scored,
            value=np.where(scored, value[rows], plugin.worst),
            weight=weight[rows] if plugin.aggregate == "corpus" else np.ones(len(rows)),
            kept={policy: each[rows] for policy, each in kept.items()},
        )


@dataclass(frozen=True, slots=True)
class _Groups:
    """How a dimension splits samples, and documents within each of its groups."""

    names: Sequence[str]
    of_sample: IntArray
    """The group of each sample."""
    clusters: IntArray
    """The cluster of each sample: a document within a group; by group, then by document."""
    of_cluster: IntArray
    """The group of each cluster."""


def _groups(samples: pd.DataFrame, dimension: str, documents: IntArray, asked: BoolArray) -> _Groups | None:
    """Groups in alphabetical order; None where no sample has a value for the dimension."""
    values = group_values(samples, dimension)
    if dimension != OVERALL and not has_values(values[asked]):
        return None
    codes, names = pd.factorize(values, sort=True)
    of_sample = codes.astype(np.int64)
    total = int(documents.max(initial=0)) + 1
    present, clusters = np.unique(of_sample * total + documents, return_inverse=True)
    return _Groups([str(name) for name in names] or [ALL], of_sample, clusters.astype(np.int64), present // total)


Columns = dict[str, NDArray[np.generic]]
"""Columns of the table for one metric and policy: a row per group."""


def _of_dimension(
    dimension: str, groups: _Groups, scored: Sequence[_Scored], combine: Mapping[str, Combine]
) -> pd.DataFrame:
    queue = IntervalQueue()
    parts = [part for each in scored for part in _of_metric(groups, each, combine.get(each.name), queue)]
    queue.work()
    frame = pd.concat([pd.DataFrame(part) for part in parts], ignore_index=True)
    if dimension != OVERALL:
        frame = frame[frame["n"] > 0]
    # Metrics and policies are in their order already.
    frame = frame.sort_values("code", kind="stable")
    return frame.assign(dimension=dimension, group=np.array(groups.names, dtype=object)[frame["code"]])


def _of_metric(groups: _Groups, scored: _Scored, combine: Combine | None, queue: IntervalQueue) -> Iterator[Columns]:
    count = len(groups.names)
    group = groups.of_sample[scored.at]
    n = np.bincount(group, minlength=count)
    with np.errstate(invalid="ignore"):
        coverage = np.bincount(group[scored.scored], minlength=count) / n
    before: NDArray[np.bool_] | None = None
    found: Columns = {}
    for policy in POLICIES:
        kept = scored.kept[policy]
        # Where nothing failed, both policies say the same.
        if before is None or (before != kept).any():
            cluster = groups.clusters[scored.at[kept]]
            if combine is None:
                found = _ratios(groups, cluster, scored.value[kept], scored.weight[kept], scored.plugin, queue)
            else:
                frame = scored.frame[kept].assign(value=scored.value[kept])
                found = combined(frame, cluster, groups.of_cluster, count, combine, scored.plugin)
        before = kept
        used = np.bincount(group[kept], minlength=count)
        yield {
            "code": np.arange(count),
            "metric": np.full(count, scored.name, dtype=object),
            "policy": np.full(count, policy, dtype=object),
            "n": n,
            "coverage": coverage,
            "n_scored": np.where(np.isnan(found["value"]), 0, used),
            **found,
        }


def _ratios(
    groups: _Groups,
    cluster: IntArray,
    value: FloatArray,
    weight: FloatArray,
    plugin: MetricPlugin,
    queue: IntervalQueue,
) -> Columns:
    """Value, interval and number of documents of each group; the intervals once the queue was worked off."""
    count, clusters = len(groups.names), len(groups.of_cluster)
    tops = np.bincount(cluster, weights=value * weight, minlength=clusters)
    bottoms = np.bincount(cluster, weights=weight, minlength=clusters)
    documents = np.bincount(groups.of_cluster[bottoms > 0], minlength=count)
    present = np.bincount(groups.of_cluster, minlength=count)
    # Documents without a score are drawn too and add nothing, so that all metrics share their draws; not where they
    # are many, since an interval of few documents must know that they are few.
    sparse = (documents < FEW_DOCUMENTS) | (2 * documents < present)
    there = (bottoms > 0) | ~sparse[groups.of_cluster]
    tops, bottoms, group = tops[there], bottoms[there], groups.of_cluster[there]
    with np.errstate(invalid="ignore"):
        values = np.bincount(group, tops, minlength=count) / np.bincount(group, bottoms, minlength=count)
    low, high, least = (np.full(count, np.nan) for _ in range(3))
    found = Slots(low, high, least, np.full(count, "", dtype="<U24"))
    found.method[(documents > 0) & (documents < FEWEST_DOCUMENTS)] = TOO_FEW
    sizes = np.bincount(group, minlength=count)
    starts = np.cumsum(sizes) - sizes
    # Groups with equally many documents are one matrix, however many they are.
    for size in np.unique(sizes[documents >= FEWEST_DOCUMENTS]):
        which = np.flatnonzero((sizes == size) & (documents >= FEWEST_DOCUMENTS))
        rows = starts[which] + np.arange(size)[:, None]
        queue.add(tops[rows], bottoms[rows], Range.of(plugin.lower, plugin.upper), found, which)
    return {
        "documents": documents,
        "value": values,
        "ci_low": found.low,
        "ci_high": found.high,
        "ci_method": found.method,
        "mde": found.mde,
    }


def joined(samples: pd.DataFrame, answers: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """Scores with their samples, and whether the answer failed."""
    scores = metrics.merge(samples, on="sample_id", how="left", validate="many_to_one")
    scores = scores.merge(answers[["sample_id", "status"]], on="sample_id", how="left", validate="many_to_one")
    scores["failed"] = scores["status"].isin(UNANSWERED)
    return scores


def group_values(frame: pd.DataFrame, dimension: str) -> pd.Series:
    """The group of each row of a table with the columns of samples."""
    if dimension == OVERALL:
        return pd.Series(ALL, index=frame.index, dtype=str)
    if PAIR in dimension:
        first, second = (_escaped(group_values(frame, part)) for part in dimension.split(PAIR, 1))
        return first + BETWEEN + second
    if dimension.startswith(ATTRIBUTES):
        name = dimension.removeprefix(ATTRIBUTES)
        return frame["attributes"].map(lambda text: _attribute(json.loads(text).get(name))).astype(str)
    if dimension == PAGES:
        return frame["images"].map(_pages).astype(str)
    if dimension == RESOLUTION and RESOLUTION not in frame:
        return pd.Series("", index=frame.index, dtype=str)
    return frame[dimension]


def has_values(groups: pd.Series) -> bool:
    """Whether any row has a value for the dimension that its group comes from."""
    return bool(groups.str.strip(BETWEEN).any())


def _escaped(groups: pd.Series) -> pd.Series:
    """Groups that may be joined: `a|b` and `c` must not become what `a` and `b|c` are."""
    return groups.str.replace("\\", r"\\", regex=False).str.replace(BETWEEN, "\\" + BETWEEN, regex=False)


def _attribute(value: object) -> str:
    return "" if value is None else str(value)


def _pages(images: str) -> str:
    count = len(json.loads(images))
    if not count:
        return ""
    return next((name for most, name in PAGE_BUCKETS if count <= most), "over 10")


def dimension_parts(dimensions: Iterable[str]) -> Iterator[str]:
    """Every single dimension that some dimensions are made of."""
    for dimension in dimensions:
        yield from dimension.split(PAIR)
