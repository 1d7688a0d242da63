"""Read the JSON object of an answer, and say in what form it was given."""

import json
import re
from dataclasses import dataclass
from typing import Literal, NoReturn

from pydantic import JsonValue

Form = Literal["none", "pure", "fenced", "embedded"]
"""`pure`: nothing else. `fenced`: nothing but one Markdown code fence. `embedded`: prose around one object."""

MAX_DEPTH = 64
"""Deeper nesting is refused, so that the result does not depend on how much stack the caller left."""

_FENCE = re.compile(r"\s*```[ \t]*(?:json)?[ \t]*\r?\n?(.*?)```\s*", re.DOTALL | re.IGNORECASE)
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


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
    stripped = text.strip()
    fenced = _FENCE.fullmatch(text)
    forms: list[tuple[Form, str]] = [("pure", stripped)]
    if fenced:
        forms = [("fenced", fenced[1].strip())]
    elif not stripped.startswith("{"):
        objects = _objects(text)
        if len(objects) != 1:
            return JsonAnswer(None, problem=f"{len(objects)} JSON objects in the text")
        forms = [("embedded", objects[0])]
    form, candidate = forms[0]
    try:
        value = _parse(candidate)
    except ValueError as error:
        return JsonAnswer(None, problem=f"not JSON: {error}")
    if not isinstance(value, dict):
        return JsonAnswer(None, problem="not a JSON object")
    return JsonAnswer(value, form)


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


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _BRACKETS.finditer(text):
        if match[0] in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif match[0] in "}]":
            depth -= 1
    return deepest


def _objects(text: str) -> list[str]:
    """The outermost brace groups of a text."""
    found: list[str] = []
    depth = start = 0
    for match in _BRACKETS.finditer(text):
        if match[0] == "{":
            if depth == 0:
                start = match.start()
            depth += 1
        elif match[0] == "}" and depth:
            depth -= 1
            if depth == 0:
                found.append(text[start : match.end()])
    return found
