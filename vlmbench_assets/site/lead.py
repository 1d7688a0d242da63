"""Which model leads, as data: the page has the words for it in each language.

The same rules as `vlmbench_assets.work.standing.verdict`, which says it in English on the leaderboards.
"""

from collections.abc import Collection, Mapping, Sequence

from vlmbench_assets.site.scripts import Json, numbers
from vlmbench_assets.work.board_parts import behind
from vlmbench_assets.work.compare import FEWEST_DOCUMENTS
from vlmbench_assets.work.rank import Ranking
from vlmbench_assets.work.standing import Standing, leaders, standings


def lead(standings: Sequence[Standing], behind: Mapping[str, Collection[str]], documents: int) -> dict[str, Json]:
    """The answer to "which model", as far as there is one.

    Args:
        standings: All models, best first.
        behind: By model, those that it was shown to be worse than.
        documents: How many the tests rest on.

    Returns:
        kind (none, one, apart, few, level, best, leads), first (the models it speaks of), whole and part (those behind
        all of them, and behind some), before (whom a single one of `part` is behind), scored, compared (how many),
        documents, least (documents that a test needs), fastest and cheapest of those that lead.
    """
    scored = [each for each in standings if each.value is not None]
    compared = [each for each in scored if each.possible]
    first = leaders(compared)
    names = [each.model for each in first]
    rest = [each.model for each in compared if each.model not in names]
    whole = [model for model in rest if set(names) <= set(behind.get(model, ()))]
    part = [model for model in rest if model not in whole]
    kind = _kind(scored, compared, first, documents)
    told = kind in {"best", "leads"}
    before = [each.model for each in compared if each.model in behind.get(part[0], ())] if len(part) == 1 else []
    named = {"one": scored[:1], "apart": scored[:1], "few": compared[:1]}.get(kind, first)
    return {
        "kind": kind,
        "first": [each.model for each in named],
        "whole": whole if told else [],
        "part": part if told else [],
        "before": before if told else [],
        "scored": len(scored),
        "compared": len(compared),
        "models": len(standings),
        "documents": documents,
        "least": FEWEST_DOCUMENTS,
        "fastest": _least(first, [each.latency_ms for each in first]),
        "cheapest": _cheapest(first),
    }


def lead_of(ranking: Ranking | None) -> dict[str, Json]:
    """The same of one dataset; of none where nothing ranks."""
    if ranking is None or not ranking.headline:
        return lead([], {}, 0)
    stand = standings(ranking.table, ranking.headline, ranking.scores)
    return lead(stand, behind(ranking.pairs, higher_is_better=ranking.higher_is_better), ranking.documents)


def _kind(scored: Sequence[Standing], compared: Sequence[Standing], first: Sequence[Standing], documents: int) -> str:
    if len(scored) < 2:
        return "one" if scored else "none"
    if len(compared) < 2:
        return "apart"
    if documents < FEWEST_DOCUMENTS:
        return "few"
    if len(first) == len(compared):
        return "level"
    return "best" if first[0].possible == (1, 1) else "leads"


def _least(first: Sequence[Standing], figures: Sequence[float | None]) -> Json:
    """The model with the least, what it has, and what the one with the most has; None where not all are known."""
    known = [(figure, each.model) for figure, each in zip(figures, first, strict=True) if figure is not None]
    if len(first) < 2 or len(known) < len(first):
        return None
    (least, model), (most, _) = min(known), max(known)
    return [model, *numbers([least, most])] if least < most else None


def _cheapest(first: Sequence[Standing]) -> Json:
    currencies = {each.currency for each in first if each.cost}
    return _least(first, [each.cost for each in first]) if len(currencies) == 1 else None
