"""Kinds of errors per field."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from vlmbench_assets.charts.style import CATEGORY_COLOURS, FAINT, INK, biggest, counted, label, new_figure
from vlmbench_assets.contracts import UNANSWERED
from vlmbench_assets.work.own_metric import metrics_in_turn
from vlmbench_assets.work.report_tables import ReportTables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMALLEST_NAMED = 0.06
WHITE_ON = frozenset({"correct", "wrong_value", "failed"})
NO_VERDICT = frozenset({"", "unparsed"})
"""Categories that every metric's rows may have, whether it judges right and wrong or not."""


def judge(tables: ReportTables) -> str:
    """The metric whose verdicts are shown: the headline, or else the first that tells right from wrong.

    Empty when none does.
    """
    rows = tables.metrics[~tables.metrics["category"].isin(NO_VERDICT)]
    judging = set(rows["metric"])
    return next((name for name in [tables.headline, *tables.metric_plugins] if name in judging), "")


def kinds_of(tables: ReportTables, metric: str) -> pd.DataFrame:
    """What became of each answer that a metric looked at: sample_id, field and kind.

    Besides the categories: `failed` for an answer that failed, `unscored` for a null score of an answer
    that did not, `not_judged` for a score without a verdict.
    """
    rows = tables.metrics[tables.metrics["metric"] == metric]
    rows = rows.merge(tables.samples[["sample_id", "field"]], on="sample_id")
    rows = rows.merge(tables.answers[["sample_id", "status"]], on="sample_id")
    open_ = rows["category"] == ""
    kind = rows["category"].mask(open_, "not_judged").mask(open_ & rows["value"].isna(), "unscored")
    kind = kind.mask(open_ & rows["status"].isin(UNANSWERED), "failed")
    return rows[["sample_id", "field"]].assign(kind=kind)


def all_kinds(tables: ReportTables) -> pd.DataFrame:
    """`kinds_of` the metric that judges, and of samples that it does not look at by the next that does, as `metric`."""
    rows = tables.metrics[~tables.metrics["category"].isin(NO_VERDICT)]
    judging = set(rows["metric"])
    found = [pd.DataFrame(columns=["sample_id", "field", "kind", "metric"], dtype=str)]
    turn = dict.fromkeys([judge(tables), *metrics_in_turn(tables)])
    found += [kinds_of(tables, metric).assign(metric=metric) for metric in turn if metric in judging]
    return pd.concat(found, ignore_index=True).drop_duplicates("sample_id", ignore_index=True)


def judges(kinds: pd.DataFrame) -> str:
    """The metrics that judged, by name."""
    return " and ".join(dict.fromkeys(kinds["metric"]))


def error_counts(kinds: pd.DataFrame) -> pd.DataFrame:
    """Samples by field (rows) and kind of error (columns)."""
    return pd.crosstab(kinds["field"], kinds["kind"])


def draw(tables: ReportTables) -> "Figure | None":
    """Draw one stacked bar per field; nothing where no metric judges right and wrong."""
    if not judge(tables):
        return None
    found = all_kinds(tables)
    counts = error_counts(found)
    names, rest = biggest({str(field): int(n) for field, n in counts.sum(axis=1).items()})
    counts = counts.loc[names]
    totals = counts.sum(axis=1)
    figure, (axes,) = new_figure(1.5 + 0.46 * len(names))
    rows = np.arange(len(names))
    left = np.zeros(len(names))
    kinds = [kind for kind in CATEGORY_COLOURS if kind in counts.columns]
    for kind in kinds:
        shares = (counts[kind] / totals).to_numpy(dtype=float)
        axes.barh(rows, shares, left=left, color=CATEGORY_COLOURS[kind], label=kind.replace("_", " "), height=0.7)
        for row in np.flatnonzero(shares >= SMALLEST_NAMED).tolist():
            middle, said = left[row] + shares[row] / 2, f"{100 * shares[row]:.0f} %"
            ink = "white" if kind in WHITE_ON else INK
            axes.text(middle, row, said, ha="center", va="center", fontsize=9, color=ink)
        left += shares
    # By position, for two long names may be cut to the same label.
    axes.set_yticks(rows, [f"{label(name)}  (n={counted(int(totals[name]))})" for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda share, _: f"{100 * share:.0f} %")
    axes.set_xlabel(f"share of samples, judged by {label(judges(found))}")
    axes.set_ylabel(f"field{rest}" if len(names) > 2 else "field")
    axes.grid(axis="x", color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper left", ncols=min(len(kinds), 5), frameon=False, fontsize=9)
    return figure


def numbers(tables: ReportTables) -> pd.DataFrame:
    """The counts behind the picture: a field a row, a kind of error a column."""
    found = all_kinds(tables)
    counts = error_counts(found)
    kinds = [kind for kind in CATEGORY_COLOURS if kind in counts.columns]
    table = counts[kinds].assign(n=counts.sum(axis=1)).reset_index()
    return table.rename(columns={kind: kind.replace("_", " ") for kind in kinds})
