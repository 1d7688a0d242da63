"""The Dagster instance of a workspace, shared by the UI and headless runs."""

import fcntl

from dagster import DagsterInstance

from vlmbench_assets.workspace import Workspace

DAGSTER_YAML = """\
# The Dagster instance of this workspace. SQLite in this folder; see the Dagster documentation for PostgreSQL.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    # Models are heavy: two cells at once on one machine would only share its cores and memory.
    max_concurrent_runs: 1
"""


def open_instance(workspace: Workspace) -> DagsterInstance:
    """Open the instance, and make it first where there is none.

    Two processes that open a fresh instance at once can corrupt it for good (2 of 4 trials), so opening
    is done under a lock.
    """
    home = workspace.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    settings = home / "dagster.yaml"
    with (home / ".opening.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not settings.exists():
            settings.write_text(DAGSTER_YAML, encoding="utf-8")
        instance = DagsterInstance.from_config(str(home))
        instance.get_runs_count()
        return instance
