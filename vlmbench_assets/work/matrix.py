"""A benchmark at a glance: its models and its datasets, with the headline in each cell."""

from collections.abc import Mapping

import pandas as pd

from vlmbench_assets.work.markdown import interval, markdown_table, number
from vlmbench_assets.work.rank import MISSING


def benchmark_markdown(leaderboards: Mapping[str, pd.DataFrame], headlines: Mapping[str, str]) -> str:
    """Models as rows, datasets as columns, the headline with its interval in each cell.

    There is no mean over datasets: their headlines may be different metrics.

    Args:
        leaderboards: The table that `rank` makes, by dataset.
        headlines: The metric that ranks, by dataset.
    """
    models = sorted({model for table in leaderboards.values() for model in table["model"]})
    cells = {dataset: _cells(table, headlines[dataset]) for dataset, table in leaderboards.items()}
    header = ["model", *(f"{dataset}, {headlines[dataset]}" for dataset in leaderboards)]
    rows = [[model, *(cells[dataset].get(model, "") for dataset in leaderboards)] for model in models]
    said = "Empty: the benchmark does not plan this cell. `missing`: it has no result yet."
    return f"{said}\n\n{markdown_table(header, rows)}" if models else "The benchmark has no cells."


def _cells(table: pd.DataFrame, headline: str) -> dict[str, str]:
    rows = table[["model", headline, "ci_low", "ci_high", "note"]].itertuples(index=False, name=None)
    return {
        model: MISSING if note == MISSING else " ".join(filter(None, [number(value), interval(low, high)]))
        for model, value, low, high, note in rows
    }
