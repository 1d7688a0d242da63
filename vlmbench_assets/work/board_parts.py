"""Parts that the leaderboard of a dataset and that of a benchmark share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from vlmbench_assets.charts.style import applied
from vlmbench_assets.page.blocks import Block, Folded, Link, Notice, Paragraph, Picture, Strong, Table
from vlmbench_assets.work.compare import FEWEST_DOCUMENTS, Difference, Verdict
from vlmbench_assets.work.draw import render_png
from vlmbench_assets.work.markdown import NOTHING, number
from vlmbench_assets.work.rank import cost_cell, cost_header, milliseconds
from vlmbench_assets.work.separate import Pair
from vlmbench_assets.work.standing import Standing, listed
from vlmbench_assets.work.winners import Winner

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Suffix = Literal["html", "md"]
Paths = Mapping[str, Mapping[Suffix, str]]
"""By model the report of its cell, for a page of each kind; none for a cell that has no report."""
MOST_NOTICES = 8
LONGEST_NOTE = len("first 10000 samples only")
OPEN_PAIRS = 15
MOST_PAIRS = 105
SMALLEST_P = 0.001
FAILED = "failed: of them, answers in error, timed out, refused, unreadable."
"""What the column says, of the samples named before."""


def notices(concerns: Mapping[str, Sequence[str]]) -> Iterator[Notice]:
    """What makes rows not to be trusted as they stand, the same thing said once for all models.

    Args:
        concerns: By model, each concern as a sentence's end.
    """
    by_concern: dict[str, list[str]] = {}
    for model, each in concerns.items():
        for concern in each:
            by_concern.setdefault(concern, []).append(model)
    for concern, models in list(by_concern.items())[:MOST_NOTICES]:
        yield Notice((Strong(listed(models)), f": {concern}."))
    if len(by_concern) > MOST_NOTICES:
        yield Notice((f"And {len(by_concern) - MOST_NOTICES} more: see the column note of leaderboard.csv.",))


def briefly(note: str) -> list[str]:
    """A row's note in a few words, for a table below the notices that say it whole."""
    before, stale, _ = f"; {note}".partition("; stale")
    said = [each if len(each) <= LONGEST_NOTE else "see above" for each in before.split("; ") if each]
    return list(dict.fromkeys([*said, *(["stale"] if stale else [])]))


def unbroken(cells: Sequence[str]) -> list[str]:
    """Cells of a row, with their intervals kept on one line."""
    return [
        cell.replace(" ", "\N{NO-BREAK SPACE}") if " to " in cell and cell[:1] in "+−0123456789" else cell
        for cell in cells
    ]


def with_link(model: str, paths: Paths, suffix: Suffix) -> str | Link:
    """A model's name, leading to its report where there is one."""
    return Link(model, paths[model][suffix]) if model in paths else model


def picture(draw: "Callable[[], Figure | None]", file: str, caption: str, table: Table) -> list[Block]:
    """A figure, drawn in the style of the house, with the numbers behind it; nothing where nothing is drawn."""
    with applied():
        figure = draw()
        return [] if figure is None else [Picture(caption, file, render_png(figure), table)]


def front_words(currency: str | None) -> str:
    """What the front is.

    Args:
        currency: Of all costs; empty where nothing costs, None where they are in several.
    """
    cost = " and cost" if currency else ""
    said = f"◆ marks the front: no other model is as good in score{',' if cost else ' and'} latency{cost} "
    several = " Prices are in several currencies, so costs are not compared." if currency is None else ""
    return f"{said}and better in one; what is not known counts as the worst.{several}"


def cost_words(currency: str | None) -> str:
    """What a caption adds for the costs beside the names; nothing where nothing costs."""
    in_what = f" in {currency}" if currency else ""
    return "" if currency == "" else f"; beside each name what 1,000 answers cost{in_what}"


def score_numbers(standings: Sequence[Standing], headline: str, currency: str | None) -> Table:
    """The numbers behind both pictures.

    Args:
        standings: All models, best first.
        headline: What ranks.
        currency: Of all costs; empty where nothing costs, None where they are in several.
    """
    rows = [
        (
            each.model,
            number(each.value),
            number(each.low),
            number(each.high),
            milliseconds(each.latency_ms),
            *cost_cell(each.cost, each.currency, currency),
            "yes" if each.front else "no",
        )
        for each in standings
        if each.value is not None
    ]
    return Table(("model", headline, "95 % from", "to", "median ms", *cost_header(currency), "front"), tuple(rows))


