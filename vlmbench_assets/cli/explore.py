"""`vlmbench explore`: all tables and pictures in Datasette, with queries at hand."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from vlmbench_assets.cli.common import open_workspace, workspace_option
from vlmbench_sdk import PluginError

HOST = "127.0.0.1"
SETTINGS = {
    "default_page_size": "50",
    "truncate_cells_html": "400",
    # A query over 100,000 answers takes longer than the second that Datasette allows strangers.
    "sql_time_limit_ms": "30000",
}


@click.command()
@click.option("--port", default=8001, show_default=True, type=click.IntRange(0, 65535))
@workspace_option
def explore(port: int, workspace: Path | None) -> None:
    """Search all answers and scores in Datasette, on this machine only.

    Tables are exported anew when they changed since. Nothing can be written.
    """
    if find_spec("datasette") is None:
        raise PluginError("Datasette is not installed", fix="pip install 'vlmbench-assets[explore]'")
    from vlmbench_assets.exploring import explorable

    bench = open_workspace(workspace)
    folder, made = explorable(bench)
    click.echo(f"{'exported to' if made else 'up to date:'} {folder}")
    click.echo(f"Datasette for {bench.workspace.root}: http://{HOST}:{port}/vlmbench")
    settings = [part for setting in SETTINGS.items() for part in ("--setting", *setting)]
    # Named one by one: from a folder Datasette would also run the plugins and templates that lie in it.
    served = ["--immutable", str(folder / "vlmbench.db"), "--metadata", str(folder / "metadata.yaml")]
    command = [sys.executable, "-m", "datasette", "serve", *served, "--host", HOST, "--port", str(port), *settings]
    sys.stdout.flush()
    os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted; Ctrl-C reaches Datasette itself
