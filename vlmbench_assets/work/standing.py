"""Where models stand, whatever they were ranked on, and what can honestly be said of who leads."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from vlmbench_assets.page.blocks import Inline, Strong
from vlmbench_assets.work.compare import FEWEST_DOCUMENTS
from vlmbench_assets.work.markdown import interval, number
from vlmbench_assets.work.rank import known, milliseconds, possible_ranks

MOST_NAMED = 4


@dataclass(frozen=True, slots=True)
class Standing:
    """One model."""

    model: str
    value: float | None
    low: float | None
    high: float | None
    rank: int | None
    possible: tuple[int, int] | None
    """The ranks that paired tests leave open; None where it could not be held against others."""
    latency_ms: float | None
    """Median."""
    cost: float | None
    """Of a thousand answers."""
    front: bool
    currency: str = ""
    """Of the cost."""


def standings(table: pd.DataFrame, value: str, compared: Collection[str]) -> list[Standing]:
    """The rows of a leaderboard.

    Args:
        table: The leaderboard, best first.
        value: The column that ranks.
        compared: The models that could be held against others.
    """
    return [
        Standing(
            model=row["model"],
            value=known(row[value]),
            low=known(row["ci_low"]),
            high=known(row["ci_high"]),
            rank=None if pd.isna(row["rank"]) else int(row["rank"]),
            possible=(int(row["rank_low"]), int(row["rank_high"])) if row["model"] in compared else None,
            latency_ms=known(row["median_latency_ms"]),
            cost=known(row["cost_per_1000"]),
            front=bool(row["front"]),
            currency=row["currency"],
        )
        for row in table.to_dict("records")
    ]


def leaders(standings: Sequence[Standing]) -> list[Standing]:
    """The models that none is shown to be better than: no two of them can be told apart."""
    return [each for each in standings if each.possible and each.possible[0] == 1]


def verdict(
    standings: Sequence[Standing],
    behind: Mapping[str, Collection[str]],
    documents: int,
    what: str = "a score",
    elsewhere: str = "",
) -> Iterator[Inline]:
    """The answer to "which model", as far as there is one.

    Args:
        standings: All models, best first.
        behind: By model, those that it was shown to be worse than.
        documents: How many the tests rest on.
        what: The value that ranks.
        elsewhere: Where others lead, for the end of the sentence that says who leads.
    """
    scored = [each for each in standings if each.value is not None]
    compared = [each for each in scored if each.possible]
    first = leaders(compared)
    if not scored:
        yield Strong(f"No model has {what} yet.")
    elif len(scored) == 1:
        yield Strong(f"Only {scored[0].model} has {what}")
        yield f": {_scored(scored[0])}. There is nothing to hold it against."
    elif len(compared) < 2:
        yield Strong("No two models can be compared")
        yield f", for the reasons given below. The highest rank has {scored[0].model} with {_scored(scored[0])}."
    elif documents < FEWEST_DOCUMENTS:
        yield Strong("Nothing can be told apart")
        few = f"{number_of(documents, 'document')} {'is' if documents == 1 else 'are'} too few"
        yield f": {few} for a paired test, which needs {FEWEST_DOCUMENTS}."
        yield f" The best score has {compared[0].model} with {_scored(compared[0])}."
    elif len(first) == len(compared):
        yield Strong("No best model can be named")
        yield f": {_named(first)} cannot be told apart{elsewhere}."
    else:
        of = "" if len(compared) == len(standings) else f" of the {len(compared)} that can be compared"
        yield from _leading(first, compared, behind, of, elsewhere)
    yield from _cheapest(first)


def _leading(
    first: Sequence[Standing],
    compared: Sequence[Standing],
    behind: Mapping[str, Collection[str]],
    of: str,
    elsewhere: str,
) -> Iterator[Inline]:
    names = {each.model for each in first}
    rest = [each for each in compared if each.model not in names]
    if len(first) == 1:
        alone = first[0].possible == (1, 1)
        yield Strong(f"{first[0].model} {'is best' if alone else 'leads'}{of}")
        yield f": {_scored(first[0])}{elsewhere}."
    else:
        yield Strong(f"{listed([each.model for each in first])} lead{of} and cannot be told apart")
        yield f": {listed([_short(each) for each in first])}{elsewhere}."
    whole = [each.model for each in rest if names <= set(behind.get(each.model, ()))]
    part = [each.model for each in rest if each.model not in whole]
    of_all = {1: "it", 2: "both"}.get(len(first), "all of them")
    if whole:
        on_average = " on average" if elsewhere else ""
        yield f" {_some(whole, len(compared))} {_are(whole)} behind {of_all}{on_average}."
    if part:
        before = [each.model for each in compared if len(part) == 1 and each.model in behind.get(part[0], ())]
        yield f" {_some(part, len(compared))} {_are(part)} behind {listed(before) if before else 'some of the others'}."


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _cheapest(first: Sequence[Standing]) -> Iterator[Inline]:
    """Which of the leaders that cannot be told apart costs least time."""
    quick = [(each.latency_ms, each.model) for each in first if each.latency_ms is not None]
    if len(first) > 1 and len(quick) == len(first):
        (least, quickest), (most, _) = min(quick), max(quick)
        if said_ms(least) != said_ms(most):
            yield f" Of those that lead, {quickest} is fastest: {said_ms(least)} in the median, "
            yield f"the slowest {said_ms(most)}."


def said_ms(latency: float) -> str:
    """Milliseconds as people write them."""
    return f"{milliseconds(latency)} ms"


def number_of(number: int, noun: str) -> str:
    """So many of them: `1 document`, `2 documents`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(names: Sequence[str]) -> str:
    """Names as people list them, a few of them by name."""
    if len(names) > MOST_NAMED:
        names = [*names[: MOST_NAMED - 1], f"{len(names) - MOST_NAMED + 1} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _some(names: Sequence[str], of: int) -> str:
    return listed(names) if len(names) < MOST_NAMED else f"{len(names)} of {of} models"


def _named(first: Sequence[Standing]) -> str:
    return listed([f"{each.model} ({number(each.value)})" for each in first])


def _short(each: Standing) -> str:
    low, high = each.possible or (None, None)
    return f"{each.model} has {number(each.value)} (possible ranks {possible_ranks(low, high)})"


def _scored(each: Standing) -> str:
    ends = interval(each.low, each.high)
    return f"{number(each.value)}{f' (95 %: {ends})' if ends else ''}"
