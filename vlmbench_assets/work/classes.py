"""Which class a model takes for which."""

import json
from collections.abc import Iterator

import pandas as pd

from vlmbench_assets.contracts import UNANSWERED
from vlmbench_assets.work.report_tables import ReportTables
from vlmbench_sdk.metric import NO_GOLD, UNPARSED_CLASS, classes_of

OTHER = "(further classes)"
"""Those of many classes that do not stand by name."""
NONE_SUCH = "(no such class)"
"""What a model named that no gold has; a class may itself be called other."""
MOST = 16


def confusion(tables: ReportTables) -> pd.DataFrame:
    """Count samples by gold class (rows) and class that was named (columns); empty where there are no classes.

    Classes are those that a metric wrote into its `detail`; the headline's, or those of the first metric that has
    any. What names no class, and what failed, is `(unparsed)`, the last column. Of many classes the `MOST` with
    most samples stand by name.
    """
    for metric in dict.fromkeys([tables.headline, *tables.metric_plugins]):
        rows = tables.metrics[tables.metrics["metric"] == metric]
        if rows["detail"].map(classes_of).notna().any():
            return _counted(rows.merge(tables.samples[["sample_id", "references"]], on="sample_id"), tables)
    return pd.DataFrame()


def _counted(rows: pd.DataFrame, tables: ReportTables) -> pd.DataFrame:
    found = rows["detail"].map(classes_of)
    # A failed answer may have no class beside it; its gold is named as where an answer came.
    names = {reference: pair[0] for reference, pair in zip(rows["references"], found, strict=True) if pair is not None}
    failed = rows["sample_id"].isin(tables.answers.loc[tables.answers["status"].isin(UNANSWERED), "sample_id"])
    pairs = pd.DataFrame(_pairs(rows, found, failed, names), columns=["gold", "said"])
    order = pairs["gold"].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    kept = set(order.index[:MOST])
    shown = [*kept, UNPARSED_CLASS]
    gold, said = (pairs[side].where(pairs[side].isin(shown), OTHER) for side in ("gold", "said"))
    said = said.mask(~pairs["said"].isin([*order.index, UNPARSED_CLASS]), NONE_SUCH)
    table: pd.DataFrame = pd.crosstab(gold, said)
    golds = [*sorted(kept), *([OTHER] if OTHER in table.index and OTHER not in kept else [])]
    named = [*golds, *(name for name in (OTHER, NONE_SUCH, UNPARSED_CLASS) if name in set(table.columns) - set(golds))]
    return table.reindex(index=golds, columns=named, fill_value=0)


def _pairs(rows: pd.DataFrame, found: pd.Series, failed: pd.Series, names: dict[str, str]) -> Iterator[tuple[str, str]]:
    columns = (rows["references"], rows["detail"], found, failed)
    for references, detail, pair, lost in zip(*columns, strict=True):
        if pair is not None:
            yield pair
        elif lost and detail != NO_GOLD:
            golds = json.loads(references)
            yield names.get(references, golds[0] if golds else ""), UNPARSED_CLASS
