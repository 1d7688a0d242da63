"""`vlmbench env`: list, build, prune and reap environments; and `vlmbench doctor`."""

from collections.abc import Sequence
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

MEGABYTE = 1_000_000


@click.group()
def env() -> None:
    """Look after the environments that models run in."""


@env.command("list")
@workspace_option
@json_option
def list_environments(workspace: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """Show every environment that a model or metric uses, and whether it is made on this machine."""
    from vlmbench_assets.engines import look_at

    found = list(look_at(open_workspace(workspace)))
    rows = [[each.name, each.kind, each.state, ", ".join(each.users)] for each in found]
    header = ["environment", "kind", "state", "used by"]
    if as_json:
        print_json([dict(zip(header, row, strict=True)) for row in rows])
    else:
        print_table(header, rows)


@env.command()
@click.argument("names", nargs=-1)
@click.option("--arg", "arguments", multiple=True, metavar="NAME=VALUE", help="An ARG of the Dockerfiles.")
@click.option("--again", is_flag=True, help="Build images that are there already.")
@workspace_option
def build(names: tuple[str, ...], arguments: tuple[str, ...], again: bool, workspace: Path | None) -> None:  # noqa: FBT001
    """Make environments ready now, all or those named: build images, install what goes on top."""
    from vlmbench_assets.engines import make, uses_of

    bench = open_workspace(workspace)
    known = list(uses_of(bench))
    refuse_unknown("environment", names, known)
    make(bench, names or known, _pairs(arguments), click.echo, again=again)


@env.command()
@click.option("--days", type=click.FloatRange(min=0), default=30.0, show_default=True, help="Not used for so long.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def prune(days: float, dry_run: bool) -> None:  # noqa: FBT001
    """Throw away what was made for environments and not used for a while; it is made again when needed."""
    from vlmbench_assets.engines import prune as prune_made

    done = prune_made(days, dry_run=dry_run)
    for path in done.gone:
        click.echo(path)
    for path in done.kept:
        click.echo(f"{path} is in use; it stays", err=True)
    click.echo(f"{'would free' if dry_run else 'freed'} {done.freed / MEGABYTE:.1f} MB in {len(done.gone)} places")


@env.command()
@workspace_option
def reap(workspace: Path | None) -> None:
    """End what killed runs left behind: containers, rented machines."""
    from vlmbench_assets.engines import reap as reap_all

    lines = reap_all(open_workspace(workspace))
    for line in lines:
        click.echo(line)
    if not lines:
        click.echo("nothing was left behind")


@click.command()
@workspace_option
@json_option
def doctor(workspace: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """Check what the environments need of this machine; exits with 1 when something is missing."""
    from vlmbench_assets.engines import look_at, machine_checks

    bench = open_workspace(workspace)
    rows = [("machine", check) for check in machine_checks()]
    for found in look_at(bench):
        rows += [(found.name, check) for check in found.checks]
    if as_json:
        print_json([{"environment": name, **check.model_dump()} for name, check in rows])
    else:
        shown = [
            [name, "ok" if check.ok else "MISSING", check.what, "" if check.ok else check.fix] for name, check in rows
        ]
        print_table(["environment", "", "what", "what to do"], shown)
    if not all(check.ok for _, check in rows):
        raise click.exceptions.Exit(1)


env.add_command(doctor)


def _pairs(arguments: Sequence[str]) -> dict[str, str]:
    pairs = [argument.partition("=") for argument in arguments]
    for name, sign, _ in pairs:
        if not (name and sign):
            raise click.UsageError(f"--arg wants NAME=VALUE, not {name!r}")
    return {name: value for name, _, value in pairs}
