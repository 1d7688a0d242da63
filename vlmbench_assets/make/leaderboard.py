"""Make a dataset's `leaderboard`: its models, side by side."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from textwrap import shorten

import pandas as pd
from pydantic import JsonValue

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import AGGREGATES, ANSWERS, SAMPLES
from vlmbench_assets.hold import dataset_held, failure_of
from vlmbench_assets.imported_model import imported_from
from vlmbench_assets.lineage import Lineage, digest_bytes
from vlmbench_assets.made_from import MadeFrom
from vlmbench_assets.make.aggregates import combine_by_metric
from vlmbench_assets.make.answered import held_to_contracts, limit_of, without_its_thinking
from vlmbench_assets.make.reference import COLUMNS, Reference
from vlmbench_assets.make.since import since_before
from vlmbench_assets.models_of import models_of
from vlmbench_assets.page.as_html import page_html
from vlmbench_assets.page.as_markdown import page_markdown
from vlmbench_assets.page.blocks import Page
from vlmbench_assets.prompting import TUNED, tuned_here
from vlmbench_assets.staleness import DOUBTED, Judge
from vlmbench_assets.store import AssetName, Manifest
from vlmbench_assets.tables import read_table, to_csv
from vlmbench_assets.work.board_parts import Suffix
from vlmbench_assets.work.compare import Difference
from vlmbench_assets.work.cost import cost_of
from vlmbench_assets.work.leaderboard_page import Board, leaderboard_pages
from vlmbench_assets.work.rank import CellScores, Ranking, rank
from vlmbench_assets.work.winners import DIMENSIONS
from vlmbench_sdk import ContractError

LONGEST_REASON = 100
"""Characters of a note that say why tables cannot be read: a broken contract names each column."""
NEVER_ASKED = "samples were never asked"
"""How the doubt ends that follows from a limit."""


def rank_dataset(
    bench: Bench, dataset: str, models: Sequence[str] | None = None, headline: str | None = None
) -> Ranking:
    """Rank the models of a dataset.

    A model without results stands in the table as missing; it is never left out.

    Args:
        bench: The workspace.
        dataset: The dataset.
        models: These; default: all that met it or are to meet it.
        headline: The metric that ranks; default: the dataset's.
    """
    models = models_of(bench, dataset) if models is None else models
    judge = Judge(bench, keep_errors=True)
    if headline is None:
        headline = bench.catalog.headline_of(dataset, models[0]) if models else ""
    reference = Reference(bench, dataset, headline, models)
    scores: dict[str, CellScores | None] = {}
    unreadable: dict[str, str] = {}
    for model in models:
        try:
            scores[model] = _scores(judge, Cell(model=model, dataset=dataset), reference)
        except ContractError as error:
            # One lost or damaged table must not keep the other models from being ranked.
            scores[model], unreadable[model] = None, shorten(error.what, LONGEST_REASON, placeholder=" …")
    plugins = {name: bench.metric(name) for name in bench.catalog.metrics}
    combine = combine_by_metric(bench, [headline] if headline else [])
    found = rank(scores, headline, plugins, combine.get(headline), unreadable)
    return replace(found, samples=reference.samples, notice=reference.notice)


def make_leaderboard(bench: Bench, dataset: str) -> tuple[str, Manifest]:
    """Write a dataset's leaderboard, and return its page as Markdown and its manifest."""
    with dataset_held(bench.store, "leaderboard", dataset):
        board = board_of(bench, dataset)
        return publish_board(
            bench, "leaderboard", dataset, board.ranking.table, dict(leaderboard_pages(board)), board.lineage
        )


def board_of(bench: Bench, dataset: str) -> Board:
    """All that a dataset's page shows."""
    models = models_of(bench, dataset)
    # Before anything is read: what changes in between makes the page stale, never wrongly fresh.
    lineage = leaderboard_lineage(bench, MadeFrom(bench), dataset)
    lineage |= doubted(bench, [Cell(model=model, dataset=dataset) for model in models])
    ranking = rank_dataset(bench, dataset, models)
    samples = pd.DataFrame(columns=SAMPLES.columns) if ranking.samples is None else ranking.samples
    ranked = list(ranking.table["model"])
    compare = f"\nvlmbench compare {' '.join(ranked[:2])} --dataset {dataset}" if len(ranked) > 1 else ""
    benchmarks = [name for name, entry in bench.catalog.benchmarks.items() if dataset in entry.datasets]
    run = "".join(f"vlmbench run --benchmark {name} --dataset {dataset}\n" for name in benchmarks)
    return Board(
        dataset=dataset,
        ranking=ranking,
        samples=samples[["sample_id", "doc_id", *DIMENSIONS]],
        concerns={model: list(concerns_of(bench, Cell(model=model, dataset=dataset), ranking)) for model in ranked},
        reports=report_paths(bench, dataset, models),
        lineage=lineage,
        since=dict(_since(bench, dataset, ranking)),
        commands=f"{run}vlmbench leaderboard {dataset}{compare}",
    )


