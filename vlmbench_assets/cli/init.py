"""`vlmbench init DIR`: a workspace of one's own."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from vlmbench_sdk import WorkspaceError

KINDS = ("models", "datasets", "metrics", "prompts", "environments", "benchmarks")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> None:
    """Make a workspace in FOLDER: registries with a demo benchmark, and what Dagster reads."""
    if (folder / "registries").exists():
        raise WorkspaceError("there is a workspace already", where=str(folder))
    for kind in KINDS:
        (folder / "registries" / kind).mkdir(parents=True)
    _copy(files("vlmbench_assets") / "template", folder)
    click.echo(f"made a workspace in {folder}; try: vlmbench run --workspace {folder} --benchmark demo")


def _copy(source: Traversable, target: Path) -> None:
    for item in source.iterdir():
        place = target / item.name.removesuffix(".txt")
        if item.is_dir():
            place.mkdir(exist_ok=True)
            _copy(item, place)
        elif not place.exists():
            place.write_bytes(item.read_bytes())
