"""`vlmbench import` and `vlmbench export`: results of other tools, and results for other tools."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from vlmbench_assets.cli.common import (
    json_option,
    open_workspace,
    print_json,
    refuse_unknown,
    workspace_option,
)
from vlmbench_sdk import ExchangeError

if TYPE_CHECKING:
    from pydantic import JsonValue

    from vlmbench_assets.bench import Bench
    from vlmbench_sdk import ImporterPlugin
    from vlmbench_sdk.plugin_specs import Match

OPTION = click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the format.")


@click.command("import")
@click.argument("format_name", metavar="FORMAT")
@click.argument("file", type=click.Path(path_type=Path, exists=True))
@click.option("--dataset", help="The dataset that was asked; not for formats of entries.")
@click.option("--model", help="What to call the model here; not for formats of entries.")
@click.option(
    "--match",
    type=click.Choice(["id", "position", "question"]),
    help="Find samples by the file's ids, by their place in the dataset, or by images and question.",
)
@click.option("--allow-unmatched", is_flag=True, help="Leave out rows that are for no sample, and say which.")
@OPTION
@workspace_option
@json_option
def import_command(
    *,
    format_name: str,
    file: Path,
    dataset: str | None,
    model: str | None,
    match: "Match | None",
    allow_unmatched: bool,
    options: tuple[str, ...],
    workspace: Path | None,
    as_json: bool,
) -> None:
    """Import FILE of another tool: answers, to be scored like any other, or entries. All of it, or nothing.

    `vlmbench list plugins` names the formats.
    """
    bench = open_workspace(workspace)
    refuse_unknown("format to import", [format_name], sorted(bench.plugins.importers))
    importer = bench.plugins.importers[format_name]
    if importer.imports == "entries":
        if dataset or model or match or allow_unmatched:
            raise click.UsageError(f"{format_name} holds entries: leave out --dataset, --model and --match")
        _entries(bench, importer, file, _chosen(options), as_json=as_json)
        return
    if not dataset or not model:
        raise click.UsageError(f"{format_name} holds answers: say --dataset and --model")
    refuse_unknown("dataset", [dataset], sorted(bench.catalog.datasets))
    from vlmbench_assets.catalog import Cell
    from vlmbench_assets.make.imported import Import, import_answers
    from vlmbench_assets.reasons import counted
    from vlmbench_assets.work.match import listed

    cell = Cell(model=model, dataset=dataset)
    done = import_answers(bench, Import(importer, _chosen(options), file, cell, match, allow_unmatched))
    if as_json:
        said = {"answers": done.answers, "lacking": done.lacking, "unmatched": done.unmatched}
        print_json({"model": model, "dataset": dataset, **said, "unlike": done.unlike})
        return
    click.echo(f"{cell}: {counted(done.answers, 'answer')} imported from {file.name}")
    if done.lacking:
        click.echo(f"no answer in the file: {counted(done.lacking, 'sample')}, each a row with status error")
    if done.unmatched:
        rows = counted(len(done.unmatched), "row")
        click.echo(f"for no sample, and left out: {rows} ({', '.join(done.unmatched)})")
    if done.unlike:
        rows = counted(len(done.unlike), "row")
        click.echo(f"other references, question or images than the dataset: {rows} ({listed(done.unlike)})")
    click.echo(f"score it: vlmbench run --model {model} --dataset {dataset}")


def _entries(
    bench: "Bench", importer: "ImporterPlugin", file: Path, options: "dict[str, JsonValue]", *, as_json: bool
) -> None:
    from vlmbench_assets.make.entries import write_entries
    from vlmbench_assets.make.imported import run_importer
    from vlmbench_sdk import ImportedEntries

    found = run_importer(bench, importer, file, options, None)
    if not isinstance(found, ImportedEntries):
        raise ExchangeError(f"importer {importer.name!r} declares entries and returns answers")
    written = write_entries(bench.workspace, found)
    shown = [str(path.relative_to(bench.workspace.root.resolve())) for path in written]
    if as_json:
        print_json({"written": shown, "notes": found.notes})
        return
    for path in shown:
        click.echo(f"written: {path}")
    for note in found.notes:
        click.echo(f"note: {note}")
    click.echo(f"entries: {len(found.entries)}; new files: {len(written)}")


@click.command("export")
@click.argument("format_name", metavar="FORMAT")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--dataset", "datasets", multiple=True, help="Only this dataset; may be repeated.")
@click.option("--model", "models", multiple=True, help="Only this model; may be repeated.")
@OPTION
@workspace_option
def export_command(
    *,
    format_name: str,
    out: Path,
    datasets: tuple[str, ...],
    models: tuple[str, ...],
    options: tuple[str, ...],
    workspace: Path | None,
) -> None:
    """Export all cells with answers, or some of them, into the new folder OUT.

    `vlmbench list plugins` names the formats.
    """
    from vlmbench_assets.make.exported import export, exportable
    from vlmbench_assets.reasons import counted
    from vlmbench_assets.staleness import Judge

    bench = open_workspace(workspace)
    refuse_unknown("format to export", [format_name], sorted(bench.plugins.exporters))
    refuse_unknown("model", models, sorted(bench.catalog.models))
    refuse_unknown("dataset", datasets, sorted(bench.catalog.datasets))
    cells = exportable(bench, models, datasets)
    export(bench, bench.plugins.exporters[format_name], _chosen(options), cells, out)
    judge = Judge(bench)
    for judged in map(judge.cell, cells):
        if judged.state != "fresh":
            why = "; ".join(judged.reasons) or "not all of it was made"
            click.echo(f"{judged.cell} is {judged.state} ({why}); exported as it is", err=True)
    click.echo(f"{counted(len(cells), 'cell')} exported to {out}")


def _chosen(options: tuple[str, ...]) -> "dict[str, JsonValue]":
    chosen: dict[str, JsonValue] = {}
    for each in options:
        name, equals, value = each.partition("=")
        if not equals or name in chosen:
            raise click.UsageError(f"--option {each!r} must be NAME=VALUE, each name once")
        chosen[name] = value
    return chosen
