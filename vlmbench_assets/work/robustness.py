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
    """The change of a metric from `clean` to every other subset of one cell, paired by document and question.

    Each `Difference` has the score on the clean images as `first` and on the damaged ones as `second`, over the
    questions that both were asked: `difference` is below 0 where a score that should be high dropped, `low` and `high`
    are its 95 % interval over documents, `p_holm` is corrected over the subsets, and `samples` says how many questions
    were paired. A failed answer counts as the metric's worst value.

    Left out are questions that only one of both was asked, those that a subset asks several times about a document,
    samples without a subset, and subsets of which nothing can be paired; without a subset `clean` there is no drop.

    Args:
        scored: A cell, with answers that broke their output contract as `parse_failed`.
        metric: Name of the metric entry; of a page its headline.
        plugin: The plugin behind it.
        combine: For a metric whose value is no mean of samples.

    Returns:
        Subset and drop, by the subset's name.
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
