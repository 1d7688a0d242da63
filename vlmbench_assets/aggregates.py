"""Asset `aggregates`: scores of a cell over every declared dimension, with intervals and coverage."""

import dagster as dg

from vlmbench_assets.bench import Bench
from vlmbench_assets.checks import StageEvents, contract_kept, contract_spec, run_stage, table_schema
from vlmbench_assets.hold import cell_held
from vlmbench_assets.make.aggregates import make_aggregates
from vlmbench_assets.partitions import OWNERS, Partitions, cell_of
from vlmbench_assets.shown import score_figures, table


def aggregates_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        name="aggregates",
        partitions_def=partitions.cells,
        deps=["metrics"],
        check_specs=[contract_spec("aggregates")],
        group_name="cells",
        owners=OWNERS,
        kinds={"csv"},
        description="Scores over every dimension, under both failure policies, with 95 % intervals.",
        metadata={"dagster/column_schema": table_schema("aggregates")},
    )
    def aggregates(context: dg.AssetExecutionContext) -> StageEvents:
        cell = cell_of(context)

        def make() -> dg.MaterializeResult[None]:
            with cell_held(bench.store, "aggregates", cell.dataset, cell.model):
                frame, manifest = make_aggregates(bench, cell)
            return dg.MaterializeResult(
                metadata={
                    **score_figures(bench, cell),
                    "rows": dg.MetadataValue.int(len(frame)),
                    "preview": table(frame, list(frame.columns)),
                    "table": dg.MetadataValue.path(bench.store.table("aggregates", cell.dataset, cell.model)),
                    "lineage": dg.MetadataValue.json(manifest.lineage),
                },
                data_version=dg.DataVersion(manifest.version),
                check_results=[contract_kept("aggregates", len(frame))],
            )

        yield from run_stage("aggregates", make)

    return aggregates
