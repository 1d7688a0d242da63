"""Make a cell's `aggregates`: scores over every declared dimension."""

import pandas as pd

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import AGGREGATES, METRICS
from vlmbench_assets.lineage import digest_bytes
from vlmbench_assets.made_from import MadeFrom
from vlmbench_assets.make.metrics import read_answered
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import checked_csv, read_table
from vlmbench_assets.work.aggregate import aggregate
from vlmbench_sdk import MetricPlugin


def plugins_by_metric(bench: Bench, cell: Cell) -> dict[str, MetricPlugin]:
    """The plugin behind each metric entry of a cell."""
    names = bench.catalog.metrics_of(cell.dataset, cell.model)
    return {name: bench.metric(name) for name in names}


def make_aggregates(bench: Bench, cell: Cell) -> tuple[pd.DataFrame, Manifest]:
    """Aggregate a cell, and publish its table."""
    samples, answers = read_answered(bench, cell)
    metrics = read_table(bench.store.table("metrics", cell.dataset, cell.model), METRICS)
    made_from = MadeFrom(bench)
    dimensions = made_from.dimensions(cell)
    inputs = (
        bench.store.manifest("samples", cell.dataset),
        bench.store.manifest("answers", cell.dataset, cell.model),
        bench.store.manifest("metrics", cell.dataset, cell.model),
    )
    frame = aggregate(samples, answers, metrics, plugins_by_metric(bench, cell), dimensions)
    path = bench.store.table("aggregates", cell.dataset, cell.model)
    content = checked_csv(frame, AGGREGATES, path)
    manifest = bench.store.publish(
        "aggregates",
        cell.dataset,
        cell.model,
        files={path.name: content},
        lineage=made_from.aggregates(cell, *inputs),
        digests={"table": digest_bytes(content)},
        facts={"dimensions": list(dimensions), "rows": len(frame)},
    )
    return frame, manifest
