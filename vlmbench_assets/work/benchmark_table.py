"""The leaderboard of a benchmark as a table: its models over all of its datasets."""

from collections.abc import Mapping, Sequence
from statistics import fmean

import pandas as pd

from vlmbench_assets.work.average import MEAN_RANK, Averages, average
from vlmbench_assets.work.markdown import NOTHING, interval, number, percent
from vlmbench_assets.work.rank import (
    FRONT,
    Ranking,
    cost_cell,
    cost_header,
    known,
    milliseconds,
    one_currency,
    possible_ranks,
)
from vlmbench_assets.work.separate import front

FIXED = (
    "rank",
    "rank_low",
    "rank_high",
    "model",
    "by",
    "value",
    "ci_low",
    "ci_high",
    "cells",
    "coverage",
    "failed",
    "median_latency_ms",
    "cost_per_1000",
    "currency",
    "front",
    "note",
)


def benchmark_table(rankings: Mapping[str, Ranking]) -> tuple[pd.DataFrame, Averages]:
    """Rank the models of a benchmark: a row each, best first, those without an average last.

    Columns: rank, rank_low and rank_high (the ranks that remain possible), model, by (what is averaged), value with its
    interval, cells (datasets with a score), coverage (the lowest of all datasets), failed (of all datasets together),
    median_latency_ms and cost_per_1000 (means over all datasets), currency, front, a column `DATASET/METRIC` per
    dataset with its headline, note. Null is what is missing.
    """
    averages = average(rankings)
    rows = [_row(model, rankings, averages) for model in next(iter(rankings.values())).cells] if rankings else []
    scores = [column(dataset, ranking) for dataset, ranking in rankings.items()]
    table = pd.DataFrame(rows, columns=[*FIXED[:-1], *scores, "note"]).astype({"value": float})
    down = averages.higher_is_better
    table = table.sort_values("value", ascending=not down, na_position="last", kind="stable", ignore_index=True)
    ranks = table["value"].rank(method="min", ascending=not down)
    table["rank"] = ranks.mask(ranks.notna() & (len(averages.models) < 2)).astype("Int64")
    for name in ("rank_low", "rank_high", "failed"):
        table[name] = table[name].astype("Int64")
    ranked = table[table["rank"].notna()].set_index("model")
    names = ("median_latency_ms", *(["cost_per_1000"] if one_currency(table) is not None else []))
    others = [{str(model): known(value) for model, value in ranked[name].items()} for name in names]
    quality = {str(model): float(value) for model, value in ranked["value"].items()}
    table["front"] = table["model"].isin(front(quality, others, higher_is_better=down))
    return table, averages


def column(dataset: str, ranking: Ranking) -> str:
    """The column of a dataset's scores; no entry has a slash in its name, so it is no other column's."""
    return f"{dataset}/{ranking.headline}"


def _row(model: str, rankings: Mapping[str, Ranking], averages: Averages) -> dict[str, object]:
    found = averages.models.get(model)
    rows = {dataset: ranking.table.set_index("model").loc[model].to_dict() for dataset, ranking in rankings.items()}
    values = {dataset: known(row[rankings[dataset].headline]) for dataset, row in rows.items()}
    coverage, failed = (_of_all([known(row[name]) for row in rows.values()]) for name in ("coverage", "failed"))
    notes: dict[str, list[str]] = {}
    for dataset, row in rows.items():
        if row["note"]:
            notes.setdefault(row["note"], []).append(dataset)
    return {
        "model": model,
        "by": averages.by,
        "value": found.value if found else None,
        "ci_low": found.low if found else None,
        "ci_high": found.high if found else None,
        "rank_low": found.ranks[0] if found and found.ranks else None,
        "rank_high": found.ranks[1] if found and found.ranks else None,
        "cells": sum(value is not None for value in values.values()),
        "coverage": min(coverage, default=None),
        "failed": int(sum(failed)) if failed else None,
        **{name: _mean([known(row[name]) for row in rows.values()]) for name in ("median_latency_ms", "cost_per_1000")},
        "currency": next((row["currency"] for row in rows.values() if row["currency"]), ""),
        **{column(dataset, rankings[dataset]): value for dataset, value in values.items()},
        "note": "; ".join(f"{', '.join(datasets)}: {note}" for note, datasets in notes.items()),
    }


def benchmark_rows(board_table: pd.DataFrame, averages: Averages) -> tuple[list[str], list[list[str]]]:
    """Header and cells as people read them."""
    datasets = [name for name in board_table.columns if name not in FIXED]
    currency = one_currency(board_table)
    header = ["rank", "possible", "front", "model", averages.by, "95 %", *datasets, "coverage", "failed", "ms"]
    header += [*cost_header(currency), "note"]
    digits = 2 if averages.by == MEAN_RANK else 3
    rows = [
        [
            NOTHING if pd.isna(row["rank"]) else str(row["rank"]),
            possible_ranks(row["rank_low"], row["rank_high"]),
            FRONT if row["front"] else "",
            row["model"],
            number(row["value"], digits),
            interval(row["ci_low"], row["ci_high"]),
            *(number(known(row[name])) for name in datasets),
            percent(known(row["coverage"])),
            NOTHING if pd.isna(row["failed"]) else str(row["failed"]),
            milliseconds(known(row["median_latency_ms"])),
            *cost_cell(known(row["cost_per_1000"]), row["currency"], currency),
            row["note"],
        ]
        for row in board_table.to_dict("records")
    ]
    return header, rows


def _of_all(values: Sequence[float | None]) -> list[float]:
    """The figures of all datasets; nothing where one lacks."""
    there = [value for value in values if value is not None]
    return there if len(there) == len(values) else []


def _mean(values: Sequence[float | None]) -> float | None:
    there = _of_all(values)
    return fmean(there) if there else None
