"""What all tests share: engines, an echo workspace, and running the command."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.commands.forked import Commands
from tests.support import PHOENIX, POSTGRES, Run, write_echo_workspace

ENGINES = {
    "tesseract": ("tesseract", "--version"),
    "chromium": ("chromium", "--version"),
    "docker": ("docker", "image", "inspect", "vlmbench/base:bookworm"),
    "apptainer": ("apptainer", "--version"),
    "slurm": ("slurmctld", "-V"),
    "ssh": ("ssh", "-V"),
    "mount": ("unshare", "--mount", "true"),
    # A wheel for the CPU on this machine: without it an index would send gigabytes of CUDA libraries.
    "torch": (
        *(sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable),
        *("--dry-run", "--no-index", "--no-deps", "torch==2.13.0"),
    ),
    "phoenix": (str(PHOENIX / "python"), "-c", "import importlib.metadata as m; m.version('arize-phoenix')"),
    "postgres": (str(POSTGRES / "initdb"), "--version"),
}
"""A command of each that succeeds where tests can use it; `.ci/run` and `.ci/engines.sh` install them."""


def pytest_configure() -> None:
    """Tell uv, which does not read pip's settings, where wheels lie on this machine."""
    if "UV_FIND_LINKS" not in os.environ:
        command = [sys.executable, "-m", "pip", "config", "get", "global.find-links"]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
        if found := os.environ.get("PIP_FIND_LINKS", " ".join(told)):
            os.environ["UV_FIND_LINKS"] = found.replace(" ", ",")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests whose engine is missing; fail them where engines are required, as in CI."""
    required = os.environ.get("VLMBENCH_REQUIRE_ENGINES", "").split(",")
    for item in items:
        for marker in item.iter_markers("engine"):
            name = str(marker.args[0])
            if name not in required and not _works(name):
                command = " ".join(ENGINES[name])
                item.add_marker(pytest.mark.skip(reason=f"{name} cannot be used here: `{command}` fails"))


@cache
def _works(engine: str) -> bool:
    try:
        return subprocess.run(ENGINES[engine], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture(autouse=True)
def _own_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VLMBENCH_WORKSPACE", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with one echo model, one dataset of four samples, and one benchmark."""
    return write_echo_workspace(tmp_path / "workspace")


@pytest.fixture(scope="session")
def commands() -> Iterator[Commands]:
    """What starts commands without importing the same libraries for each."""
    started = Commands()
    yield started
    started.close()


@pytest.fixture
def vlmbench(workspace: Path, tmp_path: Path, commands: Commands) -> Run:
    """Run the command as a user does, in a process of its own, on the workspace."""

    return commands.on(workspace, tmp_path / "cache")
