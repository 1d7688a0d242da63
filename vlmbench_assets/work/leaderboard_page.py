"""The leaderboard of a dataset as a page for people."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from vlmbench_assets.charts.standings import draw_front, draw_scores
from vlmbench_assets.page.blocks import (
    Block,
    Bullets,
    Code,
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
from vlmbench_assets.work.board_parts import (
    FAILED,
    Paths,
    Suffix,
    behind,
    briefly,
    cost_words,
    front_words,
    moved,
    notices,
    pair_blocks,
    picture,
    score_numbers,
    shown_pairs,
    unbroken,
    winner_blocks,
    with_link,
)
from vlmbench_assets.work.compare import Difference
from vlmbench_assets.work.markdown import NOTHING, interval, number
from vlmbench_assets.work.rank import FIXED, Ranking, known, last_answer, one_currency, terminal_rows
from vlmbench_assets.work.report_tables import HEADLINE_POLICY
from vlmbench_assets.work.separate import with_intervals
from vlmbench_assets.work.standing import Standing, leaders, number_of, said_ms, standings, verdict
from vlmbench_assets.work.winners import DIMENSIONS, winners

SINCE = (
    "since last time: how the score changed since the model was scored here before, on the samples of both times; "
    "its report says why."
)


@dataclass(frozen=True, slots=True)
class Board:
    """A dataset's leaderboard, and what its page says besides."""

    dataset: str
    ranking: Ranking
    samples: pd.DataFrame
    """Those of the dataset: sample_id, doc_id and the slices."""
    concerns: Mapping[str, Sequence[str]]
    """By model why its row should not be trusted as it stands, and what else to know of it."""
    reports: Paths
    lineage: Mapping[str, str]
    commands: str
    since: Mapping[str, Difference] = field(default_factory=dict)
    """By model how the headline changed since it was scored before; those without a state before are not in it."""

    @property
    def currency(self) -> str | None:
        """Of all costs; empty where nothing costs, None where they are in several."""
        return one_currency(self.ranking.table)

    @property
    def axis(self) -> str:
        """The headline with its direction."""
        unit = f", {self.ranking.plugin.unit}" if self.ranking.plugin and self.ranking.plugin.unit else ""
        return f"{self.ranking.headline}{unit} ({'higher' if self.ranking.higher_is_better else 'lower'} is better)"


def leaderboard_pages(board: Board) -> Iterator[tuple[Suffix, Page]]:
    """The page as it is written as HTML and as Markdown: its links go to pages of the same kind."""
    stand = standings(board.ranking.table, board.ranking.headline, board.ranking.scores)
    sections = [
        Section(title, tuple(blocks))
        for title, blocks in (
            ("Scores", _scores(board, stand)),
            ("Score, latency and cost", _front(board, stand)),
            ("Which differences are real", _pairs(board)),
            ("Who wins where", _slices(board)),
            ("All metrics", _metrics(board)),
            ("How this was made", _how(board)),
        )
        if blocks
    ]
    for suffix in ("html", "md"):
        yield suffix, Page(f"Leaderboard of {board.dataset}", tuple(_lead(board, stand, suffix)), tuple(sections))


def _lead(board: Board, stand: Sequence[Standing], suffix: Suffix) -> Iterator[Block]:
    ranking = board.ranking
    worse = behind(ranking.pairs, higher_is_better=ranking.higher_is_better)
    last = last_answer(ranking)
    said = (f" Last answer: {last}.",) if last else ()
    yield Paragraph((*verdict(stand, worse, ranking.documents), *said))
    if ranking.notice:
        yield Notice((Strong(ranking.notice), "."))
    yield from notices(board.concerns)
    if any(each.value is not None for each in stand):
        yield Tiles(tuple(_tiles(board, stand)))
    yield _table(board, suffix)
    how = (
        f", {'higher' if ranking.higher_is_better else 'lower'} is better; a failed answer counts as the worst score. "
        f"possible: the ranks that paired tests leave open. {front_words(board.currency)} Table for programs: "
    )
    yield Paragraph(("Ranked by ", Code(ranking.headline), how, Link("leaderboard.csv", "leaderboard.csv"), "."))


def _tiles(board: Board, stand: Sequence[Standing]) -> Iterator[Tile]:
    scored = [each for each in stand if each.value is not None]
    first, best = leaders(scored) or scored[:1], scored[0]
    ends = interval(best.low, best.high)
    yield Tile(f"{board.ranking.headline} of {best.model}", number(best.value), f"95 %: {ends}" if ends else "")
    if len(board.ranking.scores) > 1:
        yield Tile("models that lead", str(len(first)), f"of {len(scored)} with a score, {len(stand)} in all")
    yield _samples_tile(board)
    quick = [(each.latency_ms, each.model) for each in first if each.latency_ms is not None]
    if quick:
        yield Tile("fastest that leads", said_ms(min(quick)[0]), f"{min(quick)[1]}, median")
    cheap = [(each.cost, each.model) for each in first if each.cost is not None and board.currency]
    if cheap:
        yield Tile("cheapest that leads", f"{min(cheap)[0]:.2f}", f"{min(cheap)[1]}, {board.currency} per 1,000")


def _samples_tile(board: Board) -> Tile:
    """How many samples the headline scores, and of how many there are."""
    counted, there = int(board.ranking.table["samples"].max()), len(board.samples)
    documents = number_of(board.samples["doc_id"].nunique(), "document")
    if counted == there:
        return Tile("samples", str(there), f"of {documents}")
    return Tile("samples", str(counted), f"that {board.ranking.headline} scores, of {there}; {documents} in all")


