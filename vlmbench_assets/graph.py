"""The asset graph: the eight assets of a workspace."""

import dagster as dg

from vlmbench_assets.aggregates import aggregates_asset
from vlmbench_assets.answers import answers_asset
from vlmbench_assets.bench import Bench
from vlmbench_assets.benchmark_leaderboard import benchmark_leaderboard_asset
from vlmbench_assets.leaderboard import leaderboard_asset
from vlmbench_assets.metrics import metrics_asset
from vlmbench_assets.model import model_asset
from vlmbench_assets.partitions import Partitions
from vlmbench_assets.quiet import silence_dagster_stages
from vlmbench_assets.report import report_asset
from vlmbench_assets.samples import samples_asset


def build_assets(bench: Bench) -> list[dg.AssetsDefinition]:
    """The eight assets."""
    silence_dagster_stages()
    partitions = Partitions(bench.catalog)
    return [
        model_asset(bench, partitions),
        samples_asset(bench, partitions),
        answers_asset(bench, partitions),
        metrics_asset(bench, partitions),
        aggregates_asset(bench, partitions),
        report_asset(bench, partitions),
        leaderboard_asset(bench, partitions),
        benchmark_leaderboard_asset(bench, partitions),
    ]
