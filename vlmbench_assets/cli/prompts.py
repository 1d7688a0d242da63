"""`vlmbench prompts`: the prompt collections, what exactly a model is sent, and to and from a Phoenix server."""

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
from vlmbench_assets.workspace import find_workspace

if TYPE_CHECKING:
    from vlmbench_sdk.entries import Pulled

SHORT = 12

server_option = click.option(
    "--server",
    envvar="PHOENIX_BASE_URL",
    default="http://localhost:6006",
    show_default=True,
    help="Address of the Phoenix server; also PHOENIX_BASE_URL. A key comes from PHOENIX_API_KEY.",
)


@click.group()
def prompts() -> None:
    """List prompt collections, show what exactly a model is sent, get and put prompts."""


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
            "pulled": _pulled(bench.catalog.prompts[name].pulled),
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


def _pulled(pulled: "Pulled | None") -> str:
    """Where prompts were got from, for a table."""
    return "" if pulled is None else f"{', '.join(pulled.versions)} ({pulled.tag or pulled.by}) of {pulled.server}"


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


@prompts.command()
@click.argument("names", nargs=-1)
@click.option("--tag", default="", help="The versions that have this tag; default: the newest ones.")
@click.option("--version", default="", help="The version of this id, of one prompt.")
@click.option("--as", "entry", default="", help="Name of the entry; default: the first prompt's.")
@click.option("--check", is_flag=True, help="Only say which pulled entries differ from the server; exit code 1 if any.")
@server_option
@workspace_option
def pull(  # noqa: PLR0913, RUF100
    names: tuple[str, ...],
    tag: str,
    version: str,
    entry: str,
    check: bool,  # noqa: FBT001
    server: str,
    workspace: Path | None,
) -> None:
    """Get prompts NAMES of a Phoenix server into one entry of registries/prompts, pinned: nothing is fetched later.

    The first is for all samples; each other becomes a rule for the samples that its metadata names, as `push` wrote it.
    """
    from vlmbench_assets.phoenix.client import Phoenix
    from vlmbench_assets.phoenix.pull import Which, notes, pulled_entry, write_entry

    if check:
        _check(names, server, workspace)
        return
    if not names or (version and (tag or len(names) > 1)) or len(set(names)) < len(names):
        raise click.UsageError(
            "name one prompt or more, all different, and of --tag and --version only one (--version: one prompt)"
        )
    phoenix = Phoenix(server)
    folder = find_workspace(workspace).registries / "prompts"
    made, pulled = pulled_entry(phoenix, Which(names, tag, version))
    path = folder / f"{entry or names[0]}.yaml"
    before = write_entry(path, made)
    was = before.pulled if before else None
    click.echo(f"wrote {path.relative_to(folder.parent.parent)}")
    for name, each in pulled.versions.items():
        pinned = was.versions.get(name, "none") if was else each
        click.echo(f"  {name} version {each}" + (f", was {pinned}" if pinned != each else ""))
    if was:
        same = was.sha256 == pulled.sha256
        click.echo(
            "the texts are the same as before"
            if same
            else "the texts changed; `vlmbench plan` says what that makes stale"
        )
    for note in notes(phoenix, pulled):
        click.echo(f"note: {note}")


def _check(names: tuple[str, ...], url: str, workspace: Path | None) -> None:
    """Print how every pulled entry, or every named one, stands to the server."""
    from vlmbench_assets.phoenix.client import Phoenix
    from vlmbench_assets.phoenix.pull import states

    server = Phoenix(url)
    bench = open_workspace(workspace)
    entries = {name: each.pulled for name, each in bench.catalog.prompts.items() if each.pulled}
    refuse_unknown("pulled entry", names, sorted(entries))
    rows = []
    for name, pulled in sorted(entries.items()):
        # A file must not decide which server gets the key.
        known = pulled.server == server.url
        found = states(server, pulled) if known else [("", "", f"not asked: it is of {pulled.server}, see --server")]
        if not names or name in names:
            rows += [[name, prompt, pulled.tag or pulled.by, pinned, state] for prompt, pinned, state in found]
    if not rows:
        click.echo("no pulled prompts")
        return
    print_table(["entry", "prompt", "by", "pinned", "state"], rows)
    if any(row[-1] != "same" for row in rows):
        click.get_current_context().exit(1)


@prompts.command()
@click.argument("collection")
@click.option("--name", default="", help="Name of the first prompt on the server; default: the collection's.")
@click.option("--tag", default="", help="A tag to put on every version.")
@server_option
@workspace_option
def push(collection: str, name: str, tag: str, server: str, workspace: Path | None) -> None:
    """Put a prompt COLLECTION on a Phoenix server: a prompt for each of its templates, new versions of what changed."""
    from vlmbench_assets.phoenix.client import Phoenix
    from vlmbench_assets.phoenix.push import push as push_all

    bench = open_workspace(workspace)
    refuse_unknown("prompt collection", [collection], sorted(bench.catalog.collections))
    found = bench.catalog.collections[collection]
    for prompt, version, new in push_all(Phoenix(server), found, name or collection, tag):
        click.echo(f"{prompt} version {version} ({'new' if new else 'as it was'})")
