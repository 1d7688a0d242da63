"""Build the Dagster definitions of a workspace."""

from pathlib import Path

import dagster as dg

from vlmbench_assets.aggregates import aggregates_asset
from vlmbench_assets.answers import answers_asset
from vlmbench_assets.bench import Bench, open_bench
from vlmbench_assets.leaderboard import leaderboard_asset
from vlmbench_assets.metrics import metrics_asset
from vlmbench_assets.partitions import Partitions
from vlmbench_assets.quiet import silence_dagster_stages
from vlmbench_assets.report import report_asset
from vlmbench_assets.samples import samples_asset
from vlmbench_assets.workspace import find_workspace


def load_definitions(root: Path) -> dg.Definitions:
    """Build the definitions of the workspace in a folder; what `definitions.py` calls.

    Raises:
        VlmBenchError: When a plugin is broken or registry entries are wrong; Dagster shows the message.
    """
    return build_definitions(open_bench(find_workspace(root)))


def build_definitions(bench: Bench) -> dg.Definitions:
    """Build the asset graph of an opened workspace."""
    return dg.Definitions(
        assets=build_assets(bench),
        # A worker in its own environment does the work; a process per step would only cost its start
        # (a two-step run took 3.9 s in process and 10.2 s with a process per step).
        executor=dg.in_process_executor,
    )


def build_assets(bench: Bench) -> list[dg.AssetsDefinition]:
    """The six assets."""
    silence_dagster_stages()
    partitions = Partitions(bench.catalog)
    return [
        samples_asset(bench, partitions),
        answers_asset(bench, partitions),
        metrics_asset(bench, partitions),
        aggregates_asset(bench, partitions),
        report_asset(bench, partitions),
        leaderboard_asset(bench, partitions),
    ]
