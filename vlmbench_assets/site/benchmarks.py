"""What the site says of one benchmark: its models over all of its datasets."""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from vlmbench_assets.bench import Bench
from vlmbench_assets.make.leaderboard import rank_dataset
from vlmbench_assets.site.cells import about_metric
from vlmbench_assets.site.lead import lead, lead_of
from vlmbench_assets.site.scripts import Json, numbers
from vlmbench_assets.work.average import MEAN_RANK, complete_models, lacking
from vlmbench_assets.work.benchmark_table import benchmark_table
from vlmbench_assets.work.board_parts import behind
from vlmbench_assets.work.rank import CellScores, Ranking, rank
from vlmbench_assets.work.report_tables import HEADLINE_POLICY
from vlmbench_assets.work.standing import standings

FIGURES = ("rank", "rank_low", "rank_high", "ci_low", "ci_high", "median_latency_ms", "cost_per_1000")


def without_texts(ranking: Ranking) -> Ranking:
    """A ranking to keep until all datasets are ranked: without what its cells answered."""
    return replace(ranking, cells={model: cell and _without_texts(cell) for model, cell in ranking.cells.items()})


def _without_texts(cell: CellScores) -> CellScores:
    frame = cell.aggregates
    overall = frame[(frame["dimension"] == "overall") & (frame["policy"] == HEADLINE_POLICY)]
    return replace(cell, aggregates=overall, answers=cell.answers[["status", "latency_ms"]])


def benchmark_board(bench: Bench, name: str, kept: Mapping[str, Ranking]) -> dict[str, Json]:
    """Who leads a benchmark, and a row for each model.

    Args:
        bench: The workspace.
        name: The benchmark.
        kept: By dataset, its ranking of all models by its own headline.
    """
    entry = bench.catalog.benchmarks[name]
    models = list(dict.fromkeys(cell.model for cell in bench.catalog.cells(name)))
    rankings = {dataset: _ranked(bench, dataset, models, entry.headline, kept) for dataset in entry.datasets}
    documents = sum(ranking.documents for ranking in rankings.values())
    if len(rankings) == 1:
        return _of_one(bench, next(iter(rankings.values())))
    table, averages = benchmark_table(rankings)
    compared = [model for model, each in averages.models.items() if each.ranks]
    told = lead(
        standings(table, "value", compared),
        behind(averages.pairs, higher_is_better=averages.higher_is_better),
        documents,
    )
    if not averages.models:
        told = {**told, "kind": "incomplete", "first": [*complete_models(rankings)]}
    headline = "" if averages.by == MEAN_RANK else next(iter(rankings.values())).headline
    return {
        "by": "rank" if averages.by == MEAN_RANK else "mean",
        "metric": {"name": headline, **about_metric(bench, headline)} if headline else None,
        "rows": _rows(table, "value", lacking(rankings)),
        "lead": told,
    }


def _of_one(bench: Bench, ranking: Ranking) -> dict[str, Json]:
    """Of a single dataset there is nothing to average: its own ranking says it all."""
    headline, table = ranking.headline, ranking.table
    return {
        "by": "score",
        "metric": {"name": headline, **about_metric(bench, headline)} if headline else None,
        "rows": _rows(table.assign(cells=table[headline].notna()), headline, {}),
        "lead": lead_of(ranking),
    }


def _rows(table: pd.DataFrame, value: str, lacks: Mapping[str, list[str]]) -> Json:
    return [
        {
            "model": row["model"],
            "score": numbers([row[value]])[0],
            **dict(zip(FIGURES, numbers([row[name] for name in FIGURES]), strict=True)),
            "currency": "" if pd.isna(row["currency"]) else str(row["currency"]),
            "front": bool(row["front"]),
            "cells": int(row["cells"]),
            "lacks": lacks.get(row["model"], []),
        }
        for row in table.to_dict("records")
    ]


def _ranked(
    bench: Bench, dataset: str, models: list[str], headline: str | None, kept: Mapping[str, Ranking]
) -> Ranking:
    """The models of a benchmark on one dataset; what was read for the dataset's own leaderboard is not read again."""
    wanted = headline or bench.catalog.headline_of(dataset, models[0])
    found = kept.get(dataset)
    if found is None:
        # Nothing of it could be read.
        return rank(dict.fromkeys(models), wanted, {wanted: bench.metric(wanted)} if wanted else {})
    if found.headline != wanted:
        return rank_dataset(bench, dataset, models, wanted)
    if set(found.cells) == set(models):
        return found
    cells = {model: found.cells.get(model) for model in models}
    return rank(cells, wanted, {wanted: found.plugin} if found.plugin else {}, found.combine)
