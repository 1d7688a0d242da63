"""Find values in an answer's JSON by paths, keys joined by dots."""

from pydantic import JsonValue


def at_path(value: JsonValue, path: str) -> JsonValue:
    """What stands at a path; null where nothing does."""
    for key in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def text_at(value: JsonValue, path: str) -> str:
    """The text or number that stands at a path; empty where none does."""
    found = at_path(value, path)
    return found.strip() if isinstance(found, str) else ""
