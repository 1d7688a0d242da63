"""Asset `aggregates`: scores of a cell over every declared dimension, with intervals and coverage."""

import dagster as dg
import pandas as pd

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.checks import StageEvents, contract_kept, contract_spec, run_stage, table_schema
from vlmbench_assets.contracts import AGGREGATES, METRICS
from vlmbench_assets.lineage import data_version, digest_file, digest_json
from vlmbench_assets.metrics import read_answered
from vlmbench_assets.partitions import Partitions, cell_of
from vlmbench_assets.preview import preview
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import read_table, write_table
from vlmbench_assets.work.aggregate import aggregate
from vlmbench_sdk import MetricPlugin

HEATMAP_PAIRS = ("field*doc_type", "field*subset")
"""Pairs that the report's heatmap is drawn from, besides the declared dimensions."""


def plugins_by_metric(bench: Bench, cell: Cell) -> dict[str, MetricPlugin]:
    """The plugin behind each metric entry of a cell."""
    names = bench.catalog.metrics_of(cell.dataset, cell.model)
    return {name: bench.plugins.metrics[bench.catalog.metrics[name].plugin] for name in names}


def make_aggregates(bench: Bench, cell: Cell) -> tuple[pd.DataFrame, Manifest]:
    """Aggregate a cell, and write its table and manifest."""
    samples, answers = read_answered(bench, cell)
    metrics_path = bench.store.table("metrics", cell.dataset, cell.model)
    metrics = read_table(metrics_path, METRICS)
    declared = bench.catalog.dimensions_of(cell.dataset, cell.model)
    dimensions = tuple(dict.fromkeys([*declared, *HEATMAP_PAIRS]))
    frame = aggregate(samples, answers, metrics, plugins_by_metric(bench, cell), dimensions)
    write_table(frame, AGGREGATES, bench.store.table("aggregates", cell.dataset, cell.model))
    manifest = bench.store.write_manifest(
        "aggregates",
        cell.dataset,
        cell.model,
        lineage={"metrics": digest_file(metrics_path), "dimensions": digest_json(dimensions)},
        facts={"dimensions": list(dimensions), "rows": len(frame)},
    )
    return frame, manifest


def aggregates_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        name="aggregates",
        partitions_def=partitions.cells,
        deps=["metrics"],
        check_specs=[contract_spec("aggregates")],
        group_name="cells",
        kinds={"csv"},
        description="Scores over every dimension, under both failure policies, with 95 % intervals.",
        metadata={"dagster/column_schema": table_schema("aggregates")},
    )
    def aggregates(context: dg.AssetExecutionContext) -> StageEvents:
        cell = cell_of(context)

        def make() -> dg.MaterializeResult[None]:
            with bench.store.running("aggregates", cell.dataset, cell.model):
                frame, manifest = make_aggregates(bench, cell)
            return dg.MaterializeResult(
                metadata={
                    **_headline(frame, bench.catalog.headline_of(cell.dataset, cell.model)),
                    "rows": dg.MetadataValue.int(len(frame)),
                    "preview": dg.MetadataValue.md(preview(frame, list(frame.columns))),
                    "lineage": dg.MetadataValue.json(manifest.lineage),
                    "table": dg.MetadataValue.path(bench.store.table("aggregates", cell.dataset, cell.model)),
                },
                data_version=dg.DataVersion(data_version(manifest.lineage)),
                check_results=[contract_kept("aggregates", len(frame))],
            )

        yield from run_stage("aggregates", make)

    return aggregates


def _headline(frame: pd.DataFrame, metric: str) -> dict[str, dg.MetadataValue]:
    """The headline score as numbers, which the UI plots over partitions and time; absent when null."""
    rows = frame[
        (frame["dimension"] == "overall") & (frame["metric"] == metric) & (frame["policy"] == "failures_worst")
    ]
    shown: dict[str, dg.MetadataValue] = {"headline": dg.MetadataValue.text(metric)}
    for row in rows.to_dict("records"):
        for name in ("value", "ci_low", "ci_high", "coverage"):
            if not pd.isna(row[name]):
                shown["score" if name == "value" else name] = dg.MetadataValue.float(float(row[name]))
    return shown
