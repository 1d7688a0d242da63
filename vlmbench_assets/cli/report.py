"""`vlmbench report`: where the reports are, or one of them."""

import webbrowser
from pathlib import Path

import click

from vlmbench_assets.cli.common import (
    json_option,
    open_workspace,
    print_json,
    print_table,
    workspace_option,
)
from vlmbench_sdk import WorkspaceError


@click.command()
@click.argument("model", required=False)
@click.argument("dataset", required=False)
@click.option("--open", "opening", is_flag=True, help="Open the page in a browser instead of printing it.")
@workspace_option
@json_option
def report(*, model: str | None, dataset: str | None, opening: bool, workspace: Path | None, as_json: bool) -> None:
    """Print the report of MODEL on DATASET, or list all reports.

    The page itself, with pictures, is `report.html` beside `report.md`: one file that needs nothing else.
    """
    bench = open_workspace(workspace)
    if opening and not (model and dataset):
        raise click.UsageError("--open needs MODEL and DATASET")
    if model and dataset:
        path = bench.store.folder("report", dataset, model) / "report.md"
        if not path.exists():
            raise WorkspaceError(
                "there is no report yet",
                where=f"{model} × {dataset}",
                fix=f"Make it with `vlmbench run --model {model} --dataset {dataset}`",
            )
        if opening:
            _open(path.with_suffix(".html"))
        else:
            click.echo(path.read_text(encoding="utf-8"))
        return
    rows = [
        {"model": path.parent.parent.name, "dataset": path.parent.name, "report": str(path)}
        for path in sorted((bench.store.root / "report").glob("*/*/report.md"))
        if model in {None, path.parent.parent.name}
    ]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("no reports yet")


def _open(page: Path) -> None:
    """Show a page in a browser, and say where it is."""
    if not page.exists():
        raise WorkspaceError("it has no page yet", where=str(page), fix="Make it with `vlmbench run`")
    click.echo(str(page))
    if not webbrowser.open(page.as_uri()):
        raise WorkspaceError("no browser could be started", where=str(page), fix="Open this file yourself")
