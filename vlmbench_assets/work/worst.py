"""The samples on which a model did worst."""

import json

import pandas as pd

from vlmbench_assets.contracts import UNANSWERED
from vlmbench_assets.work.markdown import markdown_table, number
from vlmbench_assets.work.report_tables import ReportTables

SHOWN = 10
NO_GOLD = "[]"


def worst_samples(tables: ReportTables) -> str:
    """A table of the samples with the worst headline score; a failed answer counts as the worst one.

    Samples that nothing can score (no gold, or null from the metric) are not among them.
    """
    rows = tables.metrics[tables.metrics["metric"] == tables.headline]
    rows = rows.merge(tables.samples, on="sample_id").merge(
        tables.answers[["sample_id", "status", "answer", "error"]], on="sample_id"
    )
    rows = rows[rows["value"].notna() | (rows["status"].isin(UNANSWERED) & (rows["references"] != NO_GOLD))]
    plugin = tables.metric_plugins.get(tables.headline)
    if plugin is None or rows.empty:
        return "None was scored."
    badness = rows["value"].fillna(plugin.worst) * (-1 if plugin.higher_is_better else 1)
    best = plugin.upper if plugin.higher_is_better else plugin.lower
    rows = rows.assign(badness=badness)[rows["value"].isna() | (rows["value"] != best)]
    rows = rows.sort_values(["badness", "sample_id"], ascending=[False, True]).head(SHOWN)
    if rows.empty:
        return "None: every sample has the best score."
    shown = [
        [
            row["sample_id"],
            row["field"],
            row["question"],
            " / ".join(json.loads(row["references"])),
            row["answer"] or (f"({row['status']}) {row['error']}".strip()),
            number(None if pd.isna(row["value"]) else row["value"]),
            row["category"].replace("_", " "),
        ]
        for row in rows.to_dict("records")
    ]
    header = ["sample", "field", "question", "gold", "answer", tables.headline, "kind of error"]
    return markdown_table(header, shown)
