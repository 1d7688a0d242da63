"""Asset `metrics`: every answer scored by every metric that applies to it."""

import dagster as dg
import pandas as pd

from vlmbench_assets.bench import Bench, project_versions
from vlmbench_assets.catalog import Cell
from vlmbench_assets.checks import StageEvents, contract_kept, contract_spec, run_stage, table_schema
from vlmbench_assets.contracts import ANSWERS, METRICS, SAMPLES
from vlmbench_assets.lineage import data_version, digest_file, digest_record
from vlmbench_assets.partitions import Partitions, cell_of
from vlmbench_assets.preview import preview
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import read_table, write_table
from vlmbench_assets.work.score import load_metric, score
from vlmbench_sdk import ContractError


def read_answered(bench: Bench, cell: Cell) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a cell's answers and the samples they are for.

    Raises:
        ContractError: When the answers are not one per sample asked.
    """
    samples = read_table(bench.store.table("samples", cell.dataset), SAMPLES)
    path = bench.store.table("answers", cell.dataset, cell.model)
    answers = read_table(path, ANSWERS)
    manifest = bench.store.manifest("answers", cell.dataset, cell.model)
    limit = manifest.facts["limit"] if manifest else None
    asked = samples.head(limit) if isinstance(limit, int) else samples
    lacking = sorted(set(asked["sample_id"]) ^ set(answers["sample_id"]))
    if lacking:
        raise ContractError(
            f"answers and samples differ by {len(lacking)} sample_id, the first is {lacking[0]!r}",
            where=str(path),
            fix="The dataset changed after it was asked; run stage `answers` again",
        )
    return asked.reset_index(drop=True), answers


def make_metrics(bench: Bench, cell: Cell) -> tuple[pd.DataFrame, Manifest]:
    """Score a cell, and write its table and manifest."""
    samples, answers = read_answered(bench, cell)
    names = bench.catalog.metrics_of(cell.dataset, cell.model)
    entries = {name: bench.catalog.metrics[name] for name in names}
    loaded = [
        load_metric(name, entry, bench.plugins.metrics[entry.plugin], bench.plugins.normalizers)
        for name, entry in entries.items()
    ]
    frame = score(samples, answers, loaded)
    write_table(frame, METRICS, bench.store.table("metrics", cell.dataset, cell.model))
    manifest = bench.store.write_manifest(
        "metrics",
        cell.dataset,
        cell.model,
        lineage={
            "samples": digest_file(bench.store.table("samples", cell.dataset)),
            "answers": digest_file(bench.store.table("answers", cell.dataset, cell.model)),
            **{f"metric {each.name}": f"{each.plugin.metric_id} {digest_record(each.entry)}" for each in loaded},
        },
        facts={"metrics": list(names), "rows": len(frame), "host_packages": dict(project_versions())},
    )
    return frame, manifest


def metrics_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        name="metrics",
        partitions_def=partitions.cells,
        deps=["answers"],
        check_specs=[contract_spec("metrics")],
        group_name="cells",
        kinds={"csv"},
        description="Every answer scored: one row per sample and metric that applies to it.",
        metadata={"dagster/column_schema": table_schema("metrics")},
    )
    def metrics(context: dg.AssetExecutionContext) -> StageEvents:
        cell = cell_of(context)

        def make() -> dg.MaterializeResult[None]:
            with bench.store.running("metrics", cell.dataset, cell.model):
                frame, manifest = make_metrics(bench, cell)
            unscored = int(frame["value"].isna().sum())
            return dg.MaterializeResult(
                metadata={
                    "rows": dg.MetadataValue.int(len(frame)),
                    "unscored": dg.MetadataValue.int(unscored),
                    "metrics": dg.MetadataValue.text(", ".join(frame["metric"].unique())),
                    "preview": dg.MetadataValue.md(preview(frame, list(frame.columns))),
                    "lineage": dg.MetadataValue.json(manifest.lineage),
                    "table": dg.MetadataValue.path(bench.store.table("metrics", cell.dataset, cell.model)),
                },
                data_version=dg.DataVersion(data_version(manifest.lineage)),
                check_results=[contract_kept("metrics", len(frame))],
            )

        yield from run_stage("metrics", make)

    return metrics
