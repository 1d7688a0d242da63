"""Secrets in options: `${ENV:NAME}` stands for an environment variable until the moment of use."""

import re
from collections.abc import Mapping

from pydantic import JsonValue

from vlmbench_sdk.errors import ModelError
from vlmbench_sdk.plugin_specs import Options
from vlmbench_sdk.records import Answer

_filled: set[str] = set()
"""What this process, a worker, put into its options: a key may stand in any of them."""
_SECRET = re.compile(r"\$\{ENV:([A-Za-z_][A-Za-z0-9_]*)\}")


def secret_names(value: JsonValue) -> set[str]:
    """Names of all environment variables that a value refers to."""
    if isinstance(value, str):
        return set(_SECRET.findall(value))
    if isinstance(value, dict):
        return set().union(*(secret_names(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(secret_names(item) for item in value))
    return set()


def plain_secrets(options: Mapping[str, JsonValue], schema: type[Options]) -> list[str]:
    """Names of options that hold a secret itself where `${ENV:NAME}` is wanted."""
    return [
        name
        for name, field in schema.model_fields.items()
        if isinstance(field.json_schema_extra, dict)
        and field.json_schema_extra.get("secret")
        and options.get(name)
        and not _SECRET.fullmatch(str(options[name]))
    ]


def fill_secrets(value: JsonValue, environ: Mapping[str, str]) -> JsonValue:
    """Put the variables' values in. Called in the worker only, so that no file ever holds them.

    Raises:
        ModelError: Naming the variable that is not set; never its value.
    """
    if isinstance(value, str):
        missing = sorted(secret_names(value) - set(environ))
        if missing:
            raise ModelError(f"the environment variable {missing[0]} is not set", fix="Set it where the run is started")
        _filled.update(environ[name] for name in secret_names(value))
        return _SECRET.sub(lambda match: environ[match[1]], value)
    if isinstance(value, dict):
        return {name: fill_secrets(item, environ) for name, item in value.items()}
    if isinstance(value, list):
        return [fill_secrets(item, environ) for item in value]
    return value


LONGEST_ERROR, LONGEST_REASON = 400, 100
"""Characters that are kept of what an endpoint said."""
SHORTEST_SECRET = 8
"""A shorter one is a placeholder, such as `EMPTY`; blotting it out would spoil texts and protect nothing."""


class Secrets:
    """Keys that must not be seen in anything that is written down."""

    def __init__(self, *values: str) -> None:
        """Keep the keys, and all that `fill_secrets` has put in."""
        # The longest first: what is left of it once a shorter one inside is blotted out would be shown.
        self._values = sorted(
            {value for value in (*values, *_filled) if len(value) >= SHORTEST_SECRET}, key=len, reverse=True
        )

    def out_of(self, text: str) -> str:
        """Return a text without the keys: some endpoints repeat what they were sent."""
        for value in self._values:
            text = text.replace(value, "[key]")
        return text

    def short(self, text: str, longest: int = LONGEST_ERROR) -> str:
        """Return the beginning of a text without the keys: cut first, half a key could be left at the end."""
        clean = self.out_of(text)
        return clean if len(clean) <= longest else clean[:longest] + "…"

    def out_of_answer(self, answer: Answer) -> Answer:
        """Return an answer without the keys, and what the endpoint said about it shortened."""
        clean = {
            "answer": self.out_of(answer.answer),
            "error": self.short(answer.error),
            "finish_reason": self.out_of(answer.finish_reason)[:LONGEST_REASON],
        }
        same = all(getattr(answer, name) == text for name, text in clean.items())
        return answer if same else answer.model_copy(update=clean)
