"""The export that `vlmbench explore` serves: made when the tables are others than those it was made from."""

import fcntl
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.files import open_lock
from vlmbench_assets.lineage import digest_bytes
from vlmbench_assets.make.exported import export, exportable
from vlmbench_assets.store import AssetName
from vlmbench_sdk import PluginError

FORMAT = "sqlite"
FOLDER = "explore"
TABLES: tuple[AssetName, ...] = ("answers", "metrics", "aggregates")


def explorable(bench: Bench) -> tuple[Path, bool]:
    """The folder with the database of all cells that have answers, and whether it was made just now.

    Its name says what it was made from, so that one of the same name is up to date. Others are removed: whoever serves
    one still has its files open.

    Raises:
        ExchangeError: When no cell has answers, or they cannot be exported.
        PluginError: When nothing installed can write SQLite.
    """
    exporter = bench.plugins.exporters.get(FORMAT)
    if exporter is None:
        raise PluginError("no plugin offers the format `sqlite`", fix="pip install vlmbench-exchange")
    cells = exportable(bench, (), ())
    owner = bench.plugins.owners["vlmbench_exporters", FORMAT]
    made_from = "\n".join([f"{owner.distribution} {owner.version}", *_made_from(bench, cells)])
    folder = bench.store.root / FOLDER / digest_bytes(made_from.encode())[:16]
    with open_lock(bench.store.root / FOLDER / ".lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.is_dir():
            return folder, False
        export(bench, exporter, {"images": "paths"}, cells, folder)
        for other in folder.parent.iterdir():
            if other.is_dir() and other != folder:
                shutil.rmtree(other, ignore_errors=True)
    return folder, True


def _made_from(bench: Bench, cells: Sequence[Cell]) -> Iterator[str]:
    """What the database depends on: the published files, and what the catalog says of them."""
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        entry = bench.catalog.datasets[dataset]
        samples = bench.store.manifest("samples", dataset)
        yield json.dumps([dataset, entry.licence, entry.source, samples.files if samples else {}])
    for cell in cells:
        found = [bench.store.manifest(asset, cell.dataset, cell.model) for asset in TABLES]
        headline = bench.catalog.headline_of(cell.dataset, cell.model)
        yield json.dumps([cell.model, cell.dataset, headline, *(each.files if each else {} for each in found)])
