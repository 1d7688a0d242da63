"""A cluster per session, and a cache that all tests of engines share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.mini_slurm import MiniSlurm


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for all processes of this test run: converting an image takes 10 s."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "engines-cache"


@pytest.fixture(scope="session")
def started_slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniSlurm]:
    cluster = MiniSlurm(tmp_path_factory.mktemp("slurm") / "cluster")
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def slurm(started_slurm: MiniSlurm, monkeypatch: pytest.MonkeyPatch) -> MiniSlurm:
    """The cluster that commands of Slurm find."""
    for name, value in started_slurm.env.items():
        monkeypatch.setenv(name, value)
    return started_slurm
