"""The leaderboard of a benchmark as a page for people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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
from vlmbench_assets.work.average import MEAN_RANK, Averages, complete_models, lacking, one_metric
from vlmbench_assets.work.benchmark_table import benchmark_rows
from vlmbench_assets.work.board_parts import (
    FAILED,
    Paths,
    Suffix,
    behind,
    briefly,
    cost_words,
    front_words,
    notices,
    pair_blocks,
    picture,
    score_numbers,
    shown_pairs,
    unbroken,
    winner_blocks,
)
from vlmbench_assets.work.markdown import NOTHING, interval, number
from vlmbench_assets.work.rank import (
    MISSING,
    Ranking,
    last_answer,
    one_currency,
    possible_ranks,
)
from vlmbench_assets.work.standing import Standing, leaders, listed, number_of, said_ms, standings, verdict
from vlmbench_assets.work.winners import over_datasets, winners

OVER_ALL = " Here are slices that several datasets have; their samples weigh alike, whatever dataset they are of."
MOST_ELSEWHERE = 3
"""Datasets that the first sentence names, of those on which others lead."""


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


def benchmark_pages(board: BenchmarkBoard) -> Iterator[tuple[Suffix, Page]]:
    """The page as it is written as HTML and as Markdown: its links go to pages of the same kind."""
    stand = standings(board.table, "value", [model for model, each in board.averages.models.items() if each.ranks])
    slices = _slices(board)
    for suffix in ("html", "md"):
        sections = [
            Section(title, tuple(blocks))
            for title, blocks in (
                ("Models and datasets", _matrix(board, suffix)),
                ("Averages", _scores(board, stand)),
                ("Score, latency and cost", _front(board, stand)),
                ("Which differences are real", _pairs(board)),
                ("Who leads where", _datasets(board, suffix)),
                ("Who wins which slice", slices),
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
        last = max((last_answer(ranking) for ranking in board.rankings.values()), default="")
        said = (f" Last answer: {last}.",) if last else ()
        yield Paragraph((*verdict(stand, worse, documents, "an average", _elsewhere(board, stand)), *said))
    without = [each.model for each in stand if each.value is None]
    if without:
        yield Notice((Strong(f"Without an average: {listed(without)}"), f". {_lacking(board.rankings)}"))
    for dataset, ranking in board.rankings.items():
        if ranking.notice:
            yield Notice((Strong(f"On {dataset}: {ranking.notice[0].lower()}{ranking.notice[1:]}"), "."))
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
    how = f"{_by_words(board)} {front_words(one_currency(board.table))} Table for programs: "
    yield Paragraph((how, Link("leaderboard.csv", "leaderboard.csv"), "."))


def _elsewhere(board: BenchmarkBoard, stand: Sequence[Standing]) -> str:
    """Datasets on which a model that leads by the average is shown to be worse than another."""
    first = {each.model for each in leaders(stand)}
    said = [
        f"on {dataset}, {listed(names)} {'leads' if len(names) == 1 else 'lead'}"
        for dataset, names in _leading(board)
        if names and first - set(names)
    ]
    more = f" (and others on {number_of(len(said) - MOST_ELSEWHERE, 'more dataset')})"
    return "".join(f"; {each}" for each in said[:MOST_ELSEWHERE]) + (more if len(said) > MOST_ELSEWHERE else "")


def _leading(board: BenchmarkBoard) -> Iterator[tuple[str, list[str]]]:
    """Who leads on each dataset."""
    for dataset, ranking in board.rankings.items():
        stand = standings(ranking.table, ranking.headline, ranking.scores)
        yield dataset, [each.model for each in leaders([each for each in stand if each.value is not None])]


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
    marks += briefly(str(row["note"]))
    return f"{number(row[ranking.headline])} ({', '.join(marks)})"


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


def _slices(board: BenchmarkBoard) -> list[Block]:
    """Who wins the slices that several datasets have; what one alone has is on its own page."""
    plugin, models = one_metric(board.rankings), list(board.averages.models)
    if plugin is None or len(models) < 2:
        return []
    combine = next(iter(board.rankings.values())).combine
    return winner_blocks(winners(*over_datasets(board.rankings, models), plugin, combine), OVER_ALL)


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
        (f"coverage: of the samples that count for the headline, the lowest of all datasets. {FAILED} Summed up.",),
    )
    lineage = tuple((name, value or NOTHING) for name, value in board.lineage.items())
    return [
        Bullets(items),
        Paragraph(("Again:",)),
        Commands(board.commands),
        Folded("What this was made from", (Table(("what", "version"), lineage),)),
    ]
