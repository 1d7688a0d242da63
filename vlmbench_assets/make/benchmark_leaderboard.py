"""Make a benchmark's leaderboard: its models over all of its datasets."""

from collections.abc import Sequence

import pandas as pd

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.hold import dataset_held
from vlmbench_assets.made_from import MadeFrom
from vlmbench_assets.make.leaderboard import concerns_of, doubted, publish_board, rank_dataset, report_paths
from vlmbench_assets.staleness import Judge
from vlmbench_assets.store import Manifest
from vlmbench_assets.work.average import Averages
from vlmbench_assets.work.benchmark_page import BenchmarkBoard, benchmark_pages
from vlmbench_assets.work.benchmark_table import benchmark_table
from vlmbench_assets.work.rank import Ranking


def rank_benchmark(bench: Bench, benchmark: str) -> tuple[dict[str, Ranking], pd.DataFrame, Averages]:
    """Rank the models of a benchmark on each of its datasets, and over all of them."""
    entry = bench.catalog.benchmarks[benchmark]
    models = list(dict.fromkeys(cell.model for cell in bench.catalog.cells(benchmark)))
    rankings = {dataset: rank_dataset(bench, dataset, models, entry.headline) for dataset in entry.datasets}
    return rankings, *benchmark_table(rankings)


def make_benchmark_leaderboard(bench: Bench, benchmark: str) -> tuple[str, Manifest]:
    """Write a benchmark's leaderboard, and return its page as Markdown and its manifest."""
    with dataset_held(bench.store, "benchmark_leaderboard", benchmark):
        board = _board(bench, benchmark)
        pages = dict(benchmark_pages(board))
        return publish_board(bench, "benchmark_leaderboard", benchmark, board.table, pages, board.lineage)


def benchmark_is_fresh(bench: Bench, benchmark: str) -> bool:
    """Whether a benchmark's leaderboard shows what is there."""
    return Judge(bench).benchmark(benchmark).state == "fresh"


def benchmarks_to_show(bench: Bench, datasets: Sequence[str]) -> list[str]:
    """Benchmarks that some datasets are in and whose datasets all have results.

    One of a single dataset has nothing to average: its dataset's leaderboard says it all.
    """

    def shown(dataset: str) -> bool:
        return any((bench.store.root / "aggregates").glob(f"*/{dataset}/aggregates.csv"))

    return [
        name
        for name, entry in bench.catalog.benchmarks.items()
        if len(entry.datasets) > 1 and set(datasets) & set(entry.datasets) and all(map(shown, entry.datasets))
    ]


def _board(bench: Bench, benchmark: str) -> BenchmarkBoard:
    # Before anything is read: what changes in between makes the page stale, never wrongly fresh.
    lineage = MadeFrom(bench).benchmark(benchmark) | doubted(bench, bench.catalog.cells(benchmark))
    rankings, table, averages = rank_benchmark(bench, benchmark)
    concerns: dict[str, list[str]] = {}
    for dataset, ranking in rankings.items():
        for model in table["model"]:
            cell = Cell(model=model, dataset=dataset)
            said = [f"on {dataset} {concern}" for concern in concerns_of(bench, cell, ranking)]
            concerns.setdefault(model, []).extend(said)
    return BenchmarkBoard(
        benchmark=benchmark,
        rankings=rankings,
        averages=averages,
        table=table,
        concerns=concerns,
        reports={dataset: report_paths(bench, dataset, list(table["model"])) for dataset in rankings},
        lineage=lineage,
        commands=f"vlmbench run --benchmark {benchmark}\nvlmbench leaderboard --benchmark {benchmark}",
    )
