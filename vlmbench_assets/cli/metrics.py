"""`vlmbench metrics`: check metrics against their golden vectors, and against peers."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from vlmbench_assets.cli.common import json_option, print_json, print_table, refuse_unknown

if TYPE_CHECKING:
    from vlmbench_assets.conform import Checked


@click.group()
def metrics() -> None:
    """Check metrics."""


@metrics.command()
@click.argument("names", nargs=-1)
@click.option("--peers", is_flag=True, help="Ask installed peers the same, and name where they disagree.")
@click.option(
    "--peers-python",
    "pythons",
    multiple=True,
    metavar="PYTHON",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Ask also peers installed for this Python, such as bin/python of their own environment; may be repeated.",
)
@click.option("--all", "show_all", is_flag=True, help="Show every vector, also those that hold.")
@json_option
@click.pass_context
def conform(
    context: click.Context,
    names: tuple[str, ...],
    peers: bool,  # noqa: FBT001
    pythons: tuple[Path, ...],
    show_all: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Run installed metrics, or those called NAMES, against their golden vectors; exit code 1 when one fails.

    A peer that disagrees fails nothing: it is named, with the vector, the reason where that is known, and the source of
    our value. Peers that are not installed are named too; `pip install vlmbench-assets[peers]` brings the light ones,
    and `--peers-python` asks those that live in an environment of their own.
    """
    from vlmbench_assets.conform import conform as run
    from vlmbench_sdk.plugins import load_plugins

    plugins = load_plugins()
    refuse_unknown("metric plugin", names, sorted(plugins.metrics))
    # Not resolved: the link in a virtual environment is what makes it one.
    asked = [*([Path(sys.executable)] if peers or pythons else []), *(each.absolute() for each in pythons)]
    found = [*run(plugins, names or [*plugins.metrics], pythons=asked)]
    if as_json:
        print_json([each.row() for each in found])
    else:
        _print(found, show_all=show_all)
    if any(each.state == "failed" and not each.peer for each in found):
        context.exit(1)


def _print(found: "list[Checked]", *, show_all: bool) -> None:
    print_table(["metric", "vectors", "ok", "failed", "not run", "says"], [*_summary(found)], right=["vectors", "ok"])
    shown = [each for each in found if each.number and (show_all or each.state == "failed")]
    own = [each for each in shown if not each.peer]
    if own:
        click.echo("\nVectors" if show_all else "\nVectors that fail")
        header = ["metric", "#", "answer against references", "expected", "found", "state", "says", "source"]
        print_table(header, [[*_line(each), each.state, each.says, each.source] for each in own])
    peers = [each for each in shown if each.peer]
    if peers:
        click.echo("\nWhere peers disagree" if not show_all else "\nPeers")
        header = ["metric", "#", "answer against references", "expected", "peer's", "peer", "why", "source"]
        print_table(header, [[*_line(each), _peer(each), each.says, each.source] for each in peers])


def _line(each: "Checked") -> list[str]:
    return [each.metric, str(each.number), each.case, each.expected, each.found]


def _peer(each: "Checked") -> str:
    return f"{each.peer} {each.version}".rstrip()


def _summary(found: "Iterable[Checked]") -> "Iterable[list[str]]":
    groups: dict[tuple[str, str], list[Checked]] = {}
    for each in found:
        groups.setdefault((each.metric, _peer(each)), []).append(each)
    for (metric, peer), members in groups.items():
        states = [each.state for each in members if each.number]
        reasons = dict.fromkeys(each.says for each in members if each.state in {"not run", "no vectors"})
        name = f"{metric}: {peer}" if peer else metric
        counts = [len(states), *(states.count(state) for state in ("ok", "failed", "not run"))]
        yield [name, *map(str, counts), "; ".join(reasons)]
