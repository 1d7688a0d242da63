"""Asset `leaderboard`: the models of one dataset, side by side."""

import dagster as dg

from vlmbench_assets.bench import Bench
from vlmbench_assets.checks import StageEvents, run_stage
from vlmbench_assets.make.leaderboard import make_leaderboard
from vlmbench_assets.partitions import OWNERS, Partitions
from vlmbench_assets.shown import board


def leaderboard_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        name="leaderboard",
        partitions_def=partitions.datasets,
        deps=[dg.AssetDep("aggregates", partition_mapping=dg.MultiToSingleDimensionPartitionMapping("dataset"))],
        group_name="leaderboards",
        owners=OWNERS,
        kinds={"html", "markdown", "csv"},
        description="The models of a dataset side by side: headline with interval, coverage, other metrics.",
    )
    def leaderboard(context: dg.AssetExecutionContext) -> StageEvents:
        dataset = context.partition_key

        def make() -> dg.MaterializeResult[None]:
            text, manifest = make_leaderboard(bench, dataset)
            return board(text, manifest, bench.store.folder("leaderboard", dataset))

        yield from run_stage("leaderboard", make)

    return leaderboard
