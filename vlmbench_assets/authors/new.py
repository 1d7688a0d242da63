"""Write a plugin package from the templates; a folder in `plugin_templates` is a kind."""

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from vlmbench_sdk import WorkspaceError

COMMON = "common"
NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")
PREFIX = "vlmbench-"
HIDDEN = ".txt"
"""Suffix of templates that would else be taken for code of this project."""


def kinds() -> list[str]:
    """The kinds of plugins that there are templates for."""
    return sorted(each.name for each in _templates().iterdir() if each.is_dir() and each.name != COMMON)


def new_plugin(name: str, kind: str, parent: Path) -> Path:
    """Write a plugin that passes its own test; return its folder.

    Args:
        name: What it is called, such as `first-word`; its distribution is `vlmbench-first-word`.
        kind: One of `kinds()`.
        parent: The folder that its folder is made in.

    Raises:
        WorkspaceError: When the name cannot be used, or the folder is there already.
    """
    bare = name.removeprefix(PREFIX)
    if not NAME.fullmatch(bare):
        raise WorkspaceError(
            f"a plugin cannot be called {name!r}", fix="Use lower case letters, digits and '-', such as `first-word`"
        )
    words = re.split("[-_]", bare)
    filled = {
        "name": "-".join(words),
        "plugin": "_".join(words),
        "distribution": PREFIX + "-".join(words),
        "module": "vlmbench_" + "_".join(words),
        "Class": "".join(word.capitalize() for word in words),
    }
    folder = parent / filled["distribution"]
    if folder.exists():
        raise WorkspaceError("the folder is there already", where=str(folder), fix="Remove it, or choose another name")
    folder.mkdir(parents=True)
    for each in (COMMON, kind):
        _write(_templates() / each, folder, filled)
    return folder


def _templates() -> Traversable:
    return files("vlmbench_assets") / "plugin_templates"


def _write(source: Traversable, target: Path, filled: dict[str, str]) -> None:
    for item in source.iterdir():
        place = target / _fill(item.name.removesuffix(HIDDEN), filled)
        if item.is_dir():
            place.mkdir(exist_ok=True)
            _write(item, place, filled)
        else:
            place.write_text(_fill(item.read_text(encoding="utf-8"), filled), encoding="utf-8")


def _fill(text: str, filled: dict[str, str]) -> str:
    return re.sub(r"@(\w+)@", lambda found: filled[found[1]], text)
