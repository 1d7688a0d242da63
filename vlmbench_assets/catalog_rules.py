"""Turn what pydantic says of an entry into mistakes that name file, key, found and allowed."""

import re
from types import UnionType
from typing import Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from vlmbench_assets.problems import Problem, unknown
from vlmbench_assets.registry_files import RegistryFile
from vlmbench_assets.yaml_file import KeyPath

SHOWN = 60


def schema_problems(
    file: RegistryFile,
    error: ValidationError,
    schema: type[BaseModel],
    prefix: KeyPath = (),
) -> list[Problem]:
    """Name every mistake of one validation.

    Args:
        file: The entry's file.
        error: What pydantic found.
        schema: The schema that was checked against.
        prefix: Where in the file the schema begins, such as ("options",).
    """
    problems = []
    for each in error.errors(include_url=False):
        path = tuple(each["loc"])
        whole = (*prefix, *path)
        if each["type"] == "extra_forbidden":
            allowed = sorted(_fields_at(schema, path[:-1]))
            problems.append(file.problem(whole, unknown(str(path[-1]), [*allowed], "key")))
        elif each["type"] == "missing":
            problems.append(file.problem(whole, "this key is required"))
        else:
            found = _shown(each["input"])
            problems.append(file.problem(whole, f"found {found}; {_in_yaml(each['msg'])}"))
    return problems


def _in_yaml(message: str) -> str:
    """What pydantic says, without Python's names of what YAML calls a list and a mapping."""
    message = re.sub(r"[Tt]uple", "list", message)
    message = re.sub(r"valid dictionary( or instance of \w+)?", "mapping of keys to values", message)
    return message[0].lower() + message[1:]


def _fields_at(schema: type[BaseModel], path: KeyPath) -> set[str]:
    """Names of the fields of the model that stands at a path inside of a schema."""
    current: object = schema
    for part in path:
        if isinstance(current, type) and issubclass(current, BaseModel) and part in current.model_fields:
            current = _model_in(current.model_fields[str(part)].annotation)
    if isinstance(current, type) and issubclass(current, BaseModel):
        return set(current.model_fields)
    return set()


def _model_in(annotation: object) -> object:
    """The pydantic model inside of an annotation such as `tuple[Rule, ...]` or `Rule | None`."""
    if get_origin(annotation) in {Union, UnionType, tuple, list}:
        for argument in get_args(annotation):
            found = _model_in(argument)
            if isinstance(found, type) and issubclass(found, BaseModel):
                return found
    return annotation


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
