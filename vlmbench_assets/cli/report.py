"""`vlmbench report`: where the reports are, or one of them."""

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
@workspace_option
@json_option
def report(model: str | None, dataset: str | None, workspace: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """Print the report of MODEL on DATASET, or list all reports."""
    bench = open_workspace(workspace)
    if model and dataset:
        path = bench.store.folder("report", dataset, model) / "report.md"
        if not path.exists():
            raise WorkspaceError(
                "there is no report yet",
                where=f"{model} × {dataset}",
                fix=f"Make it with `vlmbench run --model {model} --dataset {dataset}`",
            )
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
