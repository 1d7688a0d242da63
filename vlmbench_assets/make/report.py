"""Make a cell's `report`: its result as a page for people, with its pictures."""

from dataclasses import replace

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import AGGREGATES, METRICS
from vlmbench_assets.lineage import digest_bytes, digest_json
from vlmbench_assets.made_from import MadeFrom
from vlmbench_assets.make.aggregates import plugins_by_metric
from vlmbench_assets.make.answered import read_answered
from vlmbench_assets.make.report_facts import report_facts
from vlmbench_assets.make.samples import image_root
from vlmbench_assets.make.thumbnails import thumbnails
from vlmbench_assets.page.as_html import page_html
from vlmbench_assets.page.as_markdown import page_markdown
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import read_table
from vlmbench_assets.work.cell_report.facts import ReportFacts
from vlmbench_assets.work.cell_report.page import report_page
from vlmbench_assets.work.cell_report.samples import flipped_rows, worst_rows
from vlmbench_assets.work.draw import draw_pictures
from vlmbench_assets.work.report_tables import ReportTables

STALE = "shown as stale"
"""In the lineage of a page that says so: it is to be made again as soon as that is not true any more."""


def make_report(bench: Bench, cell: Cell) -> tuple[str, Manifest]:
    """Write a cell's report, and return it as Markdown, and its manifest."""
    tables = _tables(bench, cell)
    facts = report_facts(bench, cell, tables)
    facts = replace(facts, thumbnails=_thumbnails(bench, cell, tables, facts))
    drawn = draw_pictures(tables, list(bench.plugins.charts.values()))
    page = report_page(tables, facts, drawn)
    html = report_page(tables, facts, drawn, "html")
    text, pictures = page_markdown(page), page.pictures()
    content = text.encode("utf-8", "replace")
    inputs = (
        bench.store.manifest("samples", cell.dataset),
        *(bench.store.manifest(asset, cell.dataset, cell.model) for asset in ("answers", "metrics", "aggregates")),
    )
    stale = {STALE: digest_json(list(facts.stale))} if facts.stale else {}
    manifest = bench.store.publish(
        "report",
        cell.dataset,
        cell.model,
        files={
            **{picture.file: picture.png for picture in pictures},
            "report.md": content,
            "report.html": page_html(html).encode("utf-8", "replace"),
        },
        lineage={**MadeFrom(bench).report(cell, *inputs), **stale},
        digests={"page": digest_bytes(content)},
        facts={"pictures": [picture.file for picture in pictures], "headline": tables.headline},
    )
    return text, manifest


def _thumbnails(bench: Bench, cell: Cell, tables: ReportTables, facts: ReportFacts) -> dict[str, bytes]:
    shown = set(worst_rows(tables)["sample_id"])
    if facts.since is not None:
        shown |= set(flipped_rows(facts.since.flips)["sample_id"])
    return thumbnails(tables.samples[tables.samples["sample_id"].isin(shown)], image_root(bench, cell.dataset))


def _tables(bench: Bench, cell: Cell) -> ReportTables:
    samples, answers = read_answered(bench, cell)
    return ReportTables(
        samples=samples,
        answers=answers,
        metrics=read_table(bench.store.table("metrics", cell.dataset, cell.model), METRICS),
        aggregates=read_table(bench.store.table("aggregates", cell.dataset, cell.model), AGGREGATES),
        headline=bench.catalog.headline_of(cell.dataset, cell.model),
        metric_plugins=plugins_by_metric(bench, cell),
        title=f"{cell.model} on {cell.dataset}",
    )
