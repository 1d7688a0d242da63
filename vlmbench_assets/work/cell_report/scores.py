"""The scores of a cell, and how they break down."""

from collections.abc import Hashable, Mapping, Sequence

import pandas as pd

from vlmbench_assets.page.blocks import Block, Bullets, Code, Inline, Paragraph, Section, Strong, Table
from vlmbench_assets.work.cell_report.facts import ReportFacts
from vlmbench_assets.work.compare import Difference
from vlmbench_assets.work.markdown import NOTHING, interval, number, percent
from vlmbench_assets.work.own_metric import metrics_in_turn, own_groups
from vlmbench_assets.work.report_tables import ReportTables
from vlmbench_assets.work.standing import number_of
from vlmbench_assets.work.statistics import TOO_FEW

BREAKDOWNS = ("field", "doc_type", "subset", "language")
OTHER_METRICS = 3


def scores(tables: ReportTables) -> tuple[Block, ...]:
    """Every metric, under both policies."""
    rows = []
    for name, plugin in tables.metric_plugins.items():
        worst = tables.groups("overall", name).to_dict("records")
        answered = tables.groups("overall", name, "answered_only").to_dict("records")
        if worst and answered and worst[0]["n"]:
            rows.append(
                (
                    name,
                    "higher" if plugin.higher_is_better else "lower",
                    number(worst[0]["value"]),
                    ends(worst[0]),
                    number(answered[0]["value"]),
                    percent(worst[0]["coverage"]),
                    str(worst[0]["n"]),
                )
            )
    if not rows:
        return (Paragraph(("No metric applies to these samples.",)),)
    header = ("metric", "better is", "score", "95 % interval", "answered only", "coverage", "n")
    said = (
        Code("score"),
        " counts a failed answer as the metric's worst value; ",
        Code("answered only"),
        " leaves it out.",
    )
    return (Table(header, tuple(rows)), Paragraph(said))


def breakdowns(tables: ReportTables, facts: ReportFacts) -> list[Section]:
    """A section for each dimension; one without several groups is empty."""
    found = []
    for dimension in BREAKDOWNS:
        blocks = _breakdown(tables, dimension)
        if blocks and dimension == "subset":
            blocks += _robustness(tables, facts.drops)
        found.append(Section(f"By {dimension}", blocks))
    return found


def _breakdown(tables: ReportTables, dimension: str) -> tuple[Block, ...]:
    found = own_groups(tables, dimension, metrics_in_turn(tables))
    # One group would only repeat the headline.
    if len(found) < 2:
        return ()
    own = list(found["metric"].unique())
    values = {
        name: tables.groups(dimension, name).dropna(subset="value").set_index("group")["value"].to_dict()
        for name in tables.metric_plugins
        if name not in own
    }
    others = [name for name in values if values[name]][:OTHER_METRICS]
    several = len(own) > 1
    rows = tuple(
        (
            str(row["group"]) or "(none)",
            *([row["metric"]] if several else []),
            number(row["value"]),
            ends(row),
            *(number(values[name].get(row["group"])) for name in others),
            percent(row["coverage"]),
            str(row["n"]),
        )
        for row in found.to_dict("records")
    )
    first = ("scored by", "score") if several else (tables.headline,)
    table = Table((dimension, *first, "95 % interval", *others, "coverage", "n"), rows)
    said = (Code(tables.headline), " scores no sample of some rows: those are scored by another metric.")
    return (Paragraph(said), table) if several else (table,)


def ends(row: Mapping[Hashable, object]) -> str:
    """The interval of a row of aggregates, or why there is none."""
    low, high, documents = row["ci_low"], row["ci_high"], row["documents"]
    if isinstance(low, float) and isinstance(high, float) and (said := interval(low, high)):
        return said
    if row["ci_method"] == TOO_FEW and isinstance(documents, int):
        return f"{number_of(documents, 'document')}: too few"
    return NOTHING


def _robustness(tables: ReportTables, drops: Sequence[tuple[str, Difference]]) -> tuple[Block, ...]:
    """The paired change from clean images to the others."""
    if not drops:
        return ()
    rows = tuple((name, *change(each)) for name, each in drops)
    caption = (
        f"{tables.headline}: the change from clean images, on the same questions about the same documents; "
        "verdicts are corrected for the number of subsets"
    )
    return (Table(("subset", *CHANGE), rows, caption=caption),)


CHANGE = ("from", "to", "change", "95 % interval", "verdict", "samples", "documents")
"""Headings of what `change` gives."""


def change(found: Difference) -> tuple[str, ...]:
    """A paired difference, in cells."""
    ends = "" if found.low is None or found.high is None else f"{found.low:+.3f} to {found.high:+.3f}"
    moved = NOTHING if found.difference is None else f"{found.difference:+.3f}"
    return (
        number(found.first),
        number(found.second),
        moved.replace("-", "−"),
        ends.replace("-", "−"),
        found.verdict,
        str(found.samples),
        str(found.documents),
    )


def statuses(answers: pd.DataFrame) -> tuple[Block, ...]:
    """How many answers ended how, and why."""
    rows = []
    for status, part in answers.groupby("status", sort=True):
        errors = part.loc[part["error"] != "", "error"].value_counts()
        common = str(errors.index[0]) if len(errors) else ""
        rows.append((str(status), str(len(part)), percent(len(part) / len(answers)), common))
    if not rows:
        return (Paragraph(("No answers.",)),)
    return (Table(("status", "answers", "share", "most common reason"), tuple(rows)),)


def since(facts: ReportFacts) -> tuple[Block, ...]:
    """What changed since the cell was scored before."""
    if facts.since is None:
        return (Paragraph((facts.gone,)),) if facts.gone else ()
    found = facts.since
    table = Table(CHANGE, (change(found.difference),), caption=f"{found.metric}, compared sample by sample")
    flips = found.flips
    better = int((flips["moved"] == "better").sum()) if len(flips) else 0
    counted: tuple[Inline, ...] = (
        Strong(f"{number_of(len(flips), 'sample')} flipped"),
        f": {better} better, {len(flips) - better} worse.",
    )
    if found.left_out:
        counted = (*counted, f" Left out: {number_of(found.left_out, 'sample')} that only one of both has.")
    reasons = tuple((reason,) for reason in found.reasons) or (("nothing that is known",),)
    return (Paragraph(counted), table, Paragraph(("What changed:",)), Bullets(reasons))


def facts_table(facts: Mapping[str, str], longest: int) -> tuple[Block, ...]:
    """Names and values; those without a value are left out."""
    rows = tuple((name, value) for name, value in facts.items() if value)
    return (Table(("", ""), rows, longest=longest),) if rows else ()
