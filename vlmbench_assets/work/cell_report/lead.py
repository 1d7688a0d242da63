"""The first screen of a cell's page: the answer at a glance, and what to know before trusting it."""

from collections.abc import Iterator

import pandas as pd

from vlmbench_assets.charts.errors import all_kinds, judge, judges
from vlmbench_assets.contracts import UNANSWERED
from vlmbench_assets.page.blocks import Block, Bullets, Inline, Notice, Paragraph, Strong, Tile, Tiles
from vlmbench_assets.work.cell_report.facts import ReportFacts
from vlmbench_assets.work.markdown import NOTHING, interval, number, percent
from vlmbench_assets.work.own_metric import Unscored, unscored
from vlmbench_assets.work.percentiles import median
from vlmbench_assets.work.report_tables import ReportTables
from vlmbench_assets.work.standing import number_of

NOTHING_THERE = ("[]", '[""]')
"""References of a sample without gold, and of one that rightly has no answer."""
NO_ANSWER = ("error", "timeout", "refused")
"""Statuses without a text that could be read."""


def lead(tables: ReportTables, facts: ReportFacts) -> tuple[Block, ...]:
    """Notices, the answer in a sentence, and as tiles."""
    said = Paragraph(tuple(_sentence(tables)))
    notices = tuple(Notice(parts) for parts in _notices(facts))
    if tables.samples.empty:
        return (*notices, said)
    left = unscored(tables)
    glance = tuple(_glance(tables, facts, left))
    return (*notices, said, Tiles(tuple(_tiles(tables, facts, left.samples))), *((Bullets(glance),) if glance else ()))


def _notices(facts: ReportFacts) -> Iterator[tuple[Inline, ...]]:
    if facts.limit:
        yield (Strong(f"Only the first {facts.limit} samples of the dataset were asked."),)
    if facts.tuned:
        yield (Strong("The prompts were tuned on this very split, so the score flatters the model."),)
    if facts.stale:
        yield Strong("Stale when this page was made:"), f" {'; '.join(facts.stale)}."
    if facts.imported:
        unknown = "Nobody here asked the model, so how it was asked, and on what, is not known."
        yield Strong("Imported:"), f" the answers come from {facts.imported}. {unknown}"


def _sentence(tables: ReportTables) -> Iterator[Inline]:
    samples = len(tables.samples)
    if not samples:
        yield "The dataset has no samples, so there is nothing to score."
        return
    # Not every sample: a metric may apply to some of them only.
    judged = tables.metrics.loc[tables.metrics["metric"] == tables.headline, "sample_id"]
    documents = tables.samples.loc[tables.samples["sample_id"].isin(judged), "doc_id"].nunique()
    row, bounds = _overall(tables)
    if row is None:
        yield "No score. "
    else:
        yield Strong(f"{tables.headline} {number(row['value'])}")
        yield f", 95 % interval {bounds}" if bounds else ""
        yield f", from {row['n']} samples of {documents} documents. "
        plugin = tables.metric_plugins[tables.headline]
        unit = f", {plugin.unit}" if plugin.unit else ""
        yield f"{'Higher' if plugin.higher_is_better else 'Lower'} is better{unit}. "
        yield "" if bounds else "Too few documents for an interval. "
        yield f"Coverage {percent(row['coverage'])}. "
    failed = int(tables.answers["status"].isin(UNANSWERED).sum())
    yield f"{failed} of {samples} answers failed." if failed else "No answer failed."


def _overall(tables: ReportTables) -> "tuple[pd.Series | None, str]":
    rows = tables.groups("overall")
    if rows.empty or pd.isna(rows["value"].iloc[0]):
        return None, ""
    row = rows.iloc[0]
    return row, interval(row["ci_low"], row["ci_high"])


