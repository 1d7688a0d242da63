"""Read the JSON object of an answer, and say in what form it was given."""

import json
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias, Union

JsonValue: TypeAlias = Union[str, bool, None, list["JsonValue"], dict[str, "JsonValue"]]  # noqa: UP007
"""A JSON value; numbers are kept as the text they were written in."""

JsonObject: TypeAlias = dict[str, JsonValue]

Form = Literal["none", "pure", "fenced", "embedded"]
"""`pure`: nothing else. `fenced`: nothing but one Markdown code fence. `embedded`: prose around it."""

MAX_DEPTH = 64
"""Deeper nesting is refused, so that the result does not depend on how much stack the caller left."""

_FENCE = re.compile(r"```[ \t]*(?:json|json5|jsonc)?[ \t]*\r?\n?(.*?)```", re.DOTALL | re.IGNORECASE)
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]' if False else r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class JsonAnswer:
    """What was found in a text."""

    value: JsonObject | None
    """The object; null when there is none that can be read without guessing."""
    form: Form = "none"
    problem: str = ""
    """Why there is none."""
