"""Write registry entries that an importer made, all of them or none."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import yaml
from pydantic import JsonValue

from vlmbench_assets.bench import Bench, open_bench
from vlmbench_assets.files import write_atomically
from vlmbench_assets.workspace import Workspace
from vlmbench_sdk import ExchangeError, ImportedEntries, VlmBenchError
from vlmbench_sdk.entries import Kind, ModelEntry


def with_model(bench: Bench, name: str, entry: ModelEntry) -> Bench:
    """The workspace as it would be with a model that is not declared yet; as it is where it is."""
    models = {name: entry, **bench.catalog.models}
    return replace(bench, catalog=replace(bench.catalog, models=models))


def entry_path(workspace: Workspace, kind: Kind, name: str) -> Path:
    """The file of an entry."""
    return workspace.registries / kind / f"{name}.yaml"


def write_entry(workspace: Workspace, kind: Kind, name: str, data: Mapping[str, JsonValue]) -> None:
    """Write an entry unless there is one of its name."""
    path = entry_path(workspace, kind, name)
    if not path.exists():
        write_atomically(path, entry_text(data))


def entry_text(data: Mapping[str, JsonValue]) -> bytes:
    """An entry as YAML."""
    return yaml.safe_dump(dict(data), allow_unicode=True, sort_keys=False, width=120).encode()


def write_entries(workspace: Workspace, found: ImportedEntries) -> list[Path]:
    """Write the entries and files of an import, and check the whole catalog with them.

    What is there already and is equal stays as it is.

    Returns:
        What was written.

    Raises:
        ExchangeError: When something else is there under one of the names, or a path leads out of the workspace.
        CatalogError: When the entries do not fit; everything that was written is taken back.
    """
    root = workspace.root.resolve()
    contents = {entry_path(workspace, each.kind, each.name): entry_text(each.data) for each in found.entries}
    for name, content in found.files.items():
        path = (root / name).resolve()
        if not path.is_relative_to(root):
            raise ExchangeError(f"file {name!r} would lie outside of the workspace", where=str(root))
        contents[path] = content
    new = {path: content for path, content in contents.items() if not path.exists()}
    other = [path for path, content in contents.items() if path not in new and path.read_bytes() != content]
    if other:
        names = ", ".join(str(path) for path in other[:5])
        raise ExchangeError(
            f"something else is there already: {names}", fix="Rename or remove it; nothing was imported"
        )
    written: list[Path] = []
    try:
        for path, content in new.items():
            write_atomically(path, content)
            written.append(path)
        open_bench(workspace)
    except VlmBenchError:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return written
