"""Read the JSON of an answer: the one object that a metric compares, or every value, of which a contract takes one."""

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
_FENCED = re.compile(r"```[A-Za-z]*[ \t]*\n?(.*?)```", re.DOTALL)
_BRACKET = re.compile(r"[\[{]")
_MARKS = re.compile(r'\\.|["\[\]{}]', re.DOTALL)
_SHOWN = 60


class RefusedJson(ValueError):  # noqa: N818
    """JSON that says more than one thing, or what JSON cannot say."""


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
    `MAX_DEPTH`, several objects, anything that is not an object. A list of one object is a list.
    """
    found = read_json_found(text)
    if isinstance(found.value, list):
        return JsonAnswer(None, problem="a list, not a JSON object")
    return JsonAnswer(found.value, found.form, found.problem)


def read_json_found(text: str) -> JsonFound:
    """The same for an object or a list, whichever stands outermost.

    Among words, brackets without an object in them, such as `[page 1]`, are passed over where there is an object.
    """
    candidate = text.strip()
    form: Form = "pure"
    if len(candidate) >= 2 * len(_FENCE) and candidate.startswith(_FENCE) and candidate.endswith(_FENCE):
        form, candidate = "fenced", candidate[len(_FENCE) : -len(_FENCE)].lstrip(" \t")
        candidate = (candidate[4:] if candidate[:4].lower() == "json" else candidate).strip()
        return _parsed(candidate, form)
    if candidate.startswith("{"):
        return _parsed(candidate, form)
    if candidate.startswith("[") and (found := _parsed(candidate, form)).value is not None:
        return found
    groups = _outermost(text)
    groups = [each for each in groups if "{" in each] or groups
    if len(groups) != 1:
        return JsonFound(None, problem=f"{len(groups)} JSON objects in the text")
    return _parsed(groups[0], "embedded")


def read_json_gold(text: str) -> dict[str, JsonValue] | list[JsonValue] | None:
    """A reference's object or list; None where it is neither, words around one included."""
    found = read_json_found(text)
    return None if found.form == "embedded" else found.value


def says_nothing(text: str) -> bool:
    """Whether a text is empty, or an empty object or list without words: all say that nothing is there."""
    found = read_json_found(text)
    return not text.strip() or (found.value in ({}, []) and found.form != "embedded")


def json_values(text: str) -> Iterator[JsonValue]:
    """The values that a text gives, outermost ones only: the whole of it, one fenced block, or each among words.

    Raises:
        RefusedJson: When a key stands twice, or there is NaN or Infinity.
        ValueError: When a bracket is never closed: what stands inside of it is a part of what was cut off.
        RecursionError: When it is nested too deep.
    """
    fenced = [found.strip() for found in _FENCED.findall(text)]
    for candidate in (text, *(fenced if len(fenced) == 1 else ())):
        try:
            yield _DECODER.decode(candidate)
        except RefusedJson:
            raise
        except ValueError:
            continue
        return
    at = 0
    while found := _BRACKET.search(text, at):
        try:
            value, at = _DECODER.raw_decode(text, found.start())
        except RefusedJson:
            raise
        except ValueError:
            at = _past(text, found.start())
        else:
            yield value


def _parsed(text: str, form: Form) -> JsonFound:
    try:
        value = _parse(text)
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
            message = f"key {key[:_SHOWN]!r} stands twice"
            raise RefusedJson(message)
        found[key] = value
    return found


def _no_constant(name: str) -> NoReturn:
    message = f"{name} is not JSON"
    raise RefusedJson(message)


_DECODER = json.JSONDecoder(object_pairs_hook=_no_twins, parse_constant=_no_constant)


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


def _past(text: str, start: int) -> int:
    """Where a group in brackets ends that is not JSON, such as `[page 1]`."""
    depth, quoted = 0, False
    for mark in _MARKS.finditer(text, start):
        if mark[0] == '"':
            quoted = not quoted
        elif not quoted and len(mark[0]) == 1:
            depth += 1 if mark[0] in "[{" else -1
        if depth == 0:
            return mark.end()
    message = "a bracket is never closed"
    raise ValueError(message)


def _depth(text: str) -> int:
    depth = deepest = 0
    for bracket, _ in _brackets(text):
        depth += 1 if bracket in "{[" else -1
        deepest = max(deepest, depth)
    return deepest


def _outermost(text: str) -> list[str]:
    """The outermost groups in brackets of a text."""
    found: list[str] = []
    depth = start = 0
    for bracket, at in _brackets(text):
        if bracket in "{[":
            if depth == 0:
                start = at
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                found.append(text[start : at + 1])
    return found
