"""The leaderboard of a benchmark: its models over all of its datasets, as a table and as a page for people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import pandas as pd

from vlmbench_assets.charts.standings import draw_front, draw_scores
from vlmbench_assets.page.blocks import (
    Block,
    Bullets,
    Commands,
    Folded,
    Link,
    Notice,
    Page,
    Paragraph,
    Section,
    Strong,
    Table,
    Tile,
    Tiles,
)
from vlmbench_assets.work.average import MEAN_RANK, Averages, average, complete_models, lacking, one_metric
from vlmbench_assets.work.board_parts import (
    Paths,
    Suffix,
    behind,
    cost_words,
    front_words,
    notices,
    pair_blocks,
    picture,
    score_numbers,
    shown_pairs,
    unbroken,
)
from vlmbench_assets.work.markdown import NOTHING, interval, number
from vlmbench_assets.work.rank import (
    FRONT,
    MISSING,
    Ranking,
    cost_cell,
    cost_header,
    known,
    milliseconds,
    one_currency,
    possible_ranks,
)
from vlmbench_assets.work.separate import front
from vlmbench_assets.work.standing import Standing, leaders, listed, number_of, said_ms, standings, verdict

LONGEST_NOTE = len("first 10000 samples only")
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
    "median_latency_ms",
    "cost_per_1000",
    "currency",
    "front",
    "note",
)


@dataclass(frozen=True, slots=True)
class BenchmarkBoard:
    """A benchmark's leaderboard, and what its page says besides."""

    benchmark: str
    rankings: Mapping[str, Ranking]
    """By dataset, the models of the benchmark."""
    averages: Averages
    table: pd.DataFrame
    concerns: Mapping[str, Sequence[str]]
    reports: Mapping[str, Paths]
    """By dataset."""
    lineage: Mapping[str, str]
    commands: str

    @property
    def higher_is_better(self) -> bool:
        """Of what is averaged."""
        return self.averages.higher_is_better


def benchmark_table(rankings: Mapping[str, Ranking]) -> tuple[pd.DataFrame, Averages]:
    """Rank the models of a benchmark: a row each, best first, those without an average last.

    Columns: rank, rank_low and rank_high (the ranks that remain possible), model, by (what is averaged), value with its
    interval, cells (datasets with a score), median_latency_ms and cost_per_1000 (means over all datasets), currency,
    front, a column `DATASET/METRIC` per dataset with its headline, note. Null is what is missing.
    """
    averages = average(rankings)
    rows = [_row(model, rankings, averages) for model in next(iter(rankings.values())).cells] if rankings else []
    scores = [column(dataset, ranking) for dataset, ranking in rankings.items()]
    table = pd.DataFrame(rows, columns=[*FIXED[:-1], *scores, "note"]).astype({"value": float})
    down = averages.higher_is_better
    table = table.sort_values("value", ascending=not down, na_position="last", kind="stable", ignore_index=True)
    ranks = table["value"].rank(method="min", ascending=not down)
    table["rank"] = ranks.mask(ranks.notna() & (len(averages.models) < 2)).astype("Int64")
    for name in ("rank_low", "rank_high"):
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
        **{name: _mean([known(row[name]) for row in rows.values()]) for name in ("median_latency_ms", "cost_per_1000")},
        "currency": next((row["currency"] for row in rows.values() if row["currency"]), ""),
        **{column(dataset, rankings[dataset]): value for dataset, value in values.items()},
        "note": "; ".join(f"{', '.join(datasets)}: {note}" for note, datasets in notes.items()),
    }


def benchmark_rows(board_table: pd.DataFrame, averages: Averages) -> tuple[list[str], list[list[str]]]:
    """Header and cells as people read them."""
    datasets = [name for name in board_table.columns if name not in FIXED]
    currency = one_currency(board_table)
    header = ["rank", "possible", "front", "model", averages.by, "95 %", *datasets, "ms"]
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
            milliseconds(known(row["median_latency_ms"])),
            *cost_cell(known(row["cost_per_1000"]), row["currency"], currency),
            row["note"],
        ]
        for row in board_table.to_dict("records")
    ]
    return header, rows


