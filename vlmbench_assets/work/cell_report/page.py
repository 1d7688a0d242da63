"""Put the page of a cell together."""

from collections.abc import Sequence

from vlmbench_assets.page.blocks import Block, Commands, Folded, Page, Paragraph, Section
from vlmbench_assets.work.board_parts import Suffix
from vlmbench_assets.work.cell_report.facts import ReportFacts
from vlmbench_assets.work.cell_report.lead import lead
from vlmbench_assets.work.cell_report.samples import flipped_samples, worst_samples
from vlmbench_assets.work.cell_report.scores import breakdowns, facts_table, scores, since, statuses
from vlmbench_assets.work.cell_report.speed import speed, tokens_and_cost
from vlmbench_assets.work.draw import Drawn
from vlmbench_assets.work.report_tables import ReportTables

LONGEST_FACT = 4000
"""Options and packages are shown whole: whoever reproduces a score needs the end of the list too."""


def report_page(tables: ReportTables, facts: ReportFacts, pictures: Sequence[Drawn], suffix: Suffix = "md") -> Page:
    """Make the page: the answer first, then where it fails, then what it was made from.

    Args:
        tables: The cell's.
        facts: What else to say.
        pictures: For the sections of their titles.
        suffix: What it will be written as: each says what the reader sees there.
    """
    known = [
        Section("Scores", scores(tables)),
        Section("Since last time", since(facts)),
        *breakdowns(tables, facts),
        Section("Kinds of errors", ()),
        Section("Classes", ()),
        Section("Answers by status", statuses(tables.answers)),
        Section("Speed", speed(tables, facts)),
        Section("Tokens and cost", tokens_and_cost(tables, facts)),
        Section("Resources", _resources(facts)),
        Section("Worst samples", worst_samples(tables, facts.thumbnails, suffix)),
        Section("Flipped samples", flipped_samples(facts.since, facts.thumbnails, suffix)),
        Section("What was asked of whom", _asked(facts)),
        Section("How to reproduce", (Commands(facts.command),)),
    ]
    return Page(f"{facts.model} on {facts.dataset}", lead(tables, facts), tuple(_with_pictures(known, pictures)))


def _with_pictures(known: Sequence[Section], pictures: Sequence[Drawn]) -> list[Section]:
    """Pictures at the head of the section of their title; others in sections of their own, before the samples."""
    titles = {section.title for section in known}
    by_title: dict[str, list[Block]] = {}
    for drawn in pictures:
        by_title.setdefault(drawn.title, []).append(drawn.picture)
    others = [Section(title, tuple(blocks)) for title, blocks in by_title.items() if title not in titles]
    found: list[Section] = []
    for section in known:
        if section.title == "Worst samples":
            found += others
        blocks = (*by_title.get(section.title, ()), *section.blocks)
        if blocks:
            found.append(Section(section.title, blocks))
    return found


def _resources(facts: ReportFacts) -> tuple[Block, ...]:
    table = facts_table(facts.resources, LONGEST_FACT)
    return (Paragraph(("Of the worker, in the last run that asked something.",)), *table) if table else ()


def _asked(facts: ReportFacts) -> tuple[Block, ...]:
    """Everything that the answers were made from, folded away."""
    parts = [
        ("Model", {"model": facts.model, "about": facts.description, **facts.parameters}),
        ("Dataset", {"dataset": facts.dataset, "about": facts.dataset_description, **facts.dataset_facts}),
        ("Environment", facts.environment),
        ("Lineage: named digests of everything the answers were made from", facts.lineage),
    ]
    return tuple(Folded(name, blocks) for name, each in parts if (blocks := facts_table(each, LONGEST_FACT)))
