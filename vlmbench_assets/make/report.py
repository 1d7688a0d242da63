"""Make a cell's `report`: its result as a page for people, with its pictures."""

import base64
from collections.abc import Mapping

from pydantic import JsonValue

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import AGGREGATES, METRICS
from vlmbench_assets.imported_model import imported_from
from vlmbench_assets.lineage import digest_bytes
from vlmbench_assets.made_from import MadeFrom
from vlmbench_assets.make.aggregates import plugins_by_metric
from vlmbench_assets.make.metrics import read_answered
from vlmbench_assets.prompting import adapter_of, tuned_here
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import read_table
from vlmbench_assets.work.draw import Picture, draw_pictures
from vlmbench_assets.work.report_tables import ReportTables
from vlmbench_assets.work.report_text import ReportFacts, report_markdown
from vlmbench_assets.work.usage import resources

SHOWN_PACKAGES = (
    "dagster",
    "numpy",
    "onnxruntime",
    "pandas",
    "pillow",
    "rapidocr",
    "torch",
    "transformers",
    "vllm",
)
"""Packages of the worker that the page names; the manifest names all."""


def make_report(bench: Bench, cell: Cell) -> tuple[str, list[Picture], Manifest]:
    """Write a cell's report, and return its text, its pictures and its manifest."""
    tables = _tables(bench, cell)
    pictures = draw_pictures(tables, list(bench.plugins.charts.values()))
    text = report_markdown(tables, report_facts(bench, cell), [picture.shown() for picture in pictures])
    content = text.encode("utf-8", "replace")
    inputs = (
        bench.store.manifest("samples", cell.dataset),
        bench.store.manifest("answers", cell.dataset, cell.model),
        bench.store.manifest("aggregates", cell.dataset, cell.model),
    )
    manifest = bench.store.publish(
        "report",
        cell.dataset,
        cell.model,
        files={**{picture.file: picture.png for picture in pictures}, "report.md": content},
        lineage=MadeFrom(bench).report(cell, *inputs),
        digests={"page": digest_bytes(content)},
        facts={"pictures": [picture.file for picture in pictures], "headline": tables.headline},
    )
    return text, pictures, manifest


def with_pictures_inline(text: str, pictures: list[Picture]) -> str:
    """The same page with its pictures inside, for readers that cannot follow paths."""
    for picture in pictures:
        encoded = base64.b64encode(picture.png).decode("ascii")
        text = text.replace(f"]({picture.file})", f"](data:image/png;base64,{encoded})")
    return text


def report_facts(bench: Bench, cell: Cell) -> ReportFacts:
    """What the page says besides the tables, from the manifests."""
    answers = bench.store.manifest("answers", cell.dataset, cell.model)
    samples = bench.store.manifest("samples", cell.dataset)
    facts: Mapping[str, JsonValue] = answers.facts if answers else {}
    entry = bench.catalog.models[cell.model]
    dataset = bench.catalog.datasets[cell.dataset]
    return ReportFacts(
        model=cell.model,
        dataset=cell.dataset,
        description=entry.description,
        dataset_description=dataset.description,
        parameters={
            "plugin": entry.plugin,
            "options": _compact(facts.get("resolved_options")),
            "generation": _compact(entry.generation.model_dump(mode="json", exclude_defaults=True)),
            "revision": entry.revision,
            "imported": imported_from(answers),
            "prompts": entry.prompts or ("" if imported_from(answers) else "each sample's own question"),
            "prompt adapter": adapter.adapter_id if (adapter := adapter_of(bench, cell.model)) else "",
        },
        environment=_environment_facts(facts),
        dataset_facts={
            "reader": dataset.reader,
            "source": dataset.source,
            "revision": dataset.revision,
            "split": dataset.split,
            "samples": _compact((samples.facts if samples else {}).get("samples")),
            "documents": _compact((samples.facts if samples else {}).get("documents")),
        },
        limit=_partial(facts),
        tuned=tuned_here(bench, cell),
        asked=asked if isinstance(asked := facts.get("asked"), int) else 0,
        answer_s=_seconds(facts.get("answer_s")),
        load_s=_seconds(facts.get("load_s")),
        resources=resources(facts),
        finished_at=answers.written_at if answers else "",
        lineage=dict(answers.lineage) if answers else {},
        command=f"vlmbench run --model {cell.model} --dataset {cell.dataset}",
    )


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


def _environment_facts(facts: Mapping[str, JsonValue]) -> dict[str, str]:
    environment, hardware = facts.get("environment"), facts.get("hardware")
    shown: dict[str, str] = {}
    if isinstance(environment, dict):
        shown = {name: _compact(environment.get(name)) for name in ("name", "kind", "digest", "python")}
        packages = environment.get("packages")
        if isinstance(packages, dict):
            shown["packages"] = ", ".join(
                f"{name} {packages[name]}"
                for name in sorted(packages)
                if name.lower() in SHOWN_PACKAGES or name.startswith("vlmbench-")
            )
    if isinstance(hardware, dict):
        shown.update({name: _compact(value) for name, value in hardware.items()})
    return shown


def _compact(value: JsonValue) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_compact(item)}" for name, item in value.items())
    return "" if value is None else str(value)


def _partial(facts: Mapping[str, JsonValue]) -> int | None:
    """How many samples were asked; None for all of them."""
    samples = facts.get("samples")
    return samples if isinstance(samples, int) and samples != facts.get("samples_in_dataset") else None


def _seconds(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, int | float) else None
