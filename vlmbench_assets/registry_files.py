"""Find the files of all registry folders, read them, and put `extends` together."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pydantic import JsonValue

from vlmbench_assets.problems import Absent, Problem, shown_path, unknown
from vlmbench_assets.yaml_file import KeyPath, YamlFile, YamlMistakeError, read_yaml
from vlmbench_sdk.entries import Kind

KINDS: tuple[Kind, ...] = get_args(Kind)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
NOT_INHERITED = ("abstract", "description", "extends")
WORKSPACE = "workspace"


@dataclass(frozen=True, slots=True)
class RegistryFolder:
    """A folder laid out like `registries/`."""

    path: Path
    origin: str
    """Who it belongs to: `workspace`, or the plugin."""


@dataclass(frozen=True, slots=True)
class RegistryFile:
    """One entry's file, before it is checked."""

    kind: Kind
    name: str
    folder: RegistryFolder
    path: Path
    content: YamlFile
    overrides: str = ""
    """Origin of the plugin's entry that this one of the workspace replaces."""

    def problem(self, path: KeyPath, says: str, absent: Absent | None = None) -> Problem:
        """A mistake at a key of this file."""
        key = ".".join(str(part) for part in path)
        line = self.content.line(path) if path else 0
        return Problem(shown_path(self.path, self.folder.path), line, key, says, absent)


Files = dict[tuple[Kind, str], RegistryFile]


def read_folders(folders: Sequence[RegistryFolder]) -> tuple[Files, list[Problem]]:
    """Read every file; the workspace's entry replaces a plugin's of the same kind and name."""
    problems: list[Problem] = []
    files: Files = {}
    # The workspace last, so that it replaces what plugins ship.
    for folder in sorted(folders, key=lambda each: each.origin == WORKSPACE):
        for file in _read_folder(folder, problems):
            _add(files, file, problems)
    return files, problems


def _read_folder(folder: RegistryFolder, problems: list[Problem]) -> Iterable[RegistryFile]:
    for child in sorted(folder.path.iterdir()):
        if child.name.startswith(".") or child.name == "README.md":
            continue
        shown = shown_path(child, folder.path)
        if not child.is_dir() or child.name not in KINDS:
            problems.append(Problem(shown, 0, "", unknown(child.name, KINDS, "kind of entries")))
            continue
        for path in sorted(child.iterdir()):
            if not path.name.startswith(".") and path.name != "README.md":
                yield from _read_file(folder, child.name, path, problems)


def _read_file(folder: RegistryFolder, kind: Kind, path: Path, problems: list[Problem]) -> Iterable[RegistryFile]:
    shown = shown_path(path, folder.path)
    if path.suffix != ".yaml" or not path.is_file():
        problems.append(Problem(shown, 0, "", "only files named NAME.yaml belong here"))
    elif not NAME.fullmatch(path.stem):
        says = f"the name `{path.stem}` may have letters, digits, '.', '_', '-', and starts with one of the first two"
        problems.append(Problem(shown, 0, "", says))
    else:
        try:
            yield RegistryFile(kind, path.stem, folder, path, read_yaml(path))
        except YamlMistakeError as mistake:
            problems.append(Problem(shown, mistake.line, mistake.key, mistake.says))


def _add(files: Files, file: RegistryFile, problems: list[Problem]) -> None:
    key = (file.kind, file.name)
    twin = next((each for kind, each in files if kind == file.kind and each.lower() == file.name.lower()), None)
    if twin is not None and twin != file.name:
        problems.append(file.problem((), f"the name differs from `{twin}` by case only; some disks cannot tell"))
    before = files.get(key)
    if before is None:
        files[key] = file
    elif file.folder.origin == WORKSPACE:
        files[key] = RegistryFile(file.kind, file.name, file.folder, file.path, file.content, before.folder.origin)
    else:
        problems.append(file.problem((), f"{before.folder.origin} ships an entry of this name too"))


def extended(file: RegistryFile, files: Files, problems: list[Problem]) -> dict[str, JsonValue]:
    """The entry's own keys over those of what it extends; mappings merge, everything else replaces."""
    chain: list[RegistryFile] = []
    current: RegistryFile | None = file
    while current is not None:
        if current in chain:
            names = " → ".join([*(each.name for each in chain), current.name])
            problems.append(file.problem(("extends",), f"goes in a circle: {names}"))
            break
        chain.append(current)
        current = _parent(current, files, problems if current is file else [])
    data: dict[str, JsonValue] = {}
    for each in reversed(chain):
        inherited = {key: value for key, value in data.items() if key not in NOT_INHERITED}
        data = _merged(inherited, each.content.data)
    data.pop("extends", None)
    return data


def _parent(file: RegistryFile, files: Files, problems: list[Problem]) -> RegistryFile | None:
    name = file.content.data.get("extends")
    if name is None:
        return None
    parent = files.get((file.kind, name)) if isinstance(name, str) else None
    if parent is None:
        known = [each for kind, each in files if kind == file.kind and each != file.name]
        problems.append(file.problem(("extends",), unknown(str(name), known, f"entry in {file.kind}")))
    return parent


def _merged(base: dict[str, JsonValue], over: dict[str, JsonValue]) -> dict[str, JsonValue]:
    merged = dict(base)
    for key, value in over.items():
        before = merged.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            merged[key] = _merged(before, value)
        else:
            merged[key] = value
    return merged
