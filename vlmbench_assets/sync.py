"""Tell the Dagster instance what is on disk: what was made elsewhere, and what models and datasets are now.

The files under `data/` are the truth. A workspace whose tables were made by another process, on another
machine or before `.dagster` was deleted is shown as it is, and Dagster's own marks of unsynced partitions
follow the models and datasets as they are declared.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress

import dagster as dg

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.lineage import data_version
from vlmbench_assets.made_from import MadeFrom
from vlmbench_assets.model import model_metadata
from vlmbench_assets.partitions import cell_key
from vlmbench_assets.samples import samples_metadata
from vlmbench_assets.shown import page, score_figures
from vlmbench_assets.store import CELL_ASSETS, AssetName, Manifest
from vlmbench_sdk import EnvironmentUnavailableError, VlmBenchError

DATA_VERSION = "dagster/data_version"


def sync_instance(bench: Bench, instance: dg.DagsterInstance, cells: Sequence[Cell]) -> int:
    """Report what the instance does not know of some cells, their models and datasets; return how much that was."""
    events = [*_models(bench, instance, cells), *_datasets(bench, instance, cells), *_cells(bench, instance, cells)]
    for event in events:
        instance.report_runless_asset_event(event)
    return len(events)


def _models(bench: Bench, instance: dg.DagsterInstance, cells: Sequence[Cell]) -> Iterator[dg.AssetMaterialization]:
    known, made_from = _known(instance, "model"), MadeFrom(bench)
    for name in dict.fromkeys(cell.model for cell in cells):
        try:
            lineage = made_from.declared(name)
        except EnvironmentUnavailableError:
            continue
        if known.get(name) != data_version(lineage):
            metadata = model_metadata(lineage, bench.catalog.models[name].description)
            yield _event("model", name, data_version(lineage), metadata)


def _datasets(bench: Bench, instance: dg.DagsterInstance, cells: Sequence[Cell]) -> Iterator[dg.AssetMaterialization]:
    known = _known(instance, "samples")
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        manifest = bench.store.manifest("samples", dataset)
        if manifest is not None and not manifest.damaged and known.get(dataset) != manifest.version:
            yield _event("samples", dataset, manifest.version, samples_metadata(bench, manifest))


def _cells(bench: Bench, instance: dg.DagsterInstance, cells: Sequence[Cell]) -> Iterator[dg.AssetMaterialization]:
    for asset in CELL_ASSETS:
        known = _known(instance, asset)
        for cell in cells:
            manifest = bench.store.manifest(asset, cell.dataset, cell.model)
            key = cell_key(cell)
            if manifest is not None and not manifest.damaged and known.get(str(key)) != manifest.version:
                yield _event(asset, key, manifest.version, _brief(bench, manifest))


def _known(instance: dg.DagsterInstance, asset: str) -> dict[str, str]:
    """The latest data version of each partition, in one query."""
    found = instance.event_log_storage.get_latest_tags_by_partition(
        dg.AssetKey(asset), dg.DagsterEventType.ASSET_MATERIALIZATION, [DATA_VERSION]
    )
    return {partition: tags.get(DATA_VERSION, "") for partition, tags in found.items()}


def _event(asset: str, partition: str, version: str, metadata: dict[str, dg.MetadataValue]) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(asset, partition=partition, metadata=metadata, tags={DATA_VERSION: version})


def _brief(bench: Bench, manifest: Manifest) -> dict[str, dg.MetadataValue]:
    """What is shown of a table that was made elsewhere."""
    asset: AssetName = manifest.asset
    folder = bench.store.folder(asset, manifest.dataset, manifest.model)
    cell = Cell(model=manifest.model, dataset=manifest.dataset)
    shown: dict[str, dg.MetadataValue] = {}
    # Another process may be writing these files now; what cannot be read is told without its figures.
    with suppress(VlmBenchError, OSError):
        if asset in {"aggregates", "report"}:
            shown |= score_figures(bench, cell)
        if asset == "report":
            shown["report"] = page((folder / "report.md").read_text(encoding="utf-8", errors="replace"), folder)
    return {
        **shown,
        "lineage": dg.MetadataValue.json(manifest.lineage),
        "written_at": dg.MetadataValue.text(manifest.written_at),
        "path": dg.MetadataValue.path(folder),
    }
