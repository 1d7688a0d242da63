"""`vlmbench check`: every mistake of every registry file at once."""

from pathlib import Path

import click

from vlmbench_assets.cli.common import json_option, open_workspace, print_json, workspace_option


@click.command()
@workspace_option
@json_option
@click.pass_context
def check(context: click.Context, workspace: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """Check all registry files and plugins; exit code 1 when something is wrong."""
    from vlmbench_assets.problems import CatalogMistakesError

    try:
        bench = open_workspace(workspace)
    except CatalogMistakesError as problems:
        if as_json:
            print_json([str(problem) for problem in problems.problems])
        else:
            for problem in problems.problems:
                click.echo(str(problem))
            number = len(problems.problems)
            click.echo(f"{number} mistake{'s' * (number > 1)}", err=True)
        context.exit(1)
    counts = {kind: len(getattr(bench.catalog, kind)) for kind in KINDS}
    if as_json:
        print_json([])
    else:
        said = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        click.echo(f"all right: {said}, {len(bench.plugins.infos)} plugins")


KINDS = ("models", "datasets", "metrics", "prompts", "environments", "benchmarks")
