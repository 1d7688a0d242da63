"""Cells made in this process, without Dagster and without the command: quick, and exactly what both call."""

from pathlib import Path

from vlmbench_assets.bench import Bench, open_bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.hold import cell_held
from vlmbench_assets.make.aggregates import make_aggregates
from vlmbench_assets.make.answers import Asking, make_answers
from vlmbench_assets.make.benchmark_leaderboard import benchmarks_to_show, make_benchmark_leaderboard
from vlmbench_assets.make.leaderboard import make_leaderboard
from vlmbench_assets.make.metrics import make_metrics
from vlmbench_assets.make.report import make_report
from vlmbench_assets.store import Manifest
from vlmbench_assets.work.watch import Surroundings
from vlmbench_assets.workspace import find_workspace

QUIET = Surroundings(say=lambda _line: None, progress=lambda _done, _total: None)


def bench_of(root: Path) -> Bench:
    """Open a workspace as it is on disk now."""
    return open_bench(find_workspace(root))


def answer(root: Path, model: str, dataset: str, how: Asking | None = None) -> Manifest:
    """Make a cell's answers."""
    bench = bench_of(root)
    with cell_held(bench.store, "answers", dataset, model):
        return make_answers(bench, Cell(model=model, dataset=dataset), how or Asking(), QUIET)[1]


def score(root: Path, model: str, dataset: str) -> Manifest:
    """Make a cell's metrics, aggregates and report; return the manifest of metrics."""
    bench, cell = bench_of(root), Cell(model=model, dataset=dataset)
    made = make_metrics(bench, cell)[1]
    make_aggregates(bench, cell)
    make_report(bench, cell)
    return made


def make_everything(root: Path) -> None:
    """Make every cell of every benchmark, and the leaderboards."""
    bench = bench_of(root)
    cells = dict.fromkeys(cell for name in bench.catalog.benchmarks for cell in bench.catalog.cells(name))
    for cell in cells:
        answer(root, cell.model, cell.dataset)
        score(root, cell.model, cell.dataset)
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        make_leaderboard(bench, dataset)
    for benchmark in benchmarks_to_show(bench, [cell.dataset for cell in cells]):
        make_benchmark_leaderboard(bench, benchmark)
