"""Asset `leaderboard`: the models of one dataset, side by side."""

from collections.abc import Iterator

import dagster as dg
import pandas as pd

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.checks import StageEvents, run_stage
from vlmbench_assets.contracts import AGGREGATES, ANSWERS
from vlmbench_assets.files import write_atomically
from vlmbench_assets.lineage import data_version, digest_file
from vlmbench_assets.partitions import Partitions
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import read_table, to_csv
from vlmbench_assets.work.rank import CellScores, leaderboard_markdown, rank
from vlmbench_sdk import MetricPlugin


def rank_dataset(bench: Bench, dataset: str) -> tuple[pd.DataFrame, str]:
    """Rank the models of a dataset; return the table and its page.

    A model without results stands in the table as missing; it is never left out.
    """
    models = _models(bench, dataset)
    scores = {model: _scores(bench, Cell(model=model, dataset=dataset)) for model in models}
    headline = bench.catalog.headline_of(dataset, models[0]) if models else ""
    plugins: dict[str, MetricPlugin] = {
        name: bench.plugins.metrics[entry.plugin] for name, entry in bench.catalog.metrics.items()
    }
    table = rank(scores, headline, plugins)
    return table, leaderboard_markdown(table, dataset, headline, plugins)


def make_leaderboard(bench: Bench, dataset: str) -> tuple[str, Manifest]:
    """Write a dataset's leaderboard, and return its page and its manifest."""
    table, text = rank_dataset(bench, dataset)
    folder = bench.store.folder("leaderboard", dataset)
    write_atomically(folder / "leaderboard.csv", to_csv(table).encode())
    write_atomically(folder / "leaderboard.md", text.encode())
    paths = {
        model: path
        for model in _models(bench, dataset)
        if (path := bench.store.table("aggregates", dataset, model)).exists()
    }
    manifest = bench.store.write_manifest(
        "leaderboard",
        dataset,
        lineage={f"aggregates {model}": digest_file(path) for model, path in paths.items()},
        facts={"models": list(paths)},
    )
    return text, manifest


def leaderboard_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        name="leaderboard",
        partitions_def=partitions.datasets,
        deps=[dg.AssetDep("aggregates", partition_mapping=dg.MultiToSingleDimensionPartitionMapping("dataset"))],
        group_name="leaderboards",
        kinds={"markdown", "csv"},
        description="The models of a dataset side by side: headline with interval, coverage, other metrics.",
    )
    def leaderboard(context: dg.AssetExecutionContext) -> StageEvents:
        dataset = context.partition_key

        def make() -> dg.MaterializeResult[None]:
            text, manifest = make_leaderboard(bench, dataset)
            return dg.MaterializeResult(
                metadata={
                    "leaderboard": dg.MetadataValue.md(text),
                    "path": dg.MetadataValue.path(bench.store.folder("leaderboard", dataset) / "leaderboard.md"),
                },
                data_version=dg.DataVersion(data_version(manifest.lineage)),
            )

        yield from run_stage("leaderboard", make)

    return leaderboard


def _models(bench: Bench, dataset: str) -> list[str]:
    """Models that meet the dataset in a benchmark, and those that met it outside of one."""
    planned = [
        cell.model for name in bench.catalog.benchmarks for cell in bench.catalog.cells(name) if cell.dataset == dataset
    ]
    met = [model for model in bench.catalog.models if bench.store.table("aggregates", dataset, model).exists()]
    return list(dict.fromkeys([*planned, *met]))


def _scores(bench: Bench, cell: Cell) -> CellScores | None:
    path = bench.store.table("aggregates", cell.dataset, cell.model)
    manifest = bench.store.manifest("answers", cell.dataset, cell.model)
    if not path.exists() or manifest is None:
        return None
    answers = read_table(bench.store.table("answers", cell.dataset, cell.model), ANSWERS)
    limit, answer_s = manifest.facts["limit"], manifest.facts["answer_s"]
    return CellScores(
        aggregates=read_table(path, AGGREGATES),
        answers=answers,
        limit=limit if isinstance(limit, int) else None,
        answer_s=float(answer_s) if isinstance(answer_s, int | float) else None,
        warnings=tuple(_warnings(bench, cell, manifest)),
    )


def _warnings(bench: Bench, cell: Cell, answers: Manifest) -> Iterator[str]:
    """Say what does not fit together: old scores beside new answers, or answers to older samples."""
    samples = bench.store.manifest("samples", cell.dataset)
    scored = bench.store.manifest("metrics", cell.dataset, cell.model)
    path = bench.store.table("answers", cell.dataset, cell.model)
    if scored is None or scored.lineage["answers"] != digest_file(path):
        yield "scores are older than the answers"
    if samples is not None and samples.lineage["table"] != answers.lineage["samples"]:
        yield "asked before the dataset changed"
    failure = bench.store.failure(cell.dataset, cell.model)
    if failure is not None:
        yield f"its last run failed at {failure.stage}"
