"""The samples that a cell's page shows: the worst, and those that flipped."""

import json
from collections.abc import Mapping

import pandas as pd

from vlmbench_assets.charts.errors import judge
from vlmbench_assets.page.blocks import Block, Paragraph, SampleCard
from vlmbench_assets.work.aggregate import counts, joined
from vlmbench_assets.work.cell_report.facts import Since
from vlmbench_assets.work.markdown import number
from vlmbench_assets.work.report_tables import HEADLINE_POLICY, ReportTables

SHOWN = 10
HOW_TO_READ = "On the HTML page what only the gold has is struck out, and what only the answer has is underlined."
LONGEST_ANSWER = 1500
"""Characters of an answer on the page; `answers.csv` has all."""


def worst_rows(tables: ReportTables) -> pd.DataFrame:
    """The samples with the worst headline score, worst first; a failed answer counts as the worst one.

    Samples that do not count in the headline, such as those without gold, are not among them, nor are those with the
    best score.
    """
    rows = joined(tables.samples, tables.answers, tables.metrics[tables.metrics["metric"] == tables.headline])
    rows = rows[counts(rows, HEADLINE_POLICY)].merge(tables.answers[["sample_id", "answer", "error"]], on="sample_id")
    plugin = tables.metric_plugins.get(tables.headline)
    if plugin is None:
        return rows.head(0)
    badness = rows["value"].fillna(plugin.worst) * (-1 if plugin.higher_is_better else 1)
    best = plugin.upper if plugin.higher_is_better else plugin.lower
    rows = rows.assign(badness=badness)[rows["value"].isna() | (rows["value"] != best)]
    rows = rows.sort_values(["badness", "sample_id"], ascending=[False, True])
    # Of equally bad ones, each document comes once before any comes twice.
    turn = rows.groupby(["badness", "doc_id"], sort=False).cumcount()
    return rows.assign(turn=turn).sort_values(["badness", "turn"], ascending=[False, True], kind="stable").head(SHOWN)


def worst_samples(tables: ReportTables, thumbnails: Mapping[str, bytes]) -> tuple[Block, ...]:
    """A card for each of the worst samples."""
    scored = tables.metrics.loc[tables.metrics["metric"] == tables.headline, "value"].notna().any()
    rows = worst_rows(tables)
    if rows.empty:
        return (Paragraph(("None: every sample has the best score." if scored else "None was scored.",)),)
    judging = judge(tables) or tables.headline
    judged = tables.metrics[tables.metrics["metric"] == judging].set_index("sample_id")["category"]
    kind = "kind of error" if judging == tables.headline else f"kind of error, by {judging}"
    cards = tuple(
        SampleCard(
            title=row["sample_id"],
            question=row["question"],
            gold=tuple(json.loads(row["references"])),
            answers=(("answer", _said(row["answer"])),),
            facts=(
                ("field", row["field"]),
                (tables.headline, number(None if pd.isna(row["value"]) else row["value"])),
                (kind, judged.get(row["sample_id"], "").replace("_", " ")),
                ("status", _status(row["status"], row["error"])),
            ),
            thumbnail=thumbnails.get(row["sample_id"]),
        )
        for row in rows.to_dict("records")
    )
    return (Paragraph((HOW_TO_READ,)), *cards)


def flipped_rows(flips: pd.DataFrame) -> pd.DataFrame:
    """The flips that are shown: as many losses as gains where there are enough of both, the largest of each first."""
    worse, better = flips[flips["moved"] == "worse"], flips[flips["moved"] == "better"].iloc[::-1]
    losses = max(SHOWN // 2, SHOWN - len(better))
    worse = worse.head(losses)
    return pd.concat([worse, better.head(SHOWN - len(worse))])


def flipped_samples(since: Since | None, thumbnails: Mapping[str, bytes]) -> tuple[Block, ...]:
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
    shown = (f"Those that moved most, {len(cards)} of {len(since.flips)}. ", HOW_TO_READ)
    return (Paragraph(shown), *cards)


STATES = (("before", "first"), ("now", "second"))


def _said(answer: str) -> str:
    return answer if len(answer) <= LONGEST_ANSWER else answer[: LONGEST_ANSWER - 1] + "…"


def _status(status: str, error: str = "") -> str:
    """How an answer ended, where it did not simply come."""
    return "" if status == "ok" else f"{status}: {error}" if error else status
