"""Find the JSON of an answer: the whole of it, a fenced block, or what stands in brackets among words."""

import json
import re
from collections.abc import Iterator

from pydantic import JsonValue

_FENCE = re.compile(r"```[A-Za-z]*[ \t]*\n?(.*?)```", re.DOTALL)
_BRACKET = re.compile(r"[\[{]")
_MARKS = re.compile(r'\\.|["\[\]{}]', re.DOTALL)


class RefusedJson(ValueError):  # noqa: N818
    """JSON that says more than one thing, or what JSON cannot say."""


def json_values(answer: str) -> Iterator[JsonValue]:
    """The values that an answer gives, outermost ones only.

    Raises:
        RefusedJson: When a key is given twice, or NaN or Infinity is.
        ValueError: When a bracket is never closed: what stands inside of it is a part of what was cut off.
        RecursionError: When it is nested too deep.
    """
    fenced = [found.strip() for found in _FENCE.findall(answer)]
    for text in (answer, *(fenced if len(fenced) == 1 else ())):
        try:
            yield _DECODER.decode(text)
        except RefusedJson:
            raise
        except ValueError:
            continue
        return
    at = 0
    while found := _BRACKET.search(answer, at):
        try:
            value, at = _DECODER.raw_decode(answer, found.start())
        except RefusedJson:
            raise
        except ValueError:
            at = _past(answer, found.start())
        else:
            yield value


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


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "a key is given twice"
        raise RefusedJson(message)
    return found


def _refuse_constant(name: str) -> None:
    message = f"{name} is none"
    raise RefusedJson(message)


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_refuse_constant)