def _table(board: Board, suffix: Suffix) -> Table:
    header, rows = terminal_rows(board.ranking.table, board.ranking.headline, brief=True)
    if board.since:
        after = header.index("95 %") + 1
        header.insert(after, "since last time")
        for row, model in zip(rows, board.ranking.table["model"], strict=True):
            row.insert(after, moved(board.since.get(model)))
    if header[-1] == "note":
        rows = [[*row[:-1], ", ".join(briefly(row[-1]))] for row in rows]
    at = header.index("model")
    linked = [
        (*unbroken(row[:at]), with_link(row[at], board.reports, suffix), *unbroken(row[at + 1 :])) for row in rows
    ]
    return Table(tuple(header), tuple(linked))


def _scores(board: Board, stand: Sequence[Standing]) -> list[Block]:
    caption = f"{board.ranking.headline} on {board.dataset} with 95 % intervals, clustered by document"
    numbers = score_numbers(stand, board.ranking.headline, board.currency)
    return picture(lambda: draw_scores(stand, board.axis), "scores.png", caption, numbers)


def _front(board: Board, stand: Sequence[Standing]) -> list[Block]:
    caption = f"{board.ranking.headline} against the median latency of an answer{cost_words(board.currency)}"
    numbers = score_numbers(stand, board.ranking.headline, board.currency)
    drawn = picture(lambda: draw_front(stand, board.axis, priced=board.currency != ""), "latency.png", caption, numbers)
    if not drawn:
        return []
    unknown = [each.model for each in stand if each.value is not None and each.latency_ms is None]
    said = ["The front goes by the figures as they are, without intervals."]
    said += [f" Without a latency, so not drawn: {', '.join(unknown)}."] if unknown else []
    return [Paragraph(tuple(said)), *drawn]


def _pairs(board: Board) -> list[Block]:
    ranking = board.ranking
    if not ranking.pairs or ranking.plugin is None:
        return []
    shown = shown_pairs(ranking.pairs, list(ranking.scores))
    shown = with_intervals(shown, ranking.scores, ranking.plugin, ranking.combine)
    return list(
        pair_blocks(shown, len(ranking.pairs), "documents flipped whole", higher_is_better=ranking.higher_is_better)
    )


def _slices(board: Board) -> list[Block]:
    ranking = board.ranking
    asked = {model: len(cell.answers) for model, cell in ranking.cells.items() if cell is not None}
    most = max((asked[model] for model in ranking.scores), default=0)
    scores = {model: rows for model, rows in ranking.scores.items() if asked[model] == most}
    if len(scores) < 2 or ranking.plugin is None:
        return []
    found = winners(scores, board.samples[["sample_id", *DIMENSIONS]], ranking.plugin, ranking.combine)
    if not found:
        return []
    left = [model for model in ranking.scores if model not in scores]
    said = f" Left out, for other samples were asked: {', '.join(left)}." if left else ""
    return winner_blocks(found, said)


def _metrics(board: Board) -> list[Block]:
    table, headline, plugins = board.ranking.table, board.ranking.headline, board.ranking.plugins
    others = [name for name in table.columns if name not in FIXED and name != headline and table[name].notna().any()]
    if not others:
        return []
    shown = [headline, *others]
    arrows = {name: f" ({'↑' if plugins[name].higher_is_better else '↓'})" for name in shown if name in plugins}
    rows = []
    for model in table["model"]:
        cell = board.ranking.cells[model]
        if cell is not None:
            overall = cell.aggregates[cell.aggregates["dimension"] == "overall"]
            found = overall[overall["policy"] == HEADLINE_POLICY].set_index("metric").to_dict("index")
            rows.append((model, *(_with_ends(found.get(name)) for name in shown)))
    said = "↑: higher is better, ↓: lower; beside each score its 95 % interval. Metrics count what they apply to."
    return [Paragraph((said,)), Table(("model", *(f"{name}{arrows.get(name, '')}" for name in shown)), tuple(rows))]


def _with_ends(row: Mapping[Hashable, float | None] | None) -> str:
    """A score with its interval behind it, which stays on one line."""
    if row is None:
        return NOTHING
    value, low, high = (known(row[name]) for name in ("value", "ci_low", "ci_high"))
    ends = interval(low, high).replace(" ", "\N{NO-BREAK SPACE}")
    return f"{number(value)} ({ends})" if ends else number(value)


def _how(board: Board) -> list[Block]:
    counts = f"count for {board.ranking.headline or 'the headline'}"
    since = [(SINCE,)] if board.since else []
    possible = (
        "possible: the best and the worst rank that paired tests on the same samples leave open, after Holm's "
        "correction over all pairs. With 95 % all of them hold the true ranks together."
    )
    items = (
        (f"Score: over the samples asked that {counts}; the interval is 95 %, documents drawn with replacement.",),
        (possible,),
        (f"samples: those that {counts}. coverage: the share of them with a score. {FAILED}",),
        ("An answer that was cut off is scored as it stands.",),
        ("ms: median of what a caller waits for one answer alone.",),
        *since,
    )
    lineage = tuple((name, value or NOTHING) for name, value in board.lineage.items())
    return [
        Bullets(items),
        Paragraph(("Again:",)),
        Commands(board.commands),
        Folded("What this was made from", (Table(("what", "version"), lineage),)),
    ]
