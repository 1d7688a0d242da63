"""The part of JSON Schema that output contracts may use; any other keyword is refused, never passed over."""

import json
import re
from collections.abc import Callable, Mapping

from pydantic import JsonValue

_TYPES: dict[str, Callable[[JsonValue], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: not isinstance(value, bool) and (isinstance(value, int) or _is_whole(value)),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
_SIZES = {"minLength": "string", "maxLength": "string", "minItems": "array", "maxItems": "array"}
_BOUNDS = ("minimum", "maximum")
_TEXTS = ("title", "description", "$schema", "examples", "default")
"""Keywords that ask for nothing."""
KEYWORDS = (
    *("type", "enum", "const", "properties", "required", "additionalProperties", "items", "pattern"),
    *_SIZES,
    *_BOUNDS,
    *_TEXTS,
)
DEEPEST = 50
"""Levels that a value or schema may have."""
_EXACT = 2**53
"""Up to here every whole number is a float of its own (IEEE 754 binary64)."""


def plain(value: JsonValue) -> JsonValue:
    """The same value with 3.0 as 3: JSON has one kind of number, and to JSON Schema 3.0 is an integer.

    Raises:
        RecursionError: When it is nested too deep.
    """
    if isinstance(value, float) and _is_whole(value) and abs(value) <= _EXACT:
        return int(value)
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list) else value


def _is_whole(value: JsonValue) -> bool:
    return isinstance(value, float) and value.is_integer()


def pattern_mistake(pattern: str) -> str:
    """Why a text is no regular expression; empty when it is one."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"{pattern!r} is not a regular expression ({error})"
    return ""


def schema_mistake(schema: JsonValue, where: str = "json_schema", depth: int = 0) -> str:
    """What is wrong with a schema; empty when it can be used."""
    if not isinstance(schema, dict) or depth > DEEPEST:
        return f"`{where}` must be a mapping, nested at most {DEEPEST} deep"
    for keyword, value in schema.items():
        if mistake := _keyword_mistake(keyword, value, where):
            return mistake
    parts: list[tuple[str, JsonValue]] = []
    properties = schema.get("properties")
    if isinstance(properties, dict):
        parts += [(f"{where}.properties.{name}", each) for name, each in properties.items()]
    if "items" in schema:
        parts.append((f"{where}.items", schema["items"]))
    return next((found for name, each in parts if (found := schema_mistake(each, name, depth + 1))), "")


def _keyword_mistake(keyword: str, value: JsonValue, where: str) -> str:
    if keyword not in KEYWORDS:
        return f"`{where}` uses `{keyword}`, which is not supported (supported: {', '.join(KEYWORDS)})"
    if keyword == "type":
        named = value if isinstance(value, list) else [value]
        wrong = [each for each in named if not isinstance(each, str) or each not in _TYPES]
        return f"`{where}.type` names {wrong[0]!r} (allowed: {', '.join(_TYPES)})" if wrong or not named else ""
    if keyword == "pattern":
        return pattern_mistake(value) if isinstance(value, str) else f"`{where}.pattern` must be text"
    if keyword in _SIZES or keyword in _BOUNDS:
        return "" if _TYPES["number"](value) else f"`{where}.{keyword}` must be a number"
    wanted: dict[str, type[list[object] | dict[str, object] | bool]] = {
        "enum": list,
        "required": list,
        "properties": dict,
        "additionalProperties": bool,
    }
    if keyword in wanted and not isinstance(value, wanted[keyword]):
        return f"`{where}.{keyword}` must be a {wanted[keyword].__name__}"
    return ""


def misfit(value: JsonValue, schema: Mapping[str, JsonValue], where: str = "the answer", depth: int = 0) -> str:
    """Why a value does not fit a schema; empty when it does. The schema is one that `schema_mistake` lets pass."""
    if depth > DEEPEST:
        return f"{where} is nested deeper than {DEEPEST} levels"
    if found := _own_misfit(value, schema, where):
        return found
    if isinstance(value, dict):
        return _object_misfit(value, schema, where, depth)
    items = schema.get("items")
    if isinstance(value, list) and isinstance(items, dict):
        for index, each in enumerate(value):
            if found := misfit(each, items, f"{where}[{index}]", depth + 1):
                return found
    return ""


def _own_misfit(value: JsonValue, schema: Mapping[str, JsonValue], where: str) -> str:
    """What is wrong with a value itself, whatever is in it."""
    if "type" in schema:
        named = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(_TYPES[str(each)](value) for each in named):
            return f"{where} is not of type {' or '.join(str(each) for each in named)}"
    enum = schema.get("enum")
    if isinstance(enum, list) and not any(_same(value, each) for each in enum):
        return f"{where} is none of the allowed values"
    if "const" in schema and not _same(value, schema["const"]):
        return f"{where} is not the one allowed value"
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and isinstance(value, str) and re.search(pattern, value) is None:
        return f"{where} does not match {pattern!r}"
    return _size_misfit(value, schema, where)


def _size_misfit(value: JsonValue, schema: Mapping[str, JsonValue], where: str) -> str:
    for keyword, kind in _SIZES.items():
        limit = schema.get(keyword)
        if isinstance(limit, int | float) and isinstance(value, str | list) and _TYPES[kind](value):
            over = len(value) < limit if keyword.startswith("min") else len(value) > limit
            if over:
                return f"{where} is too {'short' if keyword.startswith('min') else 'long'} ({keyword} {limit})"
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = (schema.get(keyword) for keyword in _BOUNDS)
        if (isinstance(low, int | float) and value < low) or (isinstance(high, int | float) and value > high):
            return f"{where} is out of bounds"
    return ""


def _object_misfit(value: dict[str, JsonValue], schema: Mapping[str, JsonValue], where: str, depth: int) -> str:
    required, properties = schema.get("required"), schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    for name in required if isinstance(required, list) else ():
        if name not in value:
            return f"{where} lacks `{name}`"
    for name, each in value.items():
        part = known.get(name)
        if isinstance(part, dict):
            if found := misfit(each, part, f"{where}.{name}", depth + 1):
                return found
        elif schema.get("additionalProperties") is False:
            return f"{where} has `{name}`, which is not asked for"
    return ""


def _same(one: JsonValue, other: JsonValue) -> bool:
    """Whether two values are the same JSON; Python takes 1 and true for equal."""
    return json.dumps(plain(one), sort_keys=True) == json.dumps(plain(other), sort_keys=True)
