"""`vlmbench gc`: throw away old materialisations."""

from dataclasses import asdict
from pathlib import Path

import click

from vlmbench_assets.cli.common import json_option, print_json, workspace_option

MEGABYTE = 1_000_000


@click.command()
@click.option(
    "--keep", type=click.IntRange(min=1), default=5, show_default=True, help="Keep so many of each asset and cell."
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@workspace_option
@json_option
def gc(*, keep: int, dry_run: bool, workspace: Path | None, as_json: bool) -> None:
    """Throw away old materialisations; what is current, and what it needs to go on, stays."""
    from vlmbench_assets.prune import prune
    from vlmbench_assets.store import Store
    from vlmbench_assets.workspace import find_workspace

    done = prune(Store(find_workspace(workspace).data), keep, dry_run=dry_run)
    if as_json:
        print_json(asdict(done))
        return
    said = "would free" if dry_run else "freed"
    click.echo(
        f"{said} {done.bytes / MEGABYTE:.1f} MB: {done.manifests} old manifests, {done.objects} tables, "
        f"{done.answers} answers in journals, {done.folders} folders of images"
    )
    if done.busy:
        click.echo("left alone: the tables, because something is running; run it again afterwards")
    if done.skipped:
        click.echo(
            f"left alone: the journals of {done.skipped} cells that are running, were interrupted or lost a table"
        )
