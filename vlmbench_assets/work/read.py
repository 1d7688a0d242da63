"""Read a dataset into the `samples` table."""

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from vlmbench_assets.contracts import SAMPLES
from vlmbench_assets.lineage import digest_file
from vlmbench_assets.tables import table_from_rows
from vlmbench_sdk import DatasetError, PluginError, ReadJob, Sample
from vlmbench_sdk.entries import DatasetEntry
from vlmbench_sdk.plugin_specs import DatasetReaderPlugin, resolve

SHOWN_MISTAKES = 10


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that was read."""

    samples: pd.DataFrame
    image_root: Path
    """What `images` are relative to."""


def read_dataset(
    name: str, entry: DatasetEntry, plugin: DatasetReaderPlugin, source: Path | None, out: Path
) -> Dataset:
    """Run a dataset's reader.

    Args:
        name: The dataset entry's name.
        entry: Its entry.
        plugin: The reader it names.
        source: Its source, resolved; None for readers that make their documents.
        out: An empty folder in which the reader may leave images it makes.

    Raises:
        DatasetError: When the source cannot be read as declared, or an image is missing or lies elsewhere.
    """
    options = plugin.options.model_validate(entry.options)
    job = ReadJob(dataset=name, options=options, split=entry.split, language=entry.language, out=out, source=source)
    read = resolve(plugin.read, owner=f"dataset reader {plugin.name}")
    if not callable(read):
        raise PluginError(f"{plugin.read!r} is not a function", where=f"dataset reader {plugin.name}")
    samples: list[Sample] = list(read(job))
    _refuse_wrong_images(name, samples, job.folder)
    digests = {image: digest_file(job.folder / image) for sample in samples for image in sample.images}
    rows = [_row(sample, entry, digests) for sample in samples]
    return Dataset(table_from_rows(SAMPLES, rows), job.folder)


def _refuse_wrong_images(dataset: str, samples: list[Sample], root: Path) -> None:
    mistakes: dict[str, str] = {}
    inside = root.resolve()
    for sample in samples:
        for image in sample.images:
            path = (root / image).resolve()
            if not path.is_relative_to(inside):
                mistakes[image] = f"sample {sample.sample_id}: image {image!r} lies outside of {root}"
            elif not path.is_file():
                mistakes[image] = f"sample {sample.sample_id}: there is no image {image!r}"
    if mistakes:
        shown = "; ".join(list(mistakes.values())[:SHOWN_MISTAKES])
        rest = len(mistakes) - SHOWN_MISTAKES
        raise DatasetError(
            shown + (f"; and {rest} more" if rest > 0 else ""),
            where=f"dataset {dataset} in {root}",
            fix="Add the images, or take their samples out",
        )


def _row(sample: Sample, entry: DatasetEntry, digests: dict[str, str]) -> dict[str, object]:
    fields = sample.model_dump()
    return {
        **fields,
        "language": sample.language or entry.language,
        "references": json.dumps(sample.references, ensure_ascii=False),
        "images": json.dumps(sample.images, ensure_ascii=False),
        "image_sha256": json.dumps([digests[image] for image in sample.images]),
        "attributes": json.dumps(sample.attributes, ensure_ascii=False, sort_keys=True),
    }
