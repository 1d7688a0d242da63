"""Read an order, such as of pages, from an answer."""

import re
from dataclasses import dataclass

from vlmbench_sdk.json_answers import read_json_found
from vlmbench_sdk.metric import Normalize

_BETWEEN = re.compile(r"\s*(?:,|;|->|→|>|\||\n)\s*")
_LISTED = re.compile(r"[-*•]\s+|\d+[.)]\s+")
_ENDS = ".!"
MOST = 10_000
"""Items of an answer that are looked at."""
PROSE = "words around an item"
"""Detail of an answer whose items could only be guessed at."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it is written."""

    items: list[str]
    exact: bool
    """Whether each item is given by itself, as in a JSON list."""
    problem: str = ""
    """Why it cannot be read; empty where it can."""


def read_order(text: str, normalize: Normalize) -> Order:
    """The items of an order: a JSON list, or items between commas, semicolons, arrows, bars, line ends or spaces.

    An object is the one list that it has, as in `{"ordered_pages": [2, 1]}`, whatever else it says. Spaces divide only
    where nothing else does. Each item is in normal form, without a full stop behind it; empty ones are left out.
    """
    found = read_json_found(text).value
    if isinstance(found, dict):
        lists = [each for each in found.values() if isinstance(each, list)]
        if found and len(lists) != 1:
            return Order([], exact=True, problem=f"an object with {len(lists)} lists")
        found = lists[0] if lists else []
    if exact := isinstance(found, list):
        items = [str(each) for each in found if isinstance(each, str | bool)]
    else:
        bare = text.strip().strip("[](){}")
        items = _BETWEEN.split(bare)
        if len(items) == 1:
            items = bare.split()
        elif "\n" in bare:
            items = [_LISTED.sub("", each, count=1) if _LISTED.match(each) else each for each in items]
    normal = (normalize(each).strip() for each in items[:MOST])
    return Order([each.rstrip(_ENDS).rstrip() or each for each in normal if each], exact)


def items_against(answer: Order, gold: list[str]) -> list[str] | None:
    """The items of an answer; null where it cannot be read, or one of the gold stands among other words and is lost.

    Words that lead in, up to a colon, are none of them: `The order is: 2, 1`.
    """
    items, wanted = answer.items, set(gold)
    if answer.problem:
        return None
    if answer.exact or not gold:
        return items
    lead = next((at for at, each in enumerate(items) if each in wanted or each.endswith(":")), len(items))
    if lead < len(items) and items[lead] not in wanted:
        items = items[lead + 1 :]
    if items and items[0] not in wanted and (rest := items[0].rpartition(":")[2].strip()) in wanted:
        items = [rest, *items[1:]]
    runs = {tuple(each.split()) for each in wanted}
    lengths: dict[str, set[int]] = {}
    for run in runs:
        lengths.setdefault(run[0], set()).add(len(run))
    for words in (each.split() for each in items if each not in wanted):
        for at, word in enumerate(words):
            if any(tuple(words[at : at + length]) in runs for length in lengths.get(word, ())):
                return None
    return items


def places(answer: list[str], gold: list[str]) -> dict[str, int]:
    """Where the answer puts each item of the gold, counted from 0 among these; the first mention counts."""
    wanted = set(gold)
    named = [each for each in dict.fromkeys(answer) if each in wanted]
    return {each: place for place, each in enumerate(named)}
