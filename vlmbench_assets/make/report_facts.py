"""What a cell's page says besides the tables: from manifests, entries and the history."""

from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.imported_model import imported_from
from vlmbench_assets.make.aggregates import combine_by_metric
from vlmbench_assets.make.answered import limit_of
from vlmbench_assets.make.since import since_before
from vlmbench_assets.prompting import adapter_of, tuned_here
from vlmbench_assets.staleness import Judge
from vlmbench_assets.work.cell_report.facts import ReportFacts
from vlmbench_assets.work.compare import Difference, Scored
from vlmbench_assets.work.cost import cost_of
from vlmbench_assets.work.report_tables import ReportTables
from vlmbench_assets.work.robustness import drops
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


def report_facts(bench: Bench, cell: Cell, tables: ReportTables) -> ReportFacts:
    """What the page says besides the tables, from the manifests."""
    answers = bench.store.manifest("answers", cell.dataset, cell.model)
    samples = bench.store.manifest("samples", cell.dataset)
    facts: Mapping[str, JsonValue] = answers.facts if answers else {}
    limit = limit_of(answers)
    since, gone = since_before(bench, cell)
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
        limit=limit,
        tuned=tuned_here(bench, cell),
        asked=asked if isinstance(asked := facts.get("asked"), int) else 0,
        answer_s=_seconds(facts.get("answer_s")),
        load_s=_seconds(facts.get("load_s")),
        resources=resources(facts),
        finished_at=answers.written_at if answers else "",
        lineage=dict(answers.lineage) if answers else {},
        command=command_of(cell, limit),
        imported=imported_from(answers),
        stale=_stale(bench, cell, limit),
        cost=cost_of(tables.answers, entry.price),
        drops=_drops(bench, tables),
        since=since,
        gone=gone,
    )


def command_of(cell: Cell, limit: int | None) -> str:
    """What makes the cell again."""
    return f"vlmbench run --model {cell.model} --dataset {cell.dataset}" + (f" --limit {limit}" if limit else "")


def _stale(bench: Bench, cell: Cell, limit: int | None) -> Sequence[str]:
    """Why the tables are not those that would be made now; failed answers are told elsewhere."""
    judged = Judge(bench, keep_errors=True, limit=limit).cell(cell)
    own = [judged.assets[asset] for asset in ("answers", "metrics", "aggregates")]
    said = [reason for found in own if found.state != "fresh" for reason in found.reasons]
    return [reason for reason in dict.fromkeys(said) if not reason.startswith("after ")]


def _drops(bench: Bench, tables: ReportTables) -> list[tuple[str, Difference]]:
    if not tables.headline:
        return []
    scored = Scored(tables.samples, tables.answers, tables.metrics)
    combine = combine_by_metric(bench, [tables.headline]).get(tables.headline)
    return drops(scored, tables.headline, tables.metric_plugins[tables.headline], combine)


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


def _seconds(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, int | float) else None
