"""Asset `metrics`: every answer scored by every metric that applies to it."""

import dagster as dg
import pandas as pd
from pydantic import Field

from vlmbench_assets.bench import Bench
from vlmbench_assets.checks import StageEvents, contract_kept, contract_spec, run_stage, table_schema
from vlmbench_assets.hold import cell_held
from vlmbench_assets.make.metrics import make_metrics
from vlmbench_assets.partitions import OWNERS, Partitions, cell_of
from vlmbench_assets.shown import table
from vlmbench_assets.work.watch import QUIET, Surroundings


class MetricsConfig(dg.Config):
    """Run configuration of `metrics`."""

    again: bool = Field(default=False, description="Score everything again, as after a metric was edited in place")


def metrics_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        name="metrics",
        partitions_def=partitions.cells,
        deps=["answers"],
        check_specs=[contract_spec("metrics")],
        group_name="cells",
        owners=OWNERS,
        kinds={"csv"},
        description="Every answer scored: one row per sample and metric that applies to it.",
        metadata={"dagster/column_schema": table_schema("metrics")},
    )
    def metrics(context: dg.AssetExecutionContext, config: MetricsConfig) -> StageEvents:
        cell = cell_of(context)

        def make() -> dg.MaterializeResult[None]:
            with cell_held(bench.store, "metrics", cell.dataset, cell.model):
                around = Surroundings(context.log.info, QUIET.progress)
                frame, manifest = make_metrics(bench, cell, again=config.again, around=around)
            unscored = int(frame["value"].isna().sum())
            return dg.MaterializeResult(
                metadata={
                    "rows": dg.MetadataValue.int(len(frame)),
                    "scored_now": dg.MetadataValue.int(int(str(manifest.facts["scored"]))),
                    "unscored": dg.MetadataValue.int(unscored),
                    "metrics": dg.MetadataValue.text(", ".join(frame["metric"].unique())),
                    "categories": table(_categories(frame), ["metric", "category", "samples"]),
                    "preview": table(frame, list(frame.columns)),
                    "table": dg.MetadataValue.path(bench.store.table("metrics", cell.dataset, cell.model)),
                    "lineage": dg.MetadataValue.json(manifest.lineage),
                },
                data_version=dg.DataVersion(manifest.version),
                check_results=[contract_kept("metrics", len(frame))],
            )

        yield from run_stage("metrics", make)

    return metrics


def _categories(frame: pd.DataFrame) -> pd.DataFrame:
    """How many samples each metric found right, and how the others are wrong."""
    judged = frame[frame["category"] != ""]
    return judged.groupby(["metric", "category"], sort=True).size().reset_index(name="samples")