def _tiles(tables: ReportTables, facts: ReportFacts, left: int) -> Iterator[Tile]:
    row, bounds = _overall(tables)
    value = None if row is None else row["value"]
    yield Tile(tables.headline, number(value), f"95 %: {bounds}" if bounds else "no interval")
    coverage = None if row is None else row["coverage"]
    scored = (
        ""
        if row is None
        else f"{row['n_scored'] if coverage == 1 else round(coverage * row['n'])} of {row['n']} scored"
    )
    left = unscored(tables).samples
    more = f"; {left} more {_are(left)} not for this metric" if scored and left else ""
    yield Tile("coverage", percent(coverage), f"{scored}{more}")
    answers, statuses = len(tables.answers), tables.answers["status"]
    read, said = read_of(tables)
    yield Tile("parse rate", percent(read / said if said else None), f"{read} of {said} answers read")
    failed = int(statuses.isin(UNANSWERED).sum())
    yield Tile("failed", percent(failed / answers if answers else None), f"{failed} of {answers} answers")
    latency = tables.answers["latency_ms"].dropna()
    middle = median(latency)
    shown = NOTHING if middle is None else f"{middle:.0f} ms"
    yield Tile("median latency", shown, f"of {len(latency)} answers" if len(latency) else "not measured")
    if facts.cost is not None:
        yield Tile("1,000 answers cost", f"{facts.cost.per_1000:.2f}", facts.cost.currency)


def _glance(tables: ReportTables, facts: ReportFacts, left: Unscored) -> Iterator[tuple[Inline, ...]]:
    """Where it fails and what changed, a line each."""
    if left.samples and left.samples < len(tables.samples):
        yield _not_scored(tables, left)
    weakest = [said for dimension in ("field", "doc_type", "subset") if (said := _weakest(tables, dimension))]
    if weakest:
        yield Strong("Weakest:"), f" {'; '.join(weakest)}."
    if judge(tables):
        kinds = all_kinds(tables)
        counts = kinds["kind"].value_counts().sort_index().drop("correct", errors="ignore")
        counts = counts.sort_values(ascending=False, kind="stable")
        said = ", ".join(f"{number} {str(kind).replace('_', ' ')}" for kind, number in counts.items())
        yield Strong("Errors:"), f" {said or 'none'} (by {judges(kinds)})."
    if facts.since is not None and facts.since.difference.difference is not None:
        found = facts.since.difference
        moved = f"{facts.since.metric} {found.difference:+.3f}".replace("-", "−")
        yield (
            Strong("Since last time:"),
            f" {moved}, {found.verdict}; {number_of(len(facts.since.flips), 'sample')} flipped.",
        )


def _not_scored(tables: ReportTables, left: Unscored) -> tuple[Inline, ...]:
    """Samples that the headline leaves out, with the score of the metric that looks at them."""
    said = Strong(f"{number_of(left.samples, 'sample')} {_are(left.samples)} not scored by {tables.headline}:")
    parts: list[str] = []
    for name, count in left.by.items():
        rows = tables.groups("overall", name)
        # A metric that scores others too has no score of these alone.
        alone = not rows.empty and int(rows["n"].iloc[0]) == count
        whom = "them" if count == left.samples else str(count)
        parts.append(f"{name} scores {whom}" + (f", {number(rows['value'].iloc[0])}" if alone else ""))
    nothing = left.samples - sum(left.by.values())
    parts += [f"nothing scores {nothing}"] if nothing else []
    return said, f" {'; '.join(parts)}."


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _weakest(tables: ReportTables, dimension: str) -> str:
    """The group with the worst score, where there are several with different ones."""
    groups = tables.groups(dimension).dropna(subset="value")
    if groups["value"].nunique() < 2:
        return ""
    higher = tables.metric_plugins[tables.headline].higher_is_better
    row = groups.sort_values("value", ascending=higher, kind="stable").iloc[0]
    return f"{dimension} {row['group'] or '(none)'} {number(row['value'])} (n={row['n']})"


def read_of(tables: ReportTables) -> tuple[int, int]:
    """How many answers could be read, and how many came."""
    said = len(tables.answers) - int(tables.answers["status"].isin(NO_ANSWER).sum())
    return said - _unread(tables), said


def _unread(tables: ReportTables) -> int:
    """Answers that came and of which no value could be read, by their output contract or by the headline metric.

    One that says nothing of a value that is there is among them.
    """
    rows = tables.metrics[(tables.metrics["metric"] == tables.headline) & (tables.metrics["category"] == "unparsed")]
    absent = tables.samples.loc[tables.samples["references"].isin(NOTHING_THERE), "sample_id"]
    statuses, ids = tables.answers["status"], tables.answers["sample_id"]
    silent = (tables.answers["answer"].str.strip() == "") & ~ids.isin(absent)
    unread = (statuses == "parse_failed") | ids.isin(rows["sample_id"]) | silent
    return int((unread & ~statuses.isin(NO_ANSWER)).sum())
