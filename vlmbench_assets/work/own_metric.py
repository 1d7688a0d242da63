"""Which metric speaks of a sample: the headline, or for a sample that it does not score another one."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from vlmbench_assets.work.aggregate import counts, joined
from vlmbench_assets.work.report_tables import HEADLINE_POLICY, ReportTables
from vlmbench_sdk import MetricPlugin


@dataclass(frozen=True, slots=True)
class Unscored:
    """Samples that the headline does not score."""

    samples: int
    by: dict[str, int]
    """How many of them which other metric scores; what no metric scores is in none."""


def metrics_in_turn(tables: ReportTables) -> list[str]:
    """The headline, then metrics that look at gold, then rules that look at the answer alone."""
    others = sorted(tables.metric_plugins, key=lambda name: not tables.metric_plugins[name].needs_gold)
    return [name for name in dict.fromkeys([tables.headline, *others]) if name in tables.metric_plugins]


def own_rows(tables: ReportTables) -> pd.DataFrame:
    """The samples that count for any metric with their score by the first of `metrics_in_turn` that they count for.

    Columns are those of metrics, samples and answers' status, and `failed`.
    """
    rows = joined(tables.samples, tables.answers, tables.metrics)
    turn = {name: number for number, name in enumerate(metrics_in_turn(tables))}
    rows = rows[counts(rows, HEADLINE_POLICY) & rows["metric"].isin(list(turn))]
    rows = rows.assign(place=rows["metric"].map(turn)).sort_values("place", kind="stable")
    return rows.drop_duplicates("sample_id").drop(columns="place")


def unscored(tables: ReportTables) -> Unscored:
    """What of the samples the headline does not score."""
    found = own_rows(tables)["metric"].value_counts().to_dict()
    return Unscored(
        len(tables.samples) - found.pop(tables.headline, 0), {str(name): int(n) for name, n in found.items()}
    )


def own_groups(tables: ReportTables, dimension: str, metrics: Sequence[str]) -> pd.DataFrame:
    """Aggregates of one dimension, each group by the first of the metrics that scores some of it."""
    found: list[pd.DataFrame] = []
    taken: set[str] = set()
    for name in metrics:
        groups = tables.groups(dimension, name)
        groups = groups[~groups["group"].isin(taken) & ((groups["n"] > 0) | (name == tables.headline))]
        taken |= set(groups["group"])
        found.append(groups)
    return pd.concat(found, ignore_index=True) if found else tables.groups(dimension)


def alike(tables: ReportTables) -> list[str]:
    """Those of `metrics_in_turn` that have the range and the direction of the headline, so that one axis fits all."""
    plugins = tables.metric_plugins
    if tables.headline not in plugins:
        return []
    return [name for name in metrics_in_turn(tables) if _scale(plugins[name]) == _scale(plugins[tables.headline])]


def badness(values: pd.Series, plugin: MetricPlugin) -> pd.Series:
    """How far from the best possible value scores are, as a share of the range where there is one; larger is worse.

    Null scores count as the worst. Without a best value the scores themselves say it.
    """
    values = values.fillna(plugin.worst)
    best = plugin.upper if plugin.higher_is_better else plugin.lower
    if best is None:
        return -values if plugin.higher_is_better else values
    span = plugin.upper - plugin.lower if plugin.upper is not None and plugin.lower is not None else 1.0
    return (values - best).abs() / span


def _scale(plugin: MetricPlugin) -> tuple[bool, float | None, float | None]:
    return plugin.higher_is_better, plugin.lower, plugin.upper
