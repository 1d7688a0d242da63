"""Read the JSON of an answer, and say in what form it was given."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NoReturn

from pydantic import JsonValue

Form = Literal["none", "pure", "fenced", "embedded"]
"""`pure`: nothing else. `fenced`: nothing but one Markdown code fence. `embedded`: prose around one value."""

MAX_DEPTH = 64
"""Deeper nesting is refused, so that the result does not depend on how much stack the caller left."""

_FENCE = "```"
_MARKS = re.compile(r'\\.|["\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class JsonFound:
    """An object or a list that was found in a text."""

    value: dict[str, JsonValue] | list[JsonValue] | None
    """Null when there is none that can be read without guessing. Numbers stay as they were written."""
    form: Form = "none"
    problem: str = ""
    """Why there is none."""


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """What was found in a text."""

    value: dict[str, JsonValue] | None
    """The object; null when there is none that can be read without guessing. Numbers stay as they were written."""
    form: Form = "none"
    problem: str = ""
    """Why there is none."""


def read_json_answer(text: str) -> JsonAnswer:
    """Read the one JSON object of a text; never raises, whatever the text holds.

    Refused, with the reason: a key that stands twice in an object, NaN and Infinity, nesting deeper than
    `MAX_DEPTH`, several objects, anything that is not an object.
    """
    found = _read(text, "{")
    if isinstance(found.value, list):
        return JsonAnswer(None, problem="not a JSON object")
    return JsonAnswer(found.value, found.form, found.problem)


def read_json_found(text: str) -> JsonFound:
    """The same for an object or a list, whichever stands outermost."""
    return _read(text, "{[")


def _read(text: str, opening: str) -> JsonFound:
    candidate = text.strip()
    form: Form = "pure"
    if len(candidate) >= 2 * len(_FENCE) and candidate.startswith(_FENCE) and candidate.endswith(_FENCE):
        form, candidate = "fenced", candidate[len(_FENCE) : -len(_FENCE)].lstrip(" \t")
        candidate = (candidate[4:] if candidate[:4].lower() == "json" else candidate).strip()
    elif not candidate.startswith(tuple(opening)):
        groups = _outermost(text, opening)
        if len(groups) != 1:
            return JsonFound(None, problem=f"{len(groups)} JSON objects in the text")
        form, candidate = "embedded", groups[0]
    try:
        value = _parse(candidate)
    except (ValueError, RecursionError) as error:
        return JsonFound(None, problem=f"not JSON: {error}")
    if not isinstance(value, dict | list):
        return JsonFound(None, problem="not a JSON object")
    return JsonFound(value, form)


def _parse(text: str) -> JsonValue:
    if _depth(text) > MAX_DEPTH:
        message = f"nested deeper than {MAX_DEPTH}"
        raise ValueError(message)
    value: JsonValue = json.loads(
        text, object_pairs_hook=_no_twins, parse_constant=_no_constant, parse_float=str, parse_int=str
    )
    return value


def _no_twins(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for key, value in pairs:
        if key in found:
            message = f"key {key!r} stands twice"
            raise ValueError(message)
        found[key] = value
    return found


def _no_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _brackets(text: str) -> Iterator[tuple[str, int]]:
    """Brackets outside of strings, with where they stand; one pass over the text, whatever it holds."""
    opened = -1
    for match in _MARKS.finditer(text):
        mark, at = match[0][-1], match.end() - 1
        if opened < 0 and mark in "[]{}":
            yield mark, at
        elif mark == '"' and (opened < 0 or len(match[0]) == 1):
            opened = at if opened < 0 else -1
    if opened >= 0:
        # A quote that nothing closes, as in 5" x 7", opens no string.
        yield from ((match[0], opened + match.start()) for match in re.finditer(r"[\[\]{}]", text[opened:]))


def _depth(text: str) -> int:
    depth = deepest = 0
    for bracket, _ in _brackets(text):
        depth += 1 if bracket in "{[" else -1
        deepest = max(deepest, depth)
    return deepest


def _outermost(text: str, opening: str) -> list[str]:
    """The outermost groups of a text that begin with one of these brackets."""
    found: list[str] = []
    closing = "".join({"{": "}", "[": "]"}[each] for each in opening)
    depth = start = 0
    for bracket, at in _brackets(text):
        if bracket in opening:
            if depth == 0:
                start = at
            depth += 1
        elif bracket in closing and depth:
            depth -= 1
            if depth == 0:
                found.append(text[start : at + 1])
    return found
