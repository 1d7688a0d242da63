"""The report of a cell as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from vlmbench_assets.contracts import UNANSWERED
from vlmbench_assets.work.markdown import escape, interval, markdown_table, number, percent
from vlmbench_assets.work.report_tables import ReportTables
from vlmbench_assets.work.worst import worst_samples

FEWEST_FOR_P90 = 10
BREAKDOWNS = ("field", "doc_type", "subset", "language")
OTHER_METRICS = 3
LONGEST_FACT = 4000
"""Options and packages are shown whole: whoever reproduces a score needs the end of the list too."""


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture on the page."""

    title: str
    caption: str
    file: str


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What the page says besides the tables."""

    model: str
    dataset: str
    description: str
    dataset_description: str
    parameters: Mapping[str, str]
    environment: Mapping[str, str]
    dataset_facts: Mapping[str, str]
    limit: int | None
    tuned: bool
    """Whether the prompts were tuned on the very split that is scored."""
    asked: int
    """Samples that were asked in `answer_s`; the others were answered before."""
    answer_s: float | None
    load_s: float | None
    resources: Mapping[str, str]
    """What the last run that asked took of the machine."""
    finished_at: str
    lineage: Mapping[str, str]
    command: str


def report_markdown(tables: ReportTables, facts: ReportFacts, pictures: Sequence[ShownPicture]) -> str:
    """Write the page: the answer first, then where it fails, then what it was made from."""
    parts = [
        f"# {escape(facts.model)} on {escape(facts.dataset)}",
        _headline(tables, facts),
        "## Scores",
        _scores(tables),
        *(_picture(picture) for picture in pictures),
        *_breakdowns(tables),
        "## Answers by status",
        _statuses(tables.answers),
        "## Speed",
        _speed(tables.answers, facts),
        *_resources(facts),
        "## Worst samples",
        worst_samples(tables),
        "## What was asked of whom",
        _facts_table({"model": facts.model, "about": facts.description, **facts.parameters}),
        _facts_table({"dataset": facts.dataset, "about": facts.dataset_description, **facts.dataset_facts}),
        "## Environment",
        _facts_table(facts.environment),
        "## Lineage",
        "Named digests of everything the answers were made from.",
        _facts_table(facts.lineage),
        "## How to reproduce",
        f"```\n{facts.command}\n```",
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _headline(tables: ReportTables, facts: ReportFacts) -> str:
    samples = len(tables.samples)
    if not samples:
        return "The dataset has no samples, so there is nothing to score."
    # Not every sample: a metric may apply to some of them only.
    judged = tables.metrics.loc[tables.metrics["metric"] == tables.headline, "sample_id"]
    documents = tables.samples.loc[tables.samples["sample_id"].isin(judged), "doc_id"].nunique()
    rows = tables.groups("overall").to_dict("records")
    failed = int(tables.answers["status"].isin(UNANSWERED).sum())
    said = ["No score."]
    if rows and not pd.isna(rows[0]["value"]):
        bounds = interval(rows[0]["ci_low"], rows[0]["ci_high"])
        said = [f"**{tables.headline} {number(rows[0]['value'])}**" + (f", 95 % interval {bounds}" if bounds else "")]
        said[0] += f", from {rows[0]['n']} samples of {documents} documents."
        said.append(f"Coverage {percent(rows[0]['coverage'])}.")
    said.append(f"{failed} of {samples} answers failed." if failed else "No answer failed.")
    if facts.limit:
        said.append(f"**Only the first {facts.limit} samples of the dataset were asked.**")
    if facts.tuned:
        said.append("**The prompts were tuned on this very split, so the score flatters the model.**")
    return " ".join(said)


def _scores(tables: ReportTables) -> str:
    rows = []
    for name, plugin in tables.metric_plugins.items():
        worst = tables.groups("overall", name).to_dict("records")
        answered = tables.groups("overall", name, "answered_only").to_dict("records")
        if worst and answered and worst[0]["n"]:
            rows.append(
                [
                    name,
                    "higher" if plugin.higher_is_better else "lower",
                    number(worst[0]["value"]),
                    interval(worst[0]["ci_low"], worst[0]["ci_high"]),
                    number(answered[0]["value"]),
                    percent(worst[0]["coverage"]),
                    str(worst[0]["n"]),
                ]
            )
    header = ["metric", "better is", "score", "95 % interval", "answered only", "coverage", "n"]
    said = "`score` counts a failed answer as the metric's worst value; `answered only` leaves it out."
    return f"{said}\n\n{markdown_table(header, rows)}" if rows else "No metric applies to these samples."


def _picture(picture: ShownPicture) -> str:
    return f"## {picture.title}\n\n![{escape(picture.caption)}]({picture.file})\n\n{picture.caption}."


def _breakdowns(tables: ReportTables) -> list[str]:
    others = [name for name in tables.metric_plugins if name != tables.headline][:OTHER_METRICS]
    parts = []
    for dimension in BREAKDOWNS:
        groups = tables.groups(dimension)
        if groups.empty:
            continue
        more = {name: tables.groups(dimension, name).set_index("group")["value"].to_dict() for name in others}
        rows = [
            [
                str(row["group"]) or "(none)",
                number(row["value"]),
                interval(row["ci_low"], row["ci_high"]),
                *(number(more[name].get(row["group"])) for name in others),
                percent(row["coverage"]),
                str(row["n"]),
            ]
            for row in groups.to_dict("records")
        ]
        header = [dimension, tables.headline, "95 % interval", *others, "coverage", "n"]
        parts.append(f"## By {dimension}\n\n{markdown_table(header, rows)}")
    return parts


def _statuses(answers: pd.DataFrame) -> str:
    rows = []
    for status, part in answers.groupby("status", sort=True):
        errors = part.loc[part["error"] != "", "error"].value_counts()
        common = str(errors.index[0]) if len(errors) else ""
        rows.append([str(status), str(len(part)), percent(len(part) / len(answers)), common])
    return markdown_table(["status", "answers", "share", "most common reason"], rows) if rows else "No answers."


def _speed(answers: pd.DataFrame, facts: ReportFacts) -> str:
    latency = answers["latency_ms"].dropna()
    lines = []
    if len(latency):
        lines.append(f"- median latency {latency.median():.0f} ms: the time a caller waits for one answer alone")
    if len(latency) >= FEWEST_FOR_P90:
        lines.append(f"- 90th percentile {latency.quantile(0.9):.0f} ms, of {len(latency)} answers")
    if facts.answer_s and facts.asked:
        lines.append(f"- {facts.asked} answers in {facts.answer_s:.1f} s, {facts.asked / facts.answer_s:.2f}/s")
    if facts.load_s is not None:
        lines.append(f"- {facts.load_s:.1f} s to load the model")
    if facts.finished_at:
        lines.append(f"- finished {facts.finished_at}")
    return "\n".join(lines) or "Not measured."


def _resources(facts: ReportFacts) -> list[str]:
    table = _facts_table(facts.resources)
    return ["## Resources", "Of the worker, in the last run that asked something.", table] if table else []


def _facts_table(facts: Mapping[str, str]) -> str:
    rows = [[name, value] for name, value in facts.items() if value]
    return markdown_table(["", ""], rows, LONGEST_FACT) if rows else ""
