"""The workspace in which everything is fresh, made once."""

import shutil
from pathlib import Path

import pytest

from tests.cells import make_everything
from tests.staleness.made import SAMPLES, write_dataset, write_registries


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which everything is fresh."""
    root = tmp_path_factory.mktemp("made") / "workspace"
    write_registries(root)
    for name in SAMPLES:
        write_dataset(root, name)
    make_everything(root)
    return root


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    """A copy of it, elsewhere."""
    root = tmp_path / "copy"
    shutil.copytree(made, root)
    return root
