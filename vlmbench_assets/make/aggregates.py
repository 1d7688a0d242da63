"""Make a cell's `aggregates`: scores over every declared dimension."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import pandas as pd

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import AGGREGATES, METRICS
from vlmbench_assets.lineage import digest_bytes
from vlmbench_assets.made_from import MadeFrom
from vlmbench_assets.make.answered import read_answered
from vlmbench_assets.make.samples import image_root
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import checked_csv, read_table
from vlmbench_assets.work.aggregate import RESOLUTION, aggregate, dimension_parts
from vlmbench_assets.work.combined import Combine
from vlmbench_assets.work.resolution import resolutions
from vlmbench_sdk import MetricPlugin, Options, Score
from vlmbench_sdk.scoring import combine_of


def plugins_by_metric(bench: Bench, cell: Cell) -> dict[str, MetricPlugin]:
    """The plugin behind each metric entry of a cell."""
    names = bench.catalog.metrics_of(cell.dataset, cell.model)
    return {name: bench.metric(name) for name in names}


def combine_by_metric(bench: Bench, names: Iterable[str]) -> dict[str, Combine]:
    """What makes the value of a group, for those metrics whose value is no mean of samples."""
    found: dict[str, Combine] = {}
    for name in names:
        entry = bench.catalog.metrics[name]
        plugin = bench.metric(name)
        if plugin.combine is not None:
            options = plugin.options.model_validate(entry.options)
            function = combine_of(plugin)
            found[name] = partial(_combined, function, options)
    return found


def _combined(
    function: Callable[[Sequence[Score], Options], float | None], options: Options, scores: Sequence[Score]
) -> float | None:
    return function(scores, options)


def with_resolution(bench: Bench, dataset: str, samples: pd.DataFrame, dimensions: Iterable[str]) -> pd.DataFrame:
    """Samples with the resolution of their largest image, where a dimension asks for it."""
    if RESOLUTION not in dimension_parts(dimensions):
        return samples
    return samples.assign(**{RESOLUTION: resolutions(samples["images"], image_root(bench, dataset))})


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
    plugins = plugins_by_metric(bench, cell)
    samples = with_resolution(bench, cell.dataset, samples, dimensions)
    frame = aggregate(samples, answers, metrics, plugins, dimensions, combine_by_metric(bench, plugins))
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
