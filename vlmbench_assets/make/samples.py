"""Make a dataset's `samples`: what is asked of its documents, with its gold."""

import csv
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from vlmbench_assets.bench import Bench
from vlmbench_assets.hold import dataset_held
from vlmbench_assets.lineage import Lineage, data_version, digest_json
from vlmbench_assets.made_from import MadeFrom
from vlmbench_assets.sources import source_digest
from vlmbench_assets.store import Manifest
from vlmbench_sdk import ContractError
from vlmbench_sdk.entries import Applies

if TYPE_CHECKING:
    import pandas as pd

FILES = "files"
"""Folder beside `samples.csv` for images that a reader made, one folder per lineage."""
GOLD = ("sample_id", "references", "answer_type", "field", "doc_type")
"""The columns that scores depend on."""
SLICES = ("sample_id", "doc_id", "split", "subset", "doc_type", "field", "answer_type", "language", "attributes")
"""The columns that aggregates depend on."""


def wanted_samples(bench: Bench, dataset: str) -> Lineage:
    """What the samples would be made from now; looks at the source's files."""
    source = bench.workspace.source(bench.catalog.datasets[dataset].source)
    cache = bench.store.folder("samples", dataset) / "source.json"
    return MadeFrom(bench).samples(dataset, source_digest(source, cache, bench.workspace.data))


def samples_are_fresh(bench: Bench, dataset: str, wanted: Lineage) -> Manifest | None:
    """The manifest of samples that are made from what is wanted; None when they are not."""
    manifest = bench.store.manifest("samples", dataset)
    if manifest is None or manifest.lineage != wanted or bench.store.unfinished("samples", dataset):
        return None
    folder = bench.store.folder("samples", dataset)
    there = [*manifest.files, str(manifest.facts.get("images", ""))]
    return manifest if all((folder / name).exists() for name in there) else None


def ensure_samples(bench: Bench, dataset: str) -> Manifest:
    """Read a dataset where its files, entry or reader changed since it was read.

    Raises:
        DatasetError: When the source cannot be read as declared.
        TableContractError: When the reader's samples break the contract.
    """
    wanted = wanted_samples(bench, dataset)
    fresh = samples_are_fresh(bench, dataset, wanted)
    if fresh is not None:
        return fresh
    with dataset_held(bench.store, "samples", dataset):
        # Whoever held it may have read it just now, and a worker may look at its images already.
        return samples_are_fresh(bench, dataset, wanted) or _make_samples(bench, dataset, wanted)


def _make_samples(bench: Bench, dataset: str, lineage: Lineage) -> Manifest:
    """Read a dataset, and publish its table."""
    from vlmbench_assets.contracts import SAMPLES
    from vlmbench_assets.tables import checked_csv
    from vlmbench_assets.work.read import read_dataset

    entry = bench.catalog.datasets[dataset]
    plugin = bench.plugins.dataset_readers[entry.reader]
    source = bench.workspace.source(entry.source)
    path = bench.store.table("samples", dataset)
    made = path.parent / FILES / data_version(lineage)
    out = _empty(made.with_name(f".{made.name}"))
    read = read_dataset(dataset, entry, plugin, source, out)
    content = checked_csv(read.samples, SAMPLES, path)
    if source is None:
        shutil.rmtree(made, ignore_errors=True)
        out.rename(made)
    else:
        shutil.rmtree(out)
    return bench.store.publish(
        "samples",
        dataset,
        files={path.name: content},
        lineage=lineage,
        digests=_digests(read.samples),
        facts={
            "entry": entry.model_dump(mode="json"),
            "options": plugin.options.model_validate(entry.options).model_dump(mode="json"),
            "samples": len(read.samples),
            "documents": int(read.samples["doc_id"].nunique()),
            "without_gold": int((read.samples["references"] == "[]").sum()),
            "images": f"{FILES}/{made.name}" if source is None else "",
        },
    )


def samples_of(bench: Bench, dataset: str) -> "pd.DataFrame":
    """The samples that were read before.

    Raises:
        ContractError: When there are none.
    """
    from vlmbench_assets.contracts import SAMPLES
    from vlmbench_assets.tables import read_table

    return read_table(bench.store.table("samples", dataset), SAMPLES)


def sample_rows(bench: Bench, dataset: str) -> list[dict[str, str]]:
    """The samples' rows as text, without the libraries that check them; they were checked when published."""
    with _opened(bench, dataset) as file:
        return list(csv.DictReader(file))


def never_scoring(bench: Bench, dataset: str, metrics: Iterable[str]) -> tuple[str, ...]:
    """Those of some metrics whose `applies_to` fits no sample; the table is read until all others are known.

    None of a table that was spoilt by hand: what needs it whole names what is wrong with it.
    """
    entries = {name: bench.catalog.metrics[name].applies_to for name in metrics}
    open_ = {name: entry for name, entry in entries.items() if entry != Applies()}
    seen = set()
    try:
        for about in _about(bench, dataset) if open_ else ():
            if about not in seen:
                seen.add(about)
                open_ = {name: entry for name, entry in open_.items() if not _fits(entry, about)}
            if not open_:
                break
    except (OSError, ValueError, IndexError, csv.Error):
        return ()
    return tuple(open_)


def _about(bench: Bench, dataset: str) -> Iterator[tuple[str, ...]]:
    """What `applies_to` looks at, row by row: a third of the time that rows by name take."""
    with _opened(bench, dataset) as file:
        rows = csv.reader(file)
        header = next(rows, [])
        yield from map(itemgetter(*(header.index(name) for name in Applies.model_fields)), rows)


def _fits(entry: Applies, about: tuple[str, ...]) -> bool:
    return all(not allowed or said in allowed for said, (_, allowed) in zip(about, entry, strict=True))


def _opened(bench: Bench, dataset: str) -> TextIO:
    # The csv module refuses cells over 128 KiB by default; a page of text can be longer.
    csv.field_size_limit(sys.maxsize)
    return bench.store.table("samples", dataset).open(encoding="utf-8", newline="")


def image_root(bench: Bench, dataset: str) -> Path:
    """What a dataset's `images` are relative to.

    Raises:
        ContractError: When the dataset was not read yet.
    """
    source = bench.workspace.source(bench.catalog.datasets[dataset].source)
    if source is not None:
        return source if source.is_dir() else source.parent
    folder = bench.store.folder("samples", dataset)
    manifest = bench.store.manifest("samples", dataset)
    if manifest is None:
        raise ContractError("there is no `samples` table yet", where=str(folder), fix="Run the cell's `answers`")
    return folder / str(manifest.facts.get("images", FILES))


def _digests(samples: "pd.DataFrame") -> Mapping[str, str]:
    def of(columns: Sequence[str]) -> list[list[object]]:
        return [list(row) for row in samples[list(columns)].itertuples(index=False, name=None)]

    # No score depends on the order of the samples; a page may show it.
    gold, slices = (digest_json(sorted(of(columns), key=lambda row: str(row[0]))) for columns in (GOLD, SLICES))
    return {"table": digest_json(of(list(samples.columns))), "gold": gold, "slices": slices}


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
