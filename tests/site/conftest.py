"""Results that the tests of the site share: made once, copied for each file of tests."""

import shutil
from pathlib import Path

import pytest

from tests.site.made import make, write_site_workspace


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with results; nobody changes it."""
    root = tmp_path_factory.mktemp("made") / "workspace"
    write_site_workspace(root)
    make(root)
    return root


@pytest.fixture(scope="module")
def root(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of it for one file of tests."""
    root = tmp_path_factory.mktemp("site") / "workspace"
    shutil.copytree(made, root)
    return root
