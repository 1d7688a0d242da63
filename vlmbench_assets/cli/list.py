"""`vlmbench list KIND`: what the catalog holds."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vlmbench_assets.cli.check import KINDS
from vlmbench_assets.cli.common import (
    json_option,
    open_workspace,
    print_json,
    print_table,
    workspace_option,
)

if TYPE_CHECKING:
    from vlmbench_assets.bench import Bench

DETAIL = {
    "models": "plugin",
    "datasets": "reader",
    "metrics": "plugin",
    "environments": "kind",
}
"""The field that tells most about an entry of each kind."""


@click.command(name="list")
@click.argument("kind", type=click.Choice([*KINDS, "plugins"]))
@workspace_option
@json_option
def list_entries(kind: str, workspace: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """List models, datasets, metrics, prompts, environments, benchmarks or plugins."""
    bench = open_workspace(workspace)
    rows = _plugins(bench) if kind == "plugins" else _entries(bench, kind)
    if as_json:
        print_json(rows)
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo(f"no {kind}")


def _entries(bench: "Bench", kind: str) -> list[dict[str, str]]:
    rows = []
    for name, entry in sorted(getattr(bench.catalog, kind).items()):
        detail = DETAIL.get(kind)
        rows.append(
            {
                "name": name,
                **({detail: str(getattr(entry, detail))} if detail else {}),
                "from": bench.catalog.origin(kind, name).origin,
                "description": entry.description,
            }
        )
    return rows


def _plugins(bench: "Bench") -> list[dict[str, str]]:
    return [
        {
            "name": info.name,
            "distribution": info.distribution,
            "version": info.version,
            "offers": ", ".join(name for (_, name), owner in bench.plugins.owners.items() if owner == info),
        }
        for info in bench.plugins.infos
    ]
