"""Where everything lies: the workspace's folders, and the environment variables this project reads."""

import os
from dataclasses import dataclass
from pathlib import Path

from vlmbench_sdk import WorkspaceError

WORKSPACE_VARIABLE = "VLMBENCH_WORKSPACE"
"""Environment variable that names the workspace where no `--workspace` is given."""
CACHE_VARIABLE = "VLMBENCH_CACHE"
"""Environment variable that moves the cache of environments."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A folder with `registries/`; results and state lie beside it."""

    root: Path

    @property
    def registries(self) -> Path:
        """The user's registry entries."""
        return self.root / "registries"

    @property
    def data(self) -> Path:
        """Tables and reports, one folder per asset and cell."""
        return self.root / "data"

    @property
    def dagster_home(self) -> Path:
        """State of the Dagster instance that UI and headless runs share."""
        return self.root / ".dagster"

    def source(self, declared: str) -> Path | None:
        """Resolve a dataset entry's `source`, which is relative to the workspace."""
        return (self.root / Path(declared).expanduser()).resolve() if declared else None


def find_workspace(given: Path | None = None) -> Workspace:
    """Find the workspace: the given folder, `VLMBENCH_WORKSPACE`, or the nearest one upwards.

    Raises:
        WorkspaceError: When there is none.
    """
    named = given or (Path(os.environ[WORKSPACE_VARIABLE]) if WORKSPACE_VARIABLE in os.environ else None)
    start = (named or Path.cwd()).resolve()
    for folder in [start] if named else [start, *start.parents]:
        if (folder / "registries").is_dir():
            return Workspace(folder)
    raise WorkspaceError(
        "there is no `registries` folder here" + ("" if named else " or in any folder above"),
        where=str(start),
        fix="Make a workspace with `vlmbench init DIR`, or name one with `--workspace DIR`",
    )


def cache_folder() -> Path:
    """The folder for environments, shared by all workspaces of this user."""
    if CACHE_VARIABLE in os.environ:
        return Path(os.environ[CACHE_VARIABLE]).resolve()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "vlmbench"
