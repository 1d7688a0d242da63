"""Asset `samples`: what is asked of a dataset's documents, with its gold."""

import dagster as dg

from vlmbench_assets.bench import Bench
from vlmbench_assets.checks import StageEvents, contract_kept, contract_spec, run_stage, table_schema
from vlmbench_assets.make.samples import ensure_samples, samples_of
from vlmbench_assets.partitions import OWNERS, Partitions
from vlmbench_assets.shown import table
from vlmbench_assets.store import Manifest


def samples_metadata(bench: Bench, manifest: Manifest) -> dict[str, dg.MetadataValue]:
    """What the UI shows of a dataset."""
    frame = samples_of(bench, manifest.dataset)
    counts = {
        name: dg.MetadataValue.text(", ".join(f"{str(value) or '(none)'}: {n}" for value, n in found.items()))
        for name in ("doc_type", "field", "subset", "language")
        if (found := frame[name].value_counts().head(20)).size
    }
    return {
        "samples": dg.MetadataValue.int(len(frame)),
        "documents": dg.MetadataValue.int(int(frame["doc_id"].nunique())),
        **counts,
        "preview": table(frame, ["sample_id", "doc_type", "field", "subset", "question", "references"]),
        "lineage": dg.MetadataValue.json(manifest.lineage),
        "table": dg.MetadataValue.path(bench.store.table("samples", manifest.dataset)),
    }


def samples_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        name="samples",
        partitions_def=partitions.datasets,
        check_specs=[contract_spec("samples")],
        group_name="datasets",
        owners=OWNERS,
        kinds={"csv"},
        description="The samples of a dataset: one question about one document each, with its gold.",
        metadata={"dagster/column_schema": table_schema("samples")},
    )
    def samples(context: dg.AssetExecutionContext) -> StageEvents:
        dataset = context.partition_key

        def make() -> dg.MaterializeResult[None]:
            manifest = ensure_samples(bench, dataset)
            return dg.MaterializeResult(
                metadata=samples_metadata(bench, manifest),
                data_version=dg.DataVersion(manifest.version),
                check_results=[contract_kept("samples", int(str(manifest.facts["samples"])))],
            )

        yield from run_stage("samples", make)

    return samples
