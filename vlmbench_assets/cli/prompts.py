"""`vlmbench prompts`: the prompt collections, and what exactly a model is sent."""

from pathlib import Path

import click

from vlmbench_assets.cli.common import (
    json_option,
    open_workspace,
    print_json,
    print_table,
    refuse_unknown,
    workspace_option,
)

SHORT = 12


@click.group()
def prompts() -> None:
    """List prompt collections, and show what exactly a model is sent."""


@prompts.command("list")
@workspace_option
@json_option
def list_prompts(workspace: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """List the prompt collections with their rules, files and models."""
    from vlmbench_assets.lineage import digest_json

    bench = open_workspace(workspace)
    rows = [
        {
            "name": name,
            "rules": str(len(each.rules) - 1),
            "files": ", ".join(each.files),
            "tuned on": ", ".join(each.tuned_on),
            "digest": digest_json(dict(each.parts))[:SHORT],
            "models": ", ".join(model for model, entry in bench.catalog.models.items() if entry.prompts == name),
            "description": bench.catalog.prompts[name].description,
        }
        for name, each in sorted(bench.catalog.collections.items())
    ]
    if as_json:
        print_json(rows)
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("no prompts")


@prompts.command()
@click.argument("model")
@click.argument("dataset")
@click.argument("sample", required=False)
@workspace_option
@json_option
def show(model: str, dataset: str, sample: str | None, workspace: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """Print exactly what MODEL is sent of SAMPLE of DATASET (default: its first sample), and why; asks nobody."""
    from vlmbench_assets.catalog import Cell
    from vlmbench_assets.prompt_preview import preview, preview_lines

    bench = open_workspace(workspace)
    refuse_unknown("model", [model], sorted(bench.catalog.models))
    refuse_unknown("dataset", [dataset], sorted(bench.catalog.datasets))
    found = preview(bench, Cell(model=model, dataset=dataset), sample)
    if as_json:
        print_json(found.model_dump(mode="json"))
    else:
        click.echo("\n".join(preview_lines(found)))
