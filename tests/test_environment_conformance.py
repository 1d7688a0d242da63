"""The SDK's suite for environments, on the built-in ones; and that it catches one that breaks its promises."""

from pathlib import Path

import pytest

from vlmbench_assets.environments import local
from vlmbench_assets.environments.options import VenvOptions
from vlmbench_assets.environments.process import ProcessEnvironment
from vlmbench_assets.environments.venv import VenvEnvironment
from vlmbench_sdk import Environment, NoOptions, Options
from vlmbench_sdk.testing_environment import Ground, check_environment


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "STOP_GRACE_S", 0.5)


def process(name: str, cache: Path) -> Environment[Options]:
    return ProcessEnvironment(NoOptions(), name=name, cache=cache)  # type: ignore[return-value]


def venv(name: str, cache: Path) -> Environment[Options]:
    return VenvEnvironment(VenvOptions(), name=name, cache=cache)  # type: ignore[return-value]


@pytest.mark.parametrize("make", [process, venv])
def test_built_in_environments_pass_the_suite(make: "type[Environment[Options]]", tmp_path: Path) -> None:
    assert len(check_environment(Ground(make, tmp_path, distribution="vlmbench-echo"))) == 7
