"""What a report and its pictures are made from."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from vlmbench_assets.contracts import Policy
from vlmbench_sdk import MetricPlugin

HEADLINE_POLICY: Policy = "failures_worst"


@dataclass(frozen=True, slots=True)
class ReportTables:
    """The four tables of a cell, and what its headline is."""

    samples: pd.DataFrame
    answers: pd.DataFrame
    metrics: pd.DataFrame
    aggregates: pd.DataFrame
    headline: str
    """Name of the metric entry that ranks."""
    metric_plugins: Mapping[str, MetricPlugin]
    title: str

    def groups(self, dimension: str, metric: str = "", policy: str = HEADLINE_POLICY) -> pd.DataFrame:
        """Aggregates of one dimension, metric (the headline by default) and policy."""
        frame = self.aggregates
        found = frame[
            (frame["dimension"] == dimension)
            & (frame["metric"] == (metric or self.headline))
            & (frame["policy"] == policy)
        ]
        return found.reset_index(drop=True)