def benchmark_pages(board: BenchmarkBoard) -> Iterator[tuple[Suffix, Page]]:
    """The page as it is written as HTML and as Markdown: its links go to pages of the same kind."""
    stand = standings(board.table, "value", [model for model, each in board.averages.models.items() if each.ranks])
    for suffix in ("html", "md"):
        sections = [
            Section(title, tuple(blocks))
            for title, blocks in (
                ("Models and datasets", _matrix(board, suffix)),
                ("Averages", _scores(board, stand)),
                ("Score, latency and cost", _front(board, stand)),
                ("Which differences are real", _pairs(board)),
                ("Who leads where", _datasets(board, suffix)),
                ("How this was made", _how(board)),
            )
            if blocks
        ]
        yield suffix, Page(f"Leaderboard of benchmark {board.benchmark}", tuple(_lead(board, stand)), tuple(sections))


def _lead(board: BenchmarkBoard, stand: Sequence[Standing]) -> Iterator[Block]:
    worse = behind(board.averages.pairs, higher_is_better=board.higher_is_better)
    documents = sum(ranking.documents for ranking in board.rankings.values())
    if stand and not board.averages.models:
        complete = complete_models(board.rankings)
        none = f"Only {complete[0]}" if complete else "No model"
        none += " has a score on all datasets, so "
        none += "there is no mean rank: ranks need another model." if complete else "none has an average."
        yield Paragraph((Strong(none), " Each dataset is ranked by itself below."))
    else:
        yield Paragraph(tuple(verdict(stand, worse, documents, "an average")))
    without = [each.model for each in stand if each.value is None]
    if without:
        yield Notice((Strong(f"Without an average: {listed(without)}"), f". {_lacking(board.rankings)}"))
    yield from notices(board.concerns)
    if board.averages.by == MEAN_RANK and len(board.rankings) > 1:
        yield Notice((_why_ranks(board.rankings),))
    if board.averages.models:
        yield Tiles(tuple(_tiles(board, stand, documents)))
    header, rows = benchmark_rows(board.table, board.averages)
    # The datasets stand in a table of their own, and what is noted above it.
    first = [header.index(name) for name in ("model", board.averages.by, "95 %")]
    rest = [place for place, name in enumerate(header) if place not in first and name != "note" and "/" not in name]
    shown = [[row[place] for place in [*first, *rest]] for row in rows]
    yield Table(tuple(header[place] for place in [*first, *rest]), tuple(tuple(unbroken(row)) for row in shown))
    said = f"{_by_words(board)} {front_words(one_currency(board.table))} Table for programs: "
    yield Paragraph((said, Link("leaderboard.csv", "leaderboard.csv"), "."))


def _lacking(rankings: Mapping[str, Ranking]) -> str:
    found = [f"{model} on {listed(datasets)}" for model, datasets in lacking(rankings).items() if datasets]
    said = f"A score to average is lacking for {listed(found)}. " if found else ""
    return f"{said}A missing cell is no zero, and no mean leaves it out."


def _why_ranks(rankings: Mapping[str, Ranking]) -> str:
    by = "; ".join(f"{dataset} by {ranking.headline or 'nothing'}" for dataset, ranking in rankings.items())
    return f"Datasets are ranked by different metrics ({by}), whose scores have no mean: ranks are averaged instead."


def _by_words(board: BenchmarkBoard) -> str:
    if board.averages.by == MEAN_RANK:
        return "Ranked by the mean rank over the datasets, lower is better; its interval spans what tests leave open."
    better = "higher" if board.higher_is_better else "lower"
    return f"Ranked by the {board.averages.by} over the datasets, which weigh alike; {better} is better."


def _tiles(board: BenchmarkBoard, stand: Sequence[Standing], documents: int) -> Iterator[Tile]:
    scored = [each for each in stand if each.value is not None]
    first, best = leaders(scored) or scored[:1], scored[0]
    ends = interval(best.low, best.high)
    yield Tile(f"{board.averages.by} of {best.model}", number(best.value), f"95 %: {ends}" if ends else "")
    if len(scored) > 1:
        yield Tile("models that lead", str(len(first)), f"of {len(scored)} with an average, {len(stand)} in all")
    yield Tile("datasets", str(len(board.rankings)), number_of(documents, "document"))
    cells = [cell for ranking in board.rankings.values() for cell in ranking.cells.values()]
    yield Tile("cells", f"{sum(cell is not None for cell in cells)}", f"of {len(cells)}")
    quick = [(each.latency_ms, each.model) for each in first if each.latency_ms is not None]
    if quick and len(scored) > 1:
        yield Tile("fastest that leads", said_ms(min(quick)[0]), f"{min(quick)[1]}, mean of medians")


