"""Kinds of errors of the headline metric, per field."""

from typing import TYPE_CHECKING

import pandas as pd

from vlmbench_assets.charts.style import CATEGORY_COLOURS, FAINT, INK, label, new_figure
from vlmbench_assets.contracts import UNANSWERED
from vlmbench_assets.work.report_tables import ReportTables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALLEST_NAMED = 0.06


def error_counts(tables: ReportTables) -> pd.DataFrame:
    """Samples by field (rows) and kind of error (columns); a failed answer is `failed`."""
    rows = tables.metrics[tables.metrics["metric"] == tables.headline]
    rows = rows.merge(tables.samples[["sample_id", "field"]], on="sample_id")
    rows = rows.merge(tables.answers[["sample_id", "status"]], on="sample_id")
    kind = rows["category"].mask(rows["category"] == "", "unscored")
    kind = kind.mask(rows["status"].isin(UNANSWERED) & (kind == "unscored"), "failed")
    return pd.crosstab(rows["field"], kind)


def draw(tables: ReportTables) -> "Figure | None":
    """Draw one stacked bar per field; nothing where the headline metric judges no right and wrong."""
    counts = error_counts(tables)
    kinds = [kind for kind in CATEGORY_COLOURS if kind in counts.columns]
    if counts.empty or kinds == ["unscored"]:
        return None
    shares = counts.div(counts.sum(axis=1), axis=0)
    figure, axes = new_figure(1.3 + 0.5 * len(counts))
    left = pd.Series(0.0, index=counts.index)
    names = [f"{label(str(field))}  (n={int(n)})" for field, n in counts.sum(axis=1).items()]
    for kind in kinds:
        part = shares[kind]
        axes.barh(names, part, left=left, color=CATEGORY_COLOURS[kind], label=kind.replace("_", " "), height=0.7)
        for position, (start, share) in enumerate(zip(left, part, strict=True)):
            if share >= SMALLEST_NAMED:
                ink = "white" if kind in {"correct", "wrong_value", "failed"} else INK
                axes.text(
                    start + share / 2,
                    position,
                    f"{100 * share:.0f} %",
                    ha="center",
                    va="center",
                    fontsize=9,
                    color=ink,
                )
        left = left + part
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    axes.set_xlabel("share of samples")
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper left", ncols=len(kinds), frameon=False, fontsize=9)
    return figure
