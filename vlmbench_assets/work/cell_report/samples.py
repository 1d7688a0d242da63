"""The samples that a cell's page shows: the worst, and those that flipped."""

import json
from collections import Counter
from collections.abc import Hashable, Mapping

import pandas as pd

from vlmbench_assets.charts.errors import all_kinds, judge
from vlmbench_assets.page.blocks import Block, Paragraph, SampleCard
from vlmbench_assets.tables import rows_of
from vlmbench_assets.work.board_parts import Suffix
from vlmbench_assets.work.cell_report.facts import Since
from vlmbench_assets.work.markdown import number
from vlmbench_assets.work.own_metric import badness, metrics_in_turn, own_rows
from vlmbench_assets.work.report_tables import ReportTables

SHOWN = 10
MOST_OF_A_KIND = 40
"""Samples of one error in one field among which documents take turns."""
HOW_TO_READ: Mapping[Suffix, str] = {
    "html": "What only the gold has is struck out, and what only the answer has is underlined.",
    "md": "The page report.html shows the pictures, and where gold and answer part.",
}
LONGEST_ANSWER = 1500
"""Characters of an answer on the page; `answers.csv` has all."""


def worst_rows(tables: ReportTables) -> pd.DataFrame:
    """The samples with the worst score by their own metric, worst first; a failed answer counts as the worst one.

    A sample's own metric is the headline, or where that does not score it another one that has a best value. Samples
    that count for none, such as those without gold, are not among them, nor are those with the best score.
    """
    rows = own_rows(tables).merge(tables.answers[["sample_id", "answer", "error"]], on="sample_id")
    found = [_with_badness(part, name, tables) for name, part in rows.groupby("metric", sort=False)]
    bad = pd.concat(found) if found else rows.assign(badness=0.0)
    bad = bad.assign(graded=bad["sample_id"].map(_graded(tables)).fillna(0.0))
    bad = bad.sort_values(["badness", "graded", "sample_id"], ascending=[False, False, True])
    taken = _in_turn(bad)
    return bad.loc[taken]


def _with_badness(part: pd.DataFrame, name: Hashable, tables: ReportTables) -> pd.DataFrame:
    plugin = tables.metric_plugins[str(name)]
    best = plugin.upper if plugin.higher_is_better else plugin.lower
    if best is None and name != tables.headline:
        return part.head(0).assign(badness=0.0)
    rows: pd.DataFrame = part.assign(badness=badness(part["value"], plugin))
    return rows[rows["value"].isna() | (rows["value"] != best)]


def _graded(tables: ReportTables) -> pd.Series:
    """How bad the samples are by the first further metric that knows more than right and wrong, by sample."""
    for name in metrics_in_turn(tables)[1:]:
        rows = tables.metrics[tables.metrics["metric"] == name].dropna(subset="value")
        if tables.metric_plugins[name].combine is None and rows["value"].nunique() > len(("right", "wrong")):
            return badness(rows.set_index("sample_id")["value"], tables.metric_plugins[name]).clip(upper=1.0)
    return pd.Series(dtype=float)


def _in_turn(rows: pd.DataFrame) -> list[Hashable]:
    """Labels of at most `SHOWN` rows: of equally bad ones each kind of error of each field in turn.

    Within a kind, documents take turns, and so do golds: copies of one document have the same.

    Args:
        rows: Worst first, with the badness.
    """
    taken: list[Hashable] = []
    shown = Counter[object]()
    for _, level in rows.groupby("badness", sort=False):
        again = level.groupby(["category", "field", "doc_id"], sort=False).cumcount()
        some = level.loc[again.sort_values(kind="stable").index]
        # No more of a kind can be shown.
        some = some.groupby(["category", "field"], sort=False).head(MOST_OF_A_KIND)
        left = [(each["category"], each["field"], each["doc_id"], each["references"]) for each in rows_of(some)]
        labels = list(some.index)
        while left and len(taken) < SHOWN:
            place = min(range(len(left)), key=[_turn(each, shown) for each in left].__getitem__)
            category, name, document, gold = left.pop(place)
            taken.append(labels.pop(place))
            shown.update([("kind", category, name), ("document", document), ("gold", name, gold)])
    return taken