def _matrix(board: BenchmarkBoard, suffix: Suffix) -> list[Block]:
    """Models by datasets: each cell its headline, leading to its report."""
    rows: list[tuple[str | Link, ...]] = []
    for model in board.table["model"]:
        row: list[str | Link] = [model]
        for dataset, ranking in board.rankings.items():
            said = _cell(ranking, model)
            paths = board.reports.get(dataset, {}).get(model)
            row.append(Link(said, paths[suffix]) if paths and said != MISSING else said)
        rows.append(tuple(row))
    header = ("model", *(f"{dataset}: {ranking.headline}" for dataset, ranking in board.rankings.items()))
    return [Table(header, tuple(rows), "Headline of each cell with its possible ranks; a score leads to its report")]


def _cell(ranking: Ranking, model: str) -> str:
    (row,) = ranking.table[ranking.table["model"] == model].to_dict("records")
    if ranking.cells[model] is None:
        return MISSING
    ranks = possible_ranks(row["rank_low"], row["rank_high"])
    marks = [] if ranks == NOTHING else [f"{'ranks' if '–' in ranks else 'rank'} {ranks}"]
    marks += [_brief(note) for note in str(row["note"]).split("; ") if note]
    return f"{number(row[ranking.headline])} ({', '.join(dict.fromkeys(marks))})"


def _brief(note: str) -> str:
    """A note as one or two words, for a cell of the matrix."""
    return "stale" if note.startswith("stale") else note if len(note) <= LONGEST_NOTE else "see above"


def _axis(board: BenchmarkBoard) -> str:
    return f"{board.averages.by} ({'higher' if board.higher_is_better else 'lower'} is better)"


def _scores(board: BenchmarkBoard, stand: Sequence[Standing]) -> list[Block]:
    caption = f"{board.averages.by} over {len(board.rankings)} datasets with 95 % intervals"
    numbers = score_numbers(stand, board.averages.by, one_currency(board.table))
    return picture(lambda: draw_scores(stand, _axis(board)), "scores.png", caption, numbers)


def _front(board: BenchmarkBoard, stand: Sequence[Standing]) -> list[Block]:
    currency = one_currency(board.table)
    caption = f"{board.averages.by} against the mean over the datasets of the median latency{cost_words(currency)}"
    numbers = score_numbers(stand, board.averages.by, currency)
    return picture(lambda: draw_front(stand, _axis(board), priced=currency != ""), "latency.png", caption, numbers)


def _pairs(board: BenchmarkBoard) -> list[Block]:
    pairs = board.averages.pairs
    if not pairs:
        return []
    shown = shown_pairs(pairs, list(board.averages.models))
    how = "by Student's t of their mean over the datasets"
    return list(pair_blocks(shown, len(pairs), how, higher_is_better=board.higher_is_better))


def _datasets(board: BenchmarkBoard, suffix: Suffix) -> list[Block]:
    """Who leads on each dataset."""
    rows: list[tuple[str | Link, ...]] = []
    for dataset, ranking in board.rankings.items():
        stand = standings(ranking.table, ranking.headline, ranking.scores)
        first = leaders([each for each in stand if each.value is not None])
        scores = ", ".join(f"{each.model} {number(each.value)}" for each in first[:4])
        link = Link(dataset, f"../../leaderboard/{dataset}/leaderboard.{suffix}")
        told = "yes" if len(first) == 1 else "no" if first else NOTHING
        rows.append((link, ranking.headline, scores + (", …" if len(first) > 4 else ""), told))
    return [Table(("dataset", "metric", "leads", "one model alone"), tuple(rows))]


def _how(board: BenchmarkBoard) -> list[Block]:
    mean = (
        "Mean: each dataset weighs alike, whatever its size. Its error joins those of the datasets, which are by "
        "documents; datasets are taken to share no documents. possible: the ranks that paired tests of the mean leave "
        "open, after Holm's correction over all pairs."
    )
    ranks = (
        "Mean rank: among the models that have every cell. Its interval is the mean of the ranks that paired tests "
        "leave open on each dataset, corrected over all pairs of all datasets; models are told apart where these "
        "intervals do not meet."
    )
    items = (
        ("A model has an average only with a comparable score on every dataset, of as many samples as the others.",),
        (mean if one_metric(board.rankings) is not None else ranks,),
        ("ms: mean over the datasets of the median latency; cost likewise.",),
    )
    lineage = tuple((name, value or NOTHING) for name, value in board.lineage.items())
    return [
        Bullets(items),
        Paragraph(("Again:",)),
        Commands(board.commands),
        Folded("What this was made from", (Table(("what", "version"), lineage),)),
    ]


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return fmean(there) if there and len(there) == len(values) else None
