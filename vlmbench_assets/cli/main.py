"""Entry point of the command `vlmbench`."""

import sys

import click

from vlmbench_assets.cli.check import check
from vlmbench_assets.cli.compare import compare
from vlmbench_assets.cli.diff import diff
from vlmbench_assets.cli.env import doctor, env
from vlmbench_assets.cli.exchange import export_command, import_command
from vlmbench_assets.cli.explore import explore
from vlmbench_assets.cli.gc import gc
from vlmbench_assets.cli.init import init
from vlmbench_assets.cli.leaderboard import leaderboard
from vlmbench_assets.cli.list import list_entries
from vlmbench_assets.cli.metrics import metrics
from vlmbench_assets.cli.mock_endpoint import mock_endpoint
from vlmbench_assets.cli.plan import plan
from vlmbench_assets.cli.plugin import plugin
from vlmbench_assets.cli.prompts import prompts
from vlmbench_assets.cli.report import report
from vlmbench_assets.cli.run import run
from vlmbench_assets.cli.site import site
from vlmbench_assets.cli.status import status
from vlmbench_assets.cli.ui import ui
from vlmbench_assets.printable import printable
from vlmbench_sdk import VlmBenchError

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vlmbench-assets", prog_name="vlmbench")
def cli() -> None:
    """Benchmark vision-language models on documents."""


for command in (
    init,
    check,
    list_entries,
    plan,
    run,
    status,
    leaderboard,
    report,
    site,
    diff,
    compare,
    prompts,
    import_command,
    export_command,
    gc,
    env,
    doctor,
    plugin,
    metrics,
    ui,
    explore,
    mock_endpoint,
):
    cli.add_command(command)


def main() -> None:
    """Run the command; errors that a person can mend are shown as sentences, without a traceback."""
    try:
        # Without standalone mode click returns the status that a command exits with.
        sys.exit(cli(standalone_mode=False) or 0)
    except VlmBenchError as error:
        # It may repeat what stands in a file of somebody else.
        click.echo(f"error: {printable(str(error))}", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(INTERRUPTED)
