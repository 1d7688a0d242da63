"""Where an answer leaves its gold, character by character."""

from difflib import SequenceMatcher
from typing import Literal, NamedTuple

LONGEST = 2000
"""Characters compared: the comparison takes their square. What is longer is shown as it is."""

LEAST_ALIKE = 0.5
"""Of texts that share less, letters that happen to be equal would only make both hard to read."""


class Change(NamedTuple):
    """A run of characters: in both, only in the gold, or only in the answer."""

    kind: Literal["same", "gold", "answer"]
    text: str


def changes(gold: str, answer: str) -> list[Change]:
    """Split gold and answer into what they share and what only one has.

    Joined without the runs of kind `answer` they give the gold, without those of kind `gold` the answer.
    """
    if max(len(gold), len(answer)) > LONGEST:
        return [Change("gold", gold), Change("answer", answer)]
    found: list[Change] = []
    matcher = SequenceMatcher(None, gold, answer, autojunk=False)
    if gold and answer and matcher.ratio() < LEAST_ALIKE:
        return [Change("gold", gold), Change("answer", answer)]
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind == "equal":
            found.append(Change("same", gold[start:end]))
            continue
        if end > start:
            found.append(Change("gold", gold[start:end]))
        if other_end > other_start:
            found.append(Change("answer", answer[other_start:other_end]))
    return found