def publish_board(
    bench: Bench,
    asset: AssetName,
    name: str,
    table: pd.DataFrame,
    pages: Mapping[Suffix, Page],
    lineage: Mapping[str, str],
) -> tuple[str, Manifest]:
    """Write a leaderboard in its three forms with its pictures; return it as Markdown, and its manifest."""
    text = page_markdown(pages["md"])
    content = text.encode("utf-8", "replace")
    pictures = pages["html"].pictures()
    manifest = bench.store.publish(
        asset,
        name,
        files={
            **{picture.file: picture.png for picture in pictures},
            "leaderboard.csv": to_csv(table).encode("utf-8", "replace"),
            "leaderboard.html": page_html(pages["html"]).encode("utf-8", "replace"),
            "leaderboard.md": content,
        },
        lineage=lineage,
        digests={"page": digest_bytes(content)},
        facts={"models": list[JsonValue](table["model"]), "pictures": [picture.file for picture in pictures]},
    )
    return text, manifest


def concerns_of(bench: Bench, cell: Cell, ranking: Ranking) -> Iterator[str]:
    """What a reader must know of a cell before trusting its row."""
    scores = ranking.cells[cell.model]
    if cell.model in ranking.unreadable:
        yield f"missing, its tables cannot be read: {ranking.unreadable[cell.model]}"
        return
    if scores is None:
        failure = failure_of(bench.store, cell.dataset, cell.model)
        stage = "scored" if bench.store.manifest("answers", cell.dataset, cell.model) else "run"
        reason = " ".join(failure.reason.split()) if failure else ""
        yield f"missing, its last run failed at {failure.stage}: {reason}" if failure else f"missing, never {stage}"
        return
    if scores.limit:
        yield f"only the first {scores.limit} samples were asked"
    yield from scores.warnings
    if scores.imported:
        yield f"answers imported from {scores.imported}, so latency and cost are what that file says"


def report_paths(bench: Bench, dataset: str, models: Sequence[str]) -> dict[str, dict[Suffix, str]]:
    """Where the reports of a dataset lie, seen from a leaderboard: for each kind of page one of its kind, if any."""
    found: dict[str, dict[Suffix, str]] = {}
    for model in models:
        made = bench.store.manifest("report", dataset, model)
        if made is not None and "report.md" in made.files:
            folder = f"../../report/{model}/{dataset}"
            html = "report.html" if "report.html" in made.files else "report.md"
            found[model] = {"html": f"{folder}/{html}", "md": f"{folder}/report.md"}
    return found


def doubted(bench: Bench, cells: Iterable[Cell]) -> Lineage:
    """For the lineage of a page: whose figures it says are not those that would be made now."""
    judge = Judge(bench, keep_errors=True)
    made = [each for each in cells if bench.store.manifest("answers", each.dataset, each.model) is not None]
    return {f"{DOUBTED}{cell}": str(cell) for cell in made if judge.doubted(cell)}


def leaderboard_lineage(bench: Bench, made_from: MadeFrom, dataset: str) -> Lineage:
    """What a dataset's leaderboard would be made from now."""
    return made_from.leaderboard(dataset, models_of(bench, dataset))


def leaderboard_is_fresh(bench: Bench, dataset: str) -> bool:
    """Whether a dataset's leaderboard shows what is there."""
    return Judge(bench).leaderboard(dataset, models_of(bench, dataset)).state == "fresh"


def _scores(judge: Judge, cell: Cell, reference: Reference) -> CellScores | None:
    bench = judge.bench
    path = bench.store.table("aggregates", cell.dataset, cell.model)
    manifest = bench.store.manifest("answers", cell.dataset, cell.model)
    if not path.exists() or manifest is None:
        return None
    read = read_table(bench.store.table("answers", cell.dataset, cell.model), ANSWERS)
    answers = held_to_contracts(bench, cell, without_its_thinking(bench, cell, read))
    answer_s, asked = (manifest.facts.get(name) for name in ("answer_s", "asked"))
    cost = cost_of(answers, bench.catalog.models[cell.model].price)
    other = reference.difference(bench.store.manifest("metrics", cell.dataset, cell.model))
    counted = reference.rows(cell, answers)
    return CellScores(
        aggregates=read_table(path, AGGREGATES),
        answers=answers,
        limit=limit_of(manifest),
        answer_s=float(answer_s) if isinstance(answer_s, int | float) and asked else None,
        warnings=(*([other] if other else []), *cell_warnings(judge, cell)),
        counted=None if other or counted is None else counted[list(COLUMNS)],
        failed=None if counted is None else int(counted["failed"].sum()),
        cost_per_1000=cost.per_1000 if cost else None,
        currency=cost.currency if cost else "",
        imported=imported_from(manifest),
    )


def _since(bench: Bench, dataset: str, ranking: Ranking) -> Iterator[tuple[str, Difference]]:
    """By model how the headline changed since it was scored before, where that can be told."""
    for model, cell in ranking.cells.items():
        if cell is not None and ranking.headline:
            found = since_before(bench, Cell(model=model, dataset=dataset), ranking.headline)[0]
            if found is not None:
                yield model, found.difference


def cell_warnings(judge: Judge, cell: Cell) -> Iterator[str]:
    """Say what of a cell's figures should not be trusted as it stands."""
    failure = failure_of(judge.bench.store, cell.dataset, cell.model)
    if failure is not None:
        yield f"its last run failed at {failure.stage}"
        return
    if tuned_here(judge.bench, cell):
        yield TUNED
    made = judge.bench.store.manifest("answers", cell.dataset, cell.model)
    limited = limit_of(made) is not None
    # That some were never asked is what the limit says already.
    doubts = [each for each in judge.cell(cell).doubts if not (limited and each.endswith(NEVER_ASKED))]
    if doubts:
        yield f"stale: {'; '.join(doubts)}"
