"""Secrets in options: `${ENV:NAME}` stands for an environment variable until the moment of use."""

import re
from collections.abc import Mapping

from pydantic import JsonValue

from vlmbench_sdk.errors import ModelError
from vlmbench_sdk.plugin_specs import Options

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
        return _SECRET.sub(lambda match: environ[match[1]], value)
    if isinstance(value, dict):
        return {name: fill_secrets(item, environ) for name, item in value.items()}
    if isinstance(value, list):
        return [fill_secrets(item, environ) for item in value]
    return value
