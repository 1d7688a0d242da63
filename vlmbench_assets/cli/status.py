"""`vlmbench status`: what is done, running, failed or missing."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vlmbench_assets.cli.common import (
    json_option,
    open_workspace,
    print_json,
    print_table,
    select_cells,
    workspace_option,
)

if TYPE_CHECKING:
    from vlmbench_assets.catalog import Cell
    from vlmbench_assets.store import Store


@click.command()
@click.option("--benchmark", help="Only the cells of this benchmark.")
@workspace_option
@json_option
def status(benchmark: str | None, workspace: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """Show every cell: done, running, failed or missing, with the reason."""
    bench = open_workspace(workspace)
    names = [benchmark] if benchmark else sorted(bench.catalog.benchmarks)
    cells = [cell for name in names for cell in select_cells(bench.catalog, name, [], [])]
    rows = [_row(bench.store, cell) for cell in dict.fromkeys(cells)]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("no cells: there is no benchmark in this workspace")


def _row(store: "Store", cell: "Cell") -> dict[str, str]:
    return {"model": cell.model, "dataset": cell.dataset, **cell_state(store, cell)}


def cell_state(store: "Store", cell: "Cell") -> dict[str, str]:
    """The state of a cell, what of it is there, and why it failed."""
    from vlmbench_assets.hold import failure_of, is_running
    from vlmbench_assets.store import CELL_ASSETS

    made = {asset: store.manifest(asset, cell.dataset, cell.model) for asset in CELL_ASSETS}
    there = ", ".join(asset for asset, manifest in made.items() if manifest)
    failure = failure_of(store, cell.dataset, cell.model)
    report = made["report"]
    if is_running(store, cell.dataset, cell.model):
        state, reason = "running", ""
    elif failure is not None:
        state, reason = "failed", f"{failure.stage}: {failure.reason}"
    elif report is not None:
        state, reason = "done", ""
    else:
        state, reason = "missing", ""
    return {
        "state": state,
        "there": there,
        "finished": report.written_at if report else "",
        "reason": " ".join(reason.split()),
    }
