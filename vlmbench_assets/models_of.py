"""Which models stand on a dataset's leaderboard."""

from vlmbench_assets.bench import Bench


def models_of(bench: Bench, dataset: str) -> list[str]:
    """Models that meet the dataset in a benchmark, and those that met it outside of one."""
    planned = [
        cell.model for name in bench.catalog.benchmarks for cell in bench.catalog.cells(name) if cell.dataset == dataset
    ]
    met = [model for model in bench.catalog.models if bench.store.table("aggregates", dataset, model).exists()]
    return list(dict.fromkeys([*planned, *met]))
