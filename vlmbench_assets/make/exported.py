"""Hand what was published to an exporter, and put what it writes into place."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import AGGREGATES, METRICS, Contract
from vlmbench_assets.make.answered import read_published
from vlmbench_assets.make.imported import chosen_options
from vlmbench_assets.make.samples import image_root, samples_of
from vlmbench_assets.store import AssetName
from vlmbench_assets.tables import read_table
from vlmbench_sdk import ExchangeError, ExportedCell, ExportedDataset, ExportedMetric, ExporterPlugin, ExportJob, Row
from vlmbench_sdk.plugin_specs import resolve


def exportable(bench: Bench, models: Sequence[str], datasets: Sequence[str]) -> list[Cell]:
    """The cells with published answers, narrowed down by name; datasets and models in the order of the catalog."""
    return [
        Cell(model=model, dataset=dataset)
        for dataset in bench.catalog.datasets
        for model in bench.catalog.models
        if (not datasets or dataset in datasets)
        and (not models or model in models)
        and bench.store.table("answers", dataset, model).exists()
    ]


def export(
    bench: Bench, exporter: ExporterPlugin, options: dict[str, JsonValue], cells: Sequence[Cell], out: Path
) -> None:
    """Write cells in a format; either all of it is at `out` afterwards, or nothing.

    Raises:
        ExchangeError: When `out` is there already, nothing was published, or the format cannot carry it.
    """
    with _at(out):
        there = out.exists()
    if there:
        raise ExchangeError("it is there already", where=str(out), fix="Name a folder that does not exist")
    if not cells:
        raise ExchangeError("no cell that was named has answers", fix="Run cells first, or import them")
    write = resolve(exporter.write, owner=f"exporter {exporter.name}")
    if not callable(write):
        raise ExchangeError(f"{exporter.write!r} is not a function", where=f"exporter {exporter.name}")
    chosen = chosen_options(exporter.options, options, f"format {exporter.name}")
    with _at(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        try:
            datasets = [_dataset(bench, name) for name in dict.fromkeys(cell.dataset for cell in cells)]
            each = [_cell(bench, cell) for cell in cells]
            write(ExportJob(out=made, options=chosen, datasets=datasets, cells=each, metrics=_metrics(bench, cells)))
            made.chmod(0o755)
            made.rename(out)
        finally:
            shutil.rmtree(made, ignore_errors=True)


@contextmanager
def _at(out: Path) -> Iterator[None]:
    """Say of a place where nothing can be written that it is one."""
    try:
        yield
    except OSError as error:
        fix = "Name a folder in a place that you can write to"
        raise ExchangeError(f"it cannot be written ({error.strerror})", where=str(out), fix=fix) from error


def _dataset(bench: Bench, name: str) -> ExportedDataset:
    entry = bench.catalog.datasets[name]
    return ExportedDataset(
        name=name,
        description=entry.description,
        licence=entry.licence,
        citation=entry.citation,
        samples=_rows(samples_of(bench, name)),
        image_root=image_root(bench, name),
    )


def _metrics(bench: Bench, cells: Sequence[Cell]) -> list[ExportedMetric]:
    names = dict.fromkeys(name for cell in cells for name in bench.catalog.metrics_of(cell.dataset, cell.model))
    plugins = {name: bench.metric(name) for name in names}
    return [
        ExportedMetric(
            name,
            found.metric_id,
            found.higher_is_better,
            best=found.upper if found.higher_is_better else found.lower,
        )
        for name, found in plugins.items()
    ]


def _cell(bench: Bench, cell: Cell) -> ExportedCell:
    manifest = bench.store.manifest("answers", cell.dataset, cell.model)
    answers = read_published(bench.store, cell)
    known = set(samples_of(bench, cell.dataset)["sample_id"])
    gone = sorted(set(answers["sample_id"]) - known)
    if gone:
        raise ExchangeError(
            f"{len(gone)} answers are for samples that the dataset has no more, such as {gone[0]!r}",
            where=str(cell),
            fix="Run the cell again: `vlmbench run`",
        )
    return ExportedCell(
        model=cell.model,
        dataset=cell.dataset,
        answers=_rows(answers),
        metrics=_table(bench, cell, "metrics", METRICS),
        aggregates=_table(bench, cell, "aggregates", AGGREGATES),
        lineage=dict(manifest.lineage) if manifest else {},
        facts=dict(manifest.facts) if manifest else {},
        headline=bench.catalog.headline_of(cell.dataset, cell.model),
    )


def _table(bench: Bench, cell: Cell, asset: AssetName, contract: Contract) -> list[Row]:
    path = bench.store.table(asset, cell.dataset, cell.model)
    return _rows(read_table(path, contract)) if path.exists() else []


def _rows(frame: pd.DataFrame) -> list[Row]:
    plain: list[Mapping[str, str | float | int | None]] = []
    columns = {
        name: [None if pd.isna(value) else value for value in frame[name].astype(object)] for name in frame.columns
    }
    plain.extend(dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return plain
