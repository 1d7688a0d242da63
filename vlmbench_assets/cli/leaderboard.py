"""`vlmbench leaderboard`: the models of each dataset side by side."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vlmbench_assets.cli.common import (
    json_option,
    open_workspace,
    print_json,
    print_table,
    refuse_unknown,
    workspace_option,
)
from vlmbench_sdk import CatalogError

if TYPE_CHECKING:
    from vlmbench_assets.bench import Bench


@click.command()
@click.argument("datasets", nargs=-1)
@click.option("--benchmark", help="Rank the models of this benchmark over all of its datasets.")
@workspace_option
@json_option
def leaderboard(*, datasets: tuple[str, ...], benchmark: str | None, workspace: Path | None, as_json: bool) -> None:
    """Rank the models of DATASETS, or of every dataset that has results."""
    from vlmbench_assets.make.leaderboard import rank_dataset
    from vlmbench_assets.orphans import orphans

    bench = open_workspace(workspace)
    if benchmark is not None:
        if datasets:
            raise click.UsageError("name datasets or a benchmark, not both")
        _of_benchmark(bench, benchmark, as_json=as_json)
        return
    unknown = sorted(set(datasets) - set(bench.catalog.datasets))
    if unknown:
        known = ", ".join(sorted(bench.catalog.datasets))
        raise CatalogError(f"there is no dataset {unknown[0]!r}", fix=f"Known: {known}")
    chosen = datasets or [name for name in sorted(bench.catalog.datasets) if _has_results(bench, name)]
    if as_json:
        tables = {name: rank_dataset(bench, name).table for name in chosen}
        # Through pandas, which writes null and not NaN for a score that is missing.
        print_json({name: _records(table.to_json(orient="records")) for name, table in tables.items()})
        return
    for name in chosen:
        print_leaderboard(bench, name)
    for orphan in orphans(bench):
        if orphan.cell.dataset in chosen:
            click.echo(f"left out of {orphan.cell.dataset}: {orphan.cell.model} ({orphan.reason})", err=True)
    if not chosen:
        click.echo("no results yet; `vlmbench run` makes some")


def print_leaderboard(bench: "Bench", dataset: str) -> None:
    """Print one dataset's ranking."""
    from vlmbench_assets.make.leaderboard import rank_dataset
    from vlmbench_assets.work.rank import terminal_rows

    ranking = rank_dataset(bench, dataset)
    header, rows = terminal_rows(ranking.table, ranking.headline)
    click.echo(f"\n{dataset}")
    print_table(header, rows, right=header[2:])
    if ranking.notice:
        click.echo(ranking.notice)


def _of_benchmark(bench: "Bench", benchmark: str, *, as_json: bool) -> None:
    from vlmbench_assets.make.benchmark_leaderboard import rank_benchmark
    from vlmbench_assets.work.benchmark_table import benchmark_rows

    refuse_unknown("benchmark", [benchmark], sorted(bench.catalog.benchmarks))
    _, table, averages = rank_benchmark(bench, benchmark)
    if as_json:
        print_json({benchmark: _records(table.to_json(orient="records"))})
        return
    header, rows = benchmark_rows(table, averages)
    click.echo(f"\nbenchmark {benchmark}")
    print_table(header, rows, right=header[2:])


def _has_results(bench: "Bench", dataset: str) -> bool:
    return any((bench.store.root / "aggregates").glob(f"*/{dataset}/aggregates.csv"))


def _records(text: str) -> object:
    import json

    return json.loads(text)
