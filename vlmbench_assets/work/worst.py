"""The samples on which a model did worst."""

import json

import pandas as pd

from vlmbench_assets.work.aggregate import counts, joined
from vlmbench_assets.work.markdown import markdown_table, number
from vlmbench_assets.work.report_tables import HEADLINE_POLICY, ReportTables

SHOWN = 10


def worst_samples(tables: ReportTables) -> str:
    """A table of the samples with the worst headline score; a failed answer counts as the worst one.

    Samples that do not count in the headline, such as those without gold, are not among them.
    """
    rows = joined(tables.samples, tables.answers, tables.metrics[tables.metrics["metric"] == tables.headline])
    rows = rows[counts(rows, HEADLINE_POLICY)].merge(tables.answers[["sample_id", "answer", "error"]], on="sample_id")
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
