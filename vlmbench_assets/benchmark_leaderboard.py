"""Asset `benchmark_leaderboard`: the models of one benchmark, over all of its datasets."""

import dagster as dg

from vlmbench_assets.bench import Bench
from vlmbench_assets.checks import StageEvents, run_stage
from vlmbench_assets.make.benchmark_leaderboard import make_benchmark_leaderboard
from vlmbench_assets.partitions import OWNERS, Partitions
from vlmbench_assets.shown import board


def benchmark_leaderboard_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""
    of_dataset: dict[str, set[str]] = {}
    for name, entry in bench.catalog.benchmarks.items():
        for dataset in entry.datasets:
            of_dataset.setdefault(dataset, set()).add(name)

    @dg.asset(
        name="benchmark_leaderboard",
        partitions_def=partitions.benchmarks,
        deps=[dg.AssetDep("leaderboard", partition_mapping=dg.StaticPartitionMapping(of_dataset))],
        group_name="leaderboards",
        owners=OWNERS,
        kinds={"html", "markdown", "csv"},
        description="The models of a benchmark over all of its datasets: average with interval, possible ranks, cells.",
    )
    def benchmark_leaderboard(context: dg.AssetExecutionContext) -> StageEvents:
        benchmark = context.partition_key

        def make() -> dg.MaterializeResult[None]:
            text, manifest = make_benchmark_leaderboard(bench, benchmark)
            return board(text, manifest, bench.store.folder("benchmark_leaderboard", benchmark))

        yield from run_stage("benchmark_leaderboard", make)

    return benchmark_leaderboard
