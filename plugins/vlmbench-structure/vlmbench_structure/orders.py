"""Read an order, such as of pages, from an answer."""

import re

from vlmbench_sdk.json_answers import read_json_found
from vlmbench_sdk.metric import Normalize

_BETWEEN = re.compile(r"\s*(?:,|;|->|→|>|\||\n)\s*")
_LISTED = re.compile(r"[-*•]\s+|\d+[.)]\s+")
MOST = 10_000
"""Items of an answer that are looked at."""


def read_order(text: str, normalize: Normalize) -> list[str]:
    """The items of an order: a JSON list, or items between commas, semicolons, arrows, bars, line ends or spaces.

    Spaces divide only where nothing else does. Each item is in normal form; empty ones are left out.
    """
    found = read_json_found(text).value
    if isinstance(found, list):
        items = [str(each) for each in found if isinstance(each, str | bool)]
    else:
        bare = text.strip().strip("[](){}")
        items = _BETWEEN.split(bare)
        if len(items) == 1:
            items = bare.split()
        elif "\n" in bare:
            items = [_LISTED.sub("", each, count=1) if _LISTED.match(each) else each for each in items]
    normal = (normalize(each).strip() for each in items[:MOST])
    return [each for each in normal if each]


def places(answer: list[str], gold: list[str]) -> dict[str, int]:
    """Where the answer puts each item of the gold, counted from 0 among these; the first mention counts."""
    wanted = set(gold)
    named = [each for each in dict.fromkeys(answer) if each in wanted]
    return {each: place for place, each in enumerate(named)}
