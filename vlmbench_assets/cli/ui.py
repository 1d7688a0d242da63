"""`vlmbench ui`: the Dagster UI on this workspace."""

import os
import signal
import sys
from pathlib import Path

import click

from vlmbench_assets.cli.common import workspace_option
from vlmbench_assets.workspace import find_workspace
from vlmbench_sdk import WorkspaceError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=3000, show_default=True, type=click.IntRange(0, 65535))
@workspace_option
def ui(host: str, port: int, workspace: Path | None) -> None:
    """Start the Dagster UI; its state stays in the workspace."""
    from vlmbench_assets.instance import open_instance

    found = find_workspace(workspace)
    listed = found.root / "workspace.yaml"
    if not listed.exists():
        raise WorkspaceError("there is no workspace.yaml", where=str(found.root), fix="`vlmbench init` writes one")
    # Opened once before the services open it together: two at once can corrupt a fresh instance.
    open_instance(found).dispose()
    os.environ["DAGSTER_HOME"] = str(found.dagster_home)
    os.chdir(found.root)
    click.echo(f"Dagster UI for {found.root}: http://{host}:{port}")
    # A shell starts its background jobs with Ctrl-C ignored, and Dagster stops its services by that signal only.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(listed), "-h", host, "-p", str(port)]
    os.execv(sys.executable, command)  # noqa: S606 - no shell is wanted; Ctrl-C reaches Dagster itself
