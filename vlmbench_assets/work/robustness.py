"""How far a model drops from clean images to damaged ones, on the same questions about the same documents."""

from collections.abc import Sequence

import pandas as pd

from vlmbench_assets.work.aggregate import counted, joined
from vlmbench_assets.work.combined import Combine
from vlmbench_assets.work.compare import Difference, Scored, corrected_for_number, difference, paired_rows
from vlmbench_sdk import MetricPlugin

CLEAN = "clean"
"""The subset that others are held against."""
SAME = ["doc_id", "field", "question", "metric"]
"""What a question has in common with itself under another condition."""


def drops(
    scored: Scored, metric: str, plugin: MetricPlugin, combine: Combine | None = None
) -> list[tuple[str, Difference]]:
    """The change of a metric from `clean` to every other subset, paired by document and question.

    Questions that only one of both has are left out, and so are those that a subset asks several times of a
    document. p-values are corrected over the subsets.

    Args:
        scored: A cell.
        metric: Name of the metric entry.
        plugin: The plugin behind it.
        combine: For a metric whose value is no mean of samples.
    """
    rows = joined(scored.samples, scored.answers, scored.metrics[scored.metrics["metric"] == metric])
    rows = counted(rows, plugin, "failures_worst")
    subsets = [str(name) for name in sorted(rows["subset"].unique()) if name not in {CLEAN, ""}]
    clean = _once(rows[rows["subset"] == CLEAN])[[*SAME, "value", "weight", "category", "detail"]]
    found = [
        (name, difference(paired_rows(_once(rows[rows["subset"] == name]), clean, SAME), plugin, combine))
        for name in subsets
    ]
    told: Sequence[Difference] = corrected_for_number([each for _, each in found], plugin)
    return [(name, each) for (name, _), each in zip(found, told, strict=True) if each.samples]


def _once(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[~rows.duplicated(SAME, keep=False)]