def _turn(row: tuple[str, str, str, str], shown: Counter[object]) -> tuple[int, int]:
    """How often the like of a row was shown: of its kind, of its document or gold."""
    category, name, document, gold = row
    return shown["kind", category, name], shown["document", document] + shown["gold", name, gold]


def worst_samples(tables: ReportTables, thumbnails: Mapping[str, bytes], suffix: Suffix = "md") -> tuple[Block, ...]:
    """A card for each of the worst samples."""
    scored = tables.metrics["value"].notna().any()
    rows = worst_rows(tables)
    if rows.empty:
        return (Paragraph(("None: every sample has the best score." if scored else "None was scored.",)),)
    judged = all_kinds(tables).set_index("sample_id") if judge(tables) else pd.DataFrame(columns=["metric"])
    by = judged["metric"].to_dict()
    said = tables.metrics.set_index(["sample_id", "metric"])["category"].to_dict()
    cards = tuple(
        SampleCard(
            title=row["sample_id"],
            question=row["question"],
            gold=tuple(json.loads(row["references"])),
            answers=(("answer", _said(row["answer"])),),
            facts=(
                ("field", row["field"]),
                (row["metric"], number(None if pd.isna(row["value"]) else row["value"])),
                _kind(row["metric"], by.get(row["sample_id"], row["metric"]), row["sample_id"], said),
                ("status", _status(row["status"], row["error"])),
            ),
            thumbnail=thumbnails.get(row["sample_id"]),
        )
        for row in rows.to_dict("records")
    )
    return (Paragraph((HOW_TO_READ[suffix],)), *cards)


def _kind(own: str, judge: str, sample: str, said: Mapping[Hashable, str]) -> tuple[str, str]:
    """The kind of error, with the metric that tells it where that is not the sample's own."""
    told = said.get((sample, judge), "").replace("_", " ")
    return "kind of error" if judge == own else f"kind of error, by {judge}", told


def flipped_rows(flips: pd.DataFrame) -> pd.DataFrame:
    """The flips that are shown: as many losses as gains where there are enough of both, the largest of each first."""
    worse, better = flips[flips["moved"] == "worse"], flips[flips["moved"] == "better"].iloc[::-1]
    losses = max(SHOWN // 2, SHOWN - len(better))
    worse = worse.head(losses)
    return pd.concat([worse, better.head(SHOWN - len(worse))])


def flipped_samples(since: Since | None, thumbnails: Mapping[str, bytes], suffix: Suffix = "md") -> tuple[Block, ...]:
    """A card for each of the samples that flipped most."""
    if since is None or since.flips.empty:
        return ()
    cards = tuple(
        SampleCard(
            title=row["sample_id"],
            question=row["question"],
            gold=tuple(json.loads(row["references"])),
            answers=tuple((when, _said(row[f"answer_{at}"])) for when, at in STATES),
            facts=(
                ("field", row["field"]),
                ("score", f"{row['first']:.3f} → {row['second']:.3f}, {row['moved']}"),
                *((f"status {when}", _status(row[f"status_{at}"])) for when, at in STATES),
            ),
            thumbnail=thumbnails.get(row["sample_id"]),
        )
        for row in flipped_rows(since.flips).to_dict("records")
    )
    shown = (f"Those that moved most, {len(cards)} of {len(since.flips)}. ", HOW_TO_READ[suffix])
    return (Paragraph(shown), *cards)


STATES = (("before", "first"), ("now", "second"))


def _said(answer: str) -> str:
    return answer if len(answer) <= LONGEST_ANSWER else answer[: LONGEST_ANSWER - 1] + "…"


def _status(status: str, error: str = "") -> str:
    """How an answer ended, where it did not simply come."""
    return "" if status == "ok" else f"{status}: {error}" if error else status
