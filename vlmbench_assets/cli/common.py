"""What commands share: the options, and opening the workspace."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from vlmbench_assets.workspace import find_workspace
from vlmbench_sdk import CatalogError

if TYPE_CHECKING:
    from vlmbench_assets.bench import Bench, CellLine, CellProgress
    from vlmbench_assets.catalog import Catalog, Cell

WIDE = 240

CommandT = TypeVar("CommandT", bound=Callable[..., object])


def workspace_option(command: CommandT) -> CommandT:
    """Add `--workspace DIR`."""
    return click.option(
        "--workspace",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder with `registries/`; default: the nearest one upwards.",
    )(command)


def json_option(command: CommandT) -> CommandT:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")(command)


def open_workspace(
    workspace: Path | None, progress: "CellProgress | None" = None, waits: "CellLine | None" = None
) -> "Bench":
    """Open the workspace that a command is for."""
    from vlmbench_assets.bench import open_bench, quiet, silent

    return open_bench(find_workspace(workspace), progress or silent, waits or quiet)


def together(said: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Who each thing is said of, so that what many cells have in common is told once."""
    found: dict[str, list[str]] = {}
    for text, name in said:
        found.setdefault(text, []).append(name)
    return found


def print_json(value: object) -> None:
    """Print a value as JSON that people can read too."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print a table that keeps its columns apart at any width; columns in `right` are numbers."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        # Text, not markup: a cell such as "[1] total" must appear as it is.
        table.add_row(*(Text(cell) for cell in row))
    # A pipe has no width; wrapping there would break what a program reads line by line.
    console = Console() if Console().is_terminal else Console(width=WIDE)
    console.print(table)


def select_cells(
    catalog: "Catalog", benchmark: str | None, models: Sequence[str], datasets: Sequence[str]
) -> "list[Cell]":
    """The cells that options name: a benchmark's, narrowed down by models and datasets.

    Raises:
        CatalogError: When a name is unknown, or nothing says what to take.
    """
    from vlmbench_assets.catalog import Cell

    refuse_unknown("model", models, sorted(catalog.models))
    refuse_unknown("dataset", datasets, sorted(catalog.datasets))
    if benchmark is None and models and datasets:
        return [Cell(model=model, dataset=dataset) for dataset in datasets for model in models]
    name = benchmark or _only_benchmark(catalog)
    refuse_unknown("benchmark", [name], sorted(catalog.benchmarks))
    cells = [
        cell
        for cell in catalog.cells(name)
        if (not models or cell.model in models) and (not datasets or cell.dataset in datasets)
    ]
    if not cells:
        raise CatalogError(f"no cell of benchmark {name} is left with these models and datasets")
    return cells


def _only_benchmark(catalog: "Catalog") -> str:
    names = sorted(catalog.benchmarks)
    if len(names) == 1:
        return names[0]
    raise CatalogError(
        "nothing says what to take" if names else "there is no benchmark in this workspace",
        fix=f"Name one with --benchmark ({', '.join(names)}), or cells with --model and --dataset"
        if names
        else "Write one in registries/benchmarks, or name cells with --model and --dataset",
    )


def refuse_unknown(kind: str, names: Sequence[str], known: Sequence[str]) -> None:
    """Refuse names that nothing is called by, with the nearest one there is.

    Raises:
        CatalogError: For the first unknown name.
    """
    from difflib import get_close_matches

    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise CatalogError(f"there is no {kind} {name!r}", fix=f"{hint}Known: {', '.join(known) or 'none'}")