def shown_pairs(pairs: Sequence[Pair], models: Sequence[str]) -> list[Pair]:
    """All pairs; of many, those of the first model and those of neighbours in rank.

    Args:
        pairs: All that were tested, the higher ranked model first.
        models: The models that were tested, best first.
    """
    if len(pairs) <= MOST_PAIRS:
        return list(pairs)
    neighbours = set(pairwise(models))
    return [pair for pair in pairs if pair.first == models[0] or (pair.first, pair.second) in neighbours]


def pair_blocks(pairs: Sequence[Pair], tested: int, how: str, *, higher_is_better: bool) -> Iterator[Block]:
    """Paired differences: those with the first model at once, many others folded away.

    Args:
        pairs: Those to show.
        tested: How many were tested in all.
        how: How, as a clause.
        higher_is_better: Of the score.
    """
    said = (
        f"Both models of a pair answered the same samples and are held against each other sample by sample, {how}. p "
        f"is corrected after Holm over {tested} {'pair' if tested == 1 else 'pairs'}; each interval is of that "
        "difference alone."
    )
    said += " Shown are the pairs of the first model, and neighbours in rank." if len(pairs) < tested else ""
    yield Paragraph((said,))
    rows = [tuple(unbroken(_pair_row(pair, higher_is_better=higher_is_better))) for pair in pairs]
    header = ("model", "against", "difference", "95 %", "p (Holm)", "wins", "ties", "losses", "documents", "verdict")
    if len(rows) <= OPEN_PAIRS:
        yield Table(header, tuple(rows))
        return
    first = pairs[0].first
    yield Table(header, tuple(row for row in rows if row[0] == first), "The first model against each other one")
    others = tuple(row for row in rows if row[0] != first)
    yield Folded(f"The other {len(others)} pairs", (Table(header, others),))


def _pair_row(pair: Pair, *, higher_is_better: bool) -> tuple[str, ...]:
    difference = None if pair.difference is None else -pair.difference
    ends = NOTHING if pair.low is None or pair.high is None else f"{signed(-pair.high)} to {signed(-pair.low)}"
    return (
        pair.first,
        pair.second,
        NOTHING if difference is None else signed(difference),
        ends,
        said_p(pair.p_holm),
        str(pair.losses),
        str(pair.ties),
        str(pair.wins),
        str(pair.documents),
        _said(pair, higher_is_better=higher_is_better),
    )


_TOLD = {"better": "yes", "cannot be told": "too few documents"}


def winner_blocks(found: Sequence[Winner], besides: str) -> list[Block]:
    """The best model of each slice.

    Args:
        found: Those of all slices.
        besides: What else to say of them, with a blank before it.
    """
    rows = [
        (
            each.dimension,
            each.group,
            str(each.samples),
            listed(each.best),
            number(each.score),
            each.following if len(each.best) == 1 else NOTHING,
            number(each.following_score if len(each.best) == 1 else None),
            said_p(each.difference.p_holm) if len(each.best) == 1 else NOTHING,
            _TOLD.get(each.difference.verdict, "no") if len(each.best) == 1 else "no",
        )
        for each in found
    ]
    said = "The best model of each slice, held against the next one on the same samples; p is corrected over the slices"
    said += f" of a dimension.{besides}"
    header = ("dimension", "slice", "samples", "best", "score", "next", "score", "p (Holm)", "told apart")
    return [Paragraph((said,)), Table(header, tuple(rows))] if rows else []


def moved(found: Difference | None) -> str:
    """How a score changed since the time before, with its verdict; a dash where there is nothing to tell."""
    if found is None or found.difference is None:
        return NOTHING
    return f"{signed(found.difference)} ({found.verdict})"


def signed(value: float) -> str:
    """A difference with its sign, a minus and no hyphen; what rounds to nothing has none."""
    text = f"{value:+.3f}"
    return text.replace("-", "−") if float(text) else text[1:]


def _said(pair: Pair, *, higher_is_better: bool) -> Verdict:
    """In the words of `vlmbench compare`."""
    if pair.samples and pair.wins == pair.losses == 0:
        return "no difference"
    if pair.documents < FEWEST_DOCUMENTS:
        return "cannot be told"
    if pair.told:
        return "better" if pair.first_is_better(higher_is_better=higher_is_better) else "worse"
    return "inside the noise"


def said_p(value: float | None) -> str:
    """A p-value as people write it."""
    return f"<{SMALLEST_P}" if value is not None and value < SMALLEST_P else number(value)


def behind(pairs: Sequence[Pair], *, higher_is_better: bool) -> dict[str, set[str]]:
    """By model, those that it was shown to be worse than."""
    found: dict[str, set[str]] = {}
    for pair in pairs:
        if pair.told:
            first = pair.first_is_better(higher_is_better=higher_is_better)
            better, worse = (pair.first, pair.second) if first else (pair.second, pair.first)
            found.setdefault(worse, set()).add(better)
    return found
