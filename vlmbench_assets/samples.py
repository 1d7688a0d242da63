"""Asset `samples`: what is asked of a dataset's documents, with its gold."""

import dagster as dg
import pandas as pd

from vlmbench_assets.bench import Bench
from vlmbench_assets.checks import StageEvents, contract_kept, contract_spec, run_stage, table_schema
from vlmbench_assets.contracts import SAMPLES
from vlmbench_assets.lineage import data_version, digest_file, digest_record
from vlmbench_assets.partitions import Partitions
from vlmbench_assets.preview import preview
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import read_table, write_table
from vlmbench_assets.work.read import read_dataset


def make_samples(bench: Bench, dataset: str) -> tuple[pd.DataFrame, Manifest]:
    """Read a dataset, and write its table and manifest.

    Raises:
        DatasetError: When the source cannot be read as declared.
        TableContractError: When the reader's samples break the contract.
    """
    entry = bench.catalog.datasets[dataset]
    plugin = bench.plugins.dataset_readers[entry.reader]
    path = bench.store.table("samples", dataset)
    source = bench.workspace.source(entry.source)
    read = read_dataset(dataset, entry, plugin, source, path.parent)
    write_table(read.samples, SAMPLES, path)
    owner = bench.plugins.owners["vlmbench_dataset_readers", plugin.name]
    manifest = bench.store.write_manifest(
        "samples",
        dataset,
        lineage={
            "dataset": digest_record(entry),
            "reader": f"{owner.distribution}=={owner.version}",
            "table": digest_file(path),
        },
        facts={
            "entry": entry.model_dump(mode="json"),
            "options": plugin.options.model_validate(entry.options).model_dump(mode="json"),
            "samples": len(read.samples),
            "documents": int(read.samples["doc_id"].nunique()),
        },
    )
    return read.samples, manifest


def samples_of(bench: Bench, dataset: str) -> pd.DataFrame | None:
    """The samples that were read before; None where there are none."""
    path = bench.store.table("samples", dataset)
    return read_table(path, SAMPLES) if path.exists() else None


def samples_metadata(bench: Bench, frame: pd.DataFrame, dataset: str) -> dict[str, dg.MetadataValue]:
    """What the UI shows of a dataset."""
    counts = {
        name: dg.MetadataValue.text(", ".join(f"{str(value) or '(none)'}: {n}" for value, n in found.items()))
        for name in ("doc_type", "field", "subset", "language")
        if (found := frame[name].value_counts().head(20)).size
    }
    return {
        "samples": dg.MetadataValue.int(len(frame)),
        "documents": dg.MetadataValue.int(int(frame["doc_id"].nunique())),
        **counts,
        "preview": dg.MetadataValue.md(
            preview(frame, ["sample_id", "doc_type", "field", "subset", "question", "references"])
        ),
        "table": dg.MetadataValue.path(bench.store.table("samples", dataset)),
    }


def samples_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        name="samples",
        partitions_def=partitions.datasets,
        check_specs=[contract_spec("samples")],
        group_name="datasets",
        kinds={"csv"},
        description="The samples of a dataset: one question about one document each, with its gold.",
        metadata={"dagster/column_schema": table_schema("samples")},
    )
    def samples(context: dg.AssetExecutionContext) -> StageEvents:
        dataset = context.partition_key

        def make() -> dg.MaterializeResult[None]:
            frame, manifest = make_samples(bench, dataset)
            return dg.MaterializeResult(
                metadata=samples_metadata(bench, frame, dataset),
                data_version=dg.DataVersion(data_version(manifest.lineage)),
                check_results=[contract_kept("samples", len(frame))],
            )

        yield from run_stage("samples", make)

    return samples
