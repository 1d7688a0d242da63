"""The Dagster instance of a workspace, shared by the UI and headless runs."""

import fcntl
import socket
import sys
from importlib.resources import files
from pathlib import Path

from dagster import DagsterError, DagsterEventType, DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.storage.runs import SqliteRunStorage
from dagster_shared.check import CheckError
from sqlalchemy.exc import SQLAlchemyError

from vlmbench_assets.workspace import Workspace
from vlmbench_sdk import WorkspaceError
from vlmbench_sdk.processes import process_identity

SETTINGS = "dagster.yaml"
HOST_TAG = "vlmbench/host"
"""On runs: the machine, or container, whose process it is."""


def open_instance(workspace: Workspace) -> DagsterInstance:
    """Open the instance, and make it first where there is none.

    Two processes that open a fresh instance at once can corrupt it for good (2 of 4 trials), so opening
    is done under a lock.

    Raises:
        WorkspaceError: When its settings are wrong, or its database cannot be reached.
    """
    home = workspace.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".opening.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _settle(workspace)
        try:
            instance = DagsterInstance.from_config(str(home))
            _end_dead_runs(instance)
        except _refusals() as error:
            raise WorkspaceError(
                f"the Dagster instance cannot be opened ({str(error).strip().splitlines()[-1]})",
                where=str(home / SETTINGS),
                fix="See docs/how-to/keep_history_in_postgresql.md",
            ) from error
        return instance


def host() -> str:
    """This machine, as the tag names it."""
    return socket.gethostname()[:63]


def _settle(workspace: Workspace) -> None:
    """Dagster looks for its settings beside its state; they stand beside the registries, where people edit them."""
    expected, own = workspace.dagster_home / SETTINGS, workspace.root / SETTINGS
    if expected.exists():
        return
    if own.exists():
        expected.symlink_to(Path("..", SETTINGS))
    else:
        default = files("vlmbench_assets").joinpath("template", SETTINGS)
        expected.write_text(default.read_text(encoding="utf-8"), encoding="utf-8")


def _refusals() -> tuple[type[Exception], ...]:
    """What Dagster and its storages raise; asked only when something was raised, by when what is used is imported."""
    if "dagster_postgres" not in sys.modules:
        return (DagsterError, CheckError, ImportError, SQLAlchemyError)
    from dagster_postgres.utils import DagsterPostgresException

    return (DagsterError, CheckError, ImportError, SQLAlchemyError, DagsterPostgresException)


def _end_dead_runs(instance: DagsterInstance) -> None:
    """End the runs whose process was killed: Dagster counts them as running for ever, and starts no other beside them.

    Only around SQLite, which processes of several machines cannot share safely, and only runs of this host.
    """
    running = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.STARTED]))
    if not isinstance(instance.run_storage, SqliteRunStorage):
        return
    here = host()
    for run in running:
        started = instance.all_logs(run.run_id, of_type={DagsterEventType.RUN_START})
        pids = [entry.dagster_event.pid for entry in started if entry.dagster_event and entry.dagster_event.pid]
        if pids and run.tags.get(HOST_TAG, here) == here and not process_identity(pids[-1]):
            instance.report_run_failed(run, "Its process is gone: it was killed, or the machine was switched off.")
