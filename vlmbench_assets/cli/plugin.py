"""`vlmbench plugin`: write a plugin, check it, list those that are installed."""

from pathlib import Path

import click

from vlmbench_assets.authors.new import kinds, new_plugin
from vlmbench_assets.cli.common import json_option, print_json, print_table

MARKS = {"ok": "ok         ", "failed": "FAILED     ", "not checked": "not checked"}


@click.group()
def plugin() -> None:
    """Write a plugin, check it, or list those that are installed."""


@plugin.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(kinds()), default="model", show_default=True, help="What it adds.")
@click.option(
    "--dir",
    "parent",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder that its folder is made in; default: the current one.",
)
def new(name: str, kind: str, parent: Path) -> None:
    """Write a plugin package called vlmbench-NAME that passes its own test; `registries` has only YAML in it."""
    folder = new_plugin(name, kind, parent)
    click.echo(f"made {folder}; try: vlmbench plugin test {folder}")


@plugin.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path())
@json_option
@click.pass_context
def test(context: click.Context, folder: Path, as_json: bool) -> None:  # noqa: FBT001
    """Check the plugin package in FOLDER as users will have it; exit code 1 when it breaks a promise.

    Its wheel is built and installed into fresh virtual environments with what its environment entries require; there
    the SDK's conformance suite and the package's own tests run.
    """
    from vlmbench_assets.authors.check import check_plugin
    from vlmbench_sdk.plugins import load_plugins

    checked = check_plugin(folder.resolve(), load_plugins(), lambda line: click.echo(line, err=True))
    if as_json:
        print_json([finding.model_dump() for finding in checked.findings])
    else:
        for finding in checked.findings:
            says = finding.says.replace("\n", "\n" + " " * 14)
            click.echo(f"{MARKS[finding.state]}  {finding.what}: {says}")
        states = [finding.state for finding in checked.findings]
        click.echo(
            f"{checked.distribution} {checked.version}: {states.count('ok')} ok, {checked.failed} failed, "
            f"{states.count('not checked')} not checked"
        )
    if checked.failed:
        context.exit(1)


@plugin.command("list")
@json_option
def list_plugins(as_json: bool) -> None:  # noqa: FBT001
    """List the installed plugins: distribution, version, and what each of its hooks offers."""
    from vlmbench_sdk.conformance import offers_of
    from vlmbench_sdk.plugins import load_plugins

    plugins = load_plugins()
    rows = []
    for info in plugins.infos:
        offers = offers_of(plugins, [info])
        hooks = [f"{hook.removeprefix('vlmbench_')}: {', '.join(names)}" for hook, names in sorted(offers.items())]
        hooks += ["registries"] if any(owner == info for _, owner in plugins.registries) else []
        rows.append(
            {
                "plugin": info.name,
                "distribution": info.distribution,
                "version": info.version,
                "module": info.module,
                "hooks": "; ".join(hooks),
            }
        )
    if as_json:
        print_json(rows)
    elif rows:
        print_table(list(rows[0]), [list(row.values()) for row in rows])
    else:
        click.echo("no plugins")
