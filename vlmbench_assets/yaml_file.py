"""Read one YAML file of a registry: plain data, the line of every key, and no surprises.

YAML 1.1 reads `no` as false, `1e5` as a number, `12:30` as 750 and dates as dates. Registry files are read
by the narrow rules of YAML 1.2's core schema instead: only true, false, null and plain numbers are special.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import JsonValue

MAX_BYTES = 1_000_000
MAX_NODES = 50_000
"""An alias that refers to aliases grows without end; no honest entry comes near this."""

KeyPath = tuple[str | int, ...]


class YamlMistakeError(Exception):
    """The file is not what a registry file may be."""

    def __init__(self, line: int, key: str, says: str) -> None:
        """Keep where and what."""
        super().__init__(line, key, says)
        self.line, self.key, self.says = line, key, says


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A file's content."""

    data: dict[str, JsonValue]
    lines: dict[KeyPath, int]
    """Line of each key, from 1."""

    def line(self, path: KeyPath) -> int:
        """The line of a key, or of the nearest key around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own name


for _tag, _pattern, _first in (
    ("bool", r"true|false", "tf"),
    ("null", r"null|~|", "n~"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?[0-9]+\.[0-9]+", "-+0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^$"), [""])


def read_yaml(path: Path) -> YamlFile:
    """Read a registry file.

    Raises:
        YamlMistakeError: When it is not one YAML mapping in UTF-8, repeats a key, or uses tags.
    """
    if path.stat().st_size > MAX_BYTES:
        raise YamlMistakeError(0, "", f"the file is larger than {MAX_BYTES} bytes")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        nodes = list(yaml.compose_all(text, Loader=_Loader))
    except UnicodeDecodeError as error:
        raise YamlMistakeError(0, "", f"the file is not UTF-8 ({error})") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise YamlMistakeError(line, "", f"not YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise YamlMistakeError(0, "", f"not YAML: {error}") from error
    except RecursionError as error:
        raise YamlMistakeError(0, "", "nested too deeply") from error
    if len(nodes) > 1:
        raise YamlMistakeError(nodes[1].start_mark.line + 1, "", "more than one document in a file")
    if not nodes or not isinstance(nodes[0], yaml.MappingNode):
        raise YamlMistakeError(1, "", "the file must be a mapping of keys to values")
    builder = _Builder()
    data = builder.build(nodes[0], ())
    assert isinstance(data, dict)  # noqa: S101 - the root was checked to be a mapping
    return YamlFile(data, builder.lines)


class _Builder:
    """Turn nodes into plain data and note the lines."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._nodes = 0

    def build(self, node: yaml.Node, path: KeyPath) -> JsonValue:
        self._nodes += 1
        if self._nodes > MAX_NODES or len(path) > 100:
            raise YamlMistakeError(node.start_mark.line + 1, _dotted(path), "too large or nested too deeply")
        if isinstance(node, yaml.MappingNode):
            return {key: self.build(value, (*path, key)) for key, value in self._pairs(node, path)}
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.lines[(*path, index)] = item.start_mark.line + 1
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return _scalar(node, path)

    def _pairs(self, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[str, yaml.Node]]:
        seen: dict[str, int] = {}
        for key_node, value in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlMistakeError(line, _dotted(path), "a key must be a word")
            key = str(key_node.value)
            if key in seen:
                raise YamlMistakeError(line, _dotted((*path, key)), f"stands twice, first in line {seen[key]}")
            seen[key] = line
            self.lines[(*path, key)] = line
            yield key, value


def _scalar(node: yaml.Node, path: KeyPath) -> JsonValue:
    kind, text = node.tag.removeprefix("tag:yaml.org,2002:"), str(node.value)
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool":
        return text == "true"
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text)
    raise YamlMistakeError(node.start_mark.line + 1, _dotted(path), f"tags such as {node.tag} are not allowed")


def _dotted(path: KeyPath) -> str:
    return ".".join(str(part) for part in path)
