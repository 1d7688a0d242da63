"""Make a dataset's `leaderboard`: its models, side by side."""

from collections.abc import Iterator

import pandas as pd
from pydantic import JsonValue

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import AGGREGATES, ANSWERS, METRICS, SAMPLES
from vlmbench_assets.hold import dataset_held, failure_of
from vlmbench_assets.lineage import Lineage, digest_bytes
from vlmbench_assets.made_from import MadeFrom
from vlmbench_assets.make.aggregates import combine_by_metric
from vlmbench_assets.make.samples import samples_of
from vlmbench_assets.models_of import models_of
from vlmbench_assets.prompting import TUNED, collection_of, tuned_here
from vlmbench_assets.staleness import Judge
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import parse_table, read_table, to_csv
from vlmbench_assets.work.aggregate import counted, joined
from vlmbench_assets.work.cost import cost_of
from vlmbench_assets.work.parse import contracts_of, spoken, with_failures
from vlmbench_assets.work.rank import CellScores, leaderboard_markdown, rank
from vlmbench_assets.work.report_tables import HEADLINE_POLICY


def rank_dataset(bench: Bench, dataset: str) -> tuple[pd.DataFrame, str]:
    """Rank the models of a dataset; return the table and its page.

    A model without results stands in the table as missing; it is never left out.
    """
    models = models_of(bench, dataset)
    judge = Judge(bench, keep_errors=True)
    headline = bench.catalog.headline_of(dataset, models[0]) if models else ""
    reference = _Reference(bench, dataset, headline)
    scores = {model: _scores(judge, Cell(model=model, dataset=dataset), reference) for model in models}
    plugins = {name: bench.metric(name) for name in bench.catalog.metrics}
    combine = combine_by_metric(bench, [headline] if headline else [])
    table = rank(scores, headline, plugins, combine.get(headline))
    return table, leaderboard_markdown(table, dataset, headline, plugins)


def make_leaderboard(bench: Bench, dataset: str) -> tuple[str, Manifest]:
    """Write a dataset's leaderboard, and return its page and its manifest."""
    with dataset_held(bench.store, "leaderboard", dataset):
        return _publish(bench, dataset)


def _publish(bench: Bench, dataset: str) -> tuple[str, Manifest]:
    table, text = rank_dataset(bench, dataset)
    content = text.encode("utf-8", "replace")
    manifest = bench.store.publish(
        "leaderboard",
        dataset,
        files={"leaderboard.csv": to_csv(table).encode("utf-8", "replace"), "leaderboard.md": content},
        lineage=leaderboard_lineage(bench, MadeFrom(bench), dataset),
        digests={"page": digest_bytes(content)},
        facts={"models": list[JsonValue](models_of(bench, dataset))},
    )
    return text, manifest


def leaderboard_lineage(bench: Bench, made_from: MadeFrom, dataset: str) -> Lineage:
    """What a dataset's leaderboard would be made from now."""
    return made_from.leaderboard(
        dataset,
        [
            (
                model,
                bench.store.manifest("answers", dataset, model),
                bench.store.manifest("aggregates", dataset, model),
            )
            for model in models_of(bench, dataset)
        ],
    )


def leaderboard_is_fresh(bench: Bench, dataset: str) -> bool:
    """Whether a dataset's leaderboard shows what is there."""
    return Judge(bench).leaderboard(dataset, models_of(bench, dataset)).state == "fresh"


class _Reference:
    """What the cells of a dataset must agree in to be compared: samples, and how the headline is defined."""

    def __init__(self, bench: Bench, dataset: str, headline: str) -> None:
        self.bench = bench
        self.headline = headline
        path = bench.store.table("samples", dataset)
        self.samples = read_table(path, SAMPLES) if headline and path.exists() else None
        self.gold = manifest.digests.get("gold") if (manifest := bench.store.manifest("samples", dataset)) else None
        self.metric = MadeFrom(bench).metric(headline) if headline else {}

    def difference(self, made: Manifest | None) -> str:
        """Why a cell's scores cannot be compared; empty where they can."""
        if made is None or made.lineage.get("gold") != self.gold:
            return "scored on other samples or references, so not compared"
        if any(made.lineage.get(name) != value for name, value in self.metric.items()):
            return f"scored by another version of {self.headline}, so not compared"
        return ""

    def counted(self, cell: Cell, answers: pd.DataFrame) -> pd.DataFrame | None:
        """What counts of a cell's headline, by sample."""
        path = self.bench.store.table("metrics", cell.dataset, cell.model)
        if self.samples is None or not path.exists():
            return None
        metrics = parse_table(path.read_bytes(), METRICS)
        plugin = self.bench.metric(self.headline)
        rows = joined(self.samples, answers, metrics[metrics["metric"] == self.headline])
        columns = ["sample_id", "doc_id", "value", "weight", "category", "detail"]
        return counted(rows, plugin, HEADLINE_POLICY)[columns]


def _scores(judge: Judge, cell: Cell, reference: _Reference) -> CellScores | None:
    bench = judge.bench
    path = bench.store.table("aggregates", cell.dataset, cell.model)
    manifest = bench.store.manifest("answers", cell.dataset, cell.model)
    if not path.exists() or manifest is None:
        return None
    answers = _answers(bench, cell)
    cost = cost_of(answers, bench.catalog.models[cell.model].price)
    samples, answer_s, asked = (manifest.facts.get(name) for name in ("samples", "answer_s", "asked"))
    other = reference.difference(bench.store.manifest("metrics", cell.dataset, cell.model))
    return CellScores(
        aggregates=read_table(path, AGGREGATES),
        answers=answers,
        limit=samples if isinstance(samples, int) and samples != manifest.facts.get("samples_in_dataset") else None,
        answer_s=float(answer_s) if isinstance(answer_s, int | float) and asked else None,
        warnings=(*([other] if other else []), *_warnings(judge, cell)),
        counted=None if other else reference.counted(cell, answers),
        cost_per_1000=cost.per_1000 if cost else None,
    )


def _answers(bench: Bench, cell: Cell) -> pd.DataFrame:
    answers = read_table(bench.store.table("answers", cell.dataset, cell.model), ANSWERS)
    answers = spoken(answers, bench.catalog.models[cell.model].thinking)
    collection = collection_of(bench, cell.model)
    if collection is None or collection.contracts is None:
        return answers
    return with_failures(answers, contracts_of(collection, samples_of(bench, cell.dataset), cell.dataset))


def _warnings(judge: Judge, cell: Cell) -> Iterator[str]:
    """Say what of a cell's figures should not be trusted as it stands."""
    failure = failure_of(judge.bench.store, cell.dataset, cell.model)
    if failure is not None:
        yield f"its last run failed at {failure.stage}"
        return
    if tuned_here(judge.bench, cell):
        yield TUNED
    judged = judge.cell(cell)
    # The page itself says nothing about scores, so a report that is only out of date is no warning.
    if any(found.state != "fresh" for asset, found in judged.assets.items() if asset != "report"):
        yield f"stale: {'; '.join(judged.reasons)}"
