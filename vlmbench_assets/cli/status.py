"""`vlmbench status`: what is fresh, stale, running, failed or missing, and why."""

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
    from vlmbench_assets.bench import Bench
    from vlmbench_assets.catalog import Cell
    from vlmbench_assets.orphans import Orphan
    from vlmbench_assets.staleness import Judge


@click.command()
@click.option("--benchmark", help="Only the cells of this benchmark.")
@workspace_option
@json_option
def status(benchmark: str | None, workspace: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """Show every cell: fresh, stale, running, failed, missing or orphaned, with the reason.

    Datasets are not read again; `vlmbench plan` also sees what changed in their files.
    """
    from vlmbench_assets.environment import without_optional
    from vlmbench_assets.orphans import orphans
    from vlmbench_assets.staleness import Judge

    bench = open_workspace(workspace)
    names = [benchmark] if benchmark else sorted(bench.catalog.benchmarks)
    cells = [cell for name in names for cell in select_cells(bench.catalog, name, [], [])]
    cells, skipped = without_optional(bench, list(dict.fromkeys(cells)))
    for line in skipped:
        click.echo(line, err=True)
    judge = Judge(bench)
    rows = [{"model": cell.model, "dataset": cell.dataset, **cell_state(judge, cell)} for cell in cells]
    if not benchmark:
        rows += [orphan_row(bench, orphan) for orphan in orphans(bench)]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("no cells: there is no benchmark in this workspace")


def orphan_row(bench: "Bench", orphan: "Orphan") -> dict[str, str]:
    """A cell that nothing declares any more: what of it is there, and what is missing."""
    from vlmbench_assets.orphans import ORPHANED
    from vlmbench_assets.store import CELL_ASSETS

    cell = orphan.cell
    made = {asset: bench.store.manifest(asset, cell.dataset, cell.model) for asset in CELL_ASSETS}
    report = made["report"]
    return {
        "model": cell.model,
        "dataset": cell.dataset,
        "state": ORPHANED,
        "there": ", ".join(asset for asset, manifest in made.items() if manifest),
        "finished": report.written_at if report else "",
        "reason": orphan.reason,
    }


def cell_state(judge: "Judge", cell: "Cell") -> dict[str, str]:
    """The state of a cell, what of it is there, when it was finished, and why it is not fresh."""
    from vlmbench_assets.hold import is_running
    from vlmbench_assets.store import CELL_ASSETS

    store, judged = judge.bench.store, judge.cell(cell)
    made = {asset: store.manifest(asset, cell.dataset, cell.model) for asset in CELL_ASSETS}
    report = made["report"]
    imported = [f"imported from {judged.imported}"] if judged.imported else []
    running = is_running(store, cell.dataset, cell.model)
    return {
        "state": "running" if running else judged.state,
        "there": ", ".join(asset for asset, manifest in made.items() if manifest),
        "finished": report.written_at if report else "",
        "reason": "" if running else "; ".join(judged.reasons or imported),
    }
