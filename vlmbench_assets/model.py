"""Asset `model`: everything about a model that its answers depend on; has no table, only its lineage.

It exists so that Dagster too can tell which answers were given by a model as it is no more.
"""

import dagster as dg

from vlmbench_assets.bench import Bench
from vlmbench_assets.checks import StageEvents, run_stage
from vlmbench_assets.lineage import Lineage, data_version
from vlmbench_assets.made_from import MadeFrom
from vlmbench_assets.partitions import OWNERS, Partitions


def model_metadata(lineage: Lineage, description: str) -> dict[str, dg.MetadataValue]:
    """What the UI shows of a model."""
    return {"lineage": dg.MetadataValue.json(lineage), "description": dg.MetadataValue.text(description)}


def model_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        name="model",
        partitions_def=partitions.models,
        group_name="models",
        owners=OWNERS,
        kinds={"yaml"},
        description="A model as it is declared: plugin, options, revision, generation settings, environment.",
    )
    def model(context: dg.AssetExecutionContext) -> StageEvents:
        def make() -> dg.MaterializeResult[None]:
            lineage = MadeFrom(bench).declared(context.partition_key)
            return dg.MaterializeResult(
                metadata=model_metadata(lineage, bench.catalog.models[context.partition_key].description),
                data_version=dg.DataVersion(data_version(lineage)),
            )

        yield from run_stage("model", make)

    return model
