"""The `venv` environment with the real uv: isolation, caching, and errors that name the package."""

import json
from pathlib import Path

import pytest

from tests.support import Run, write_yaml
from vlmbench_assets.environments.options import VenvOptions
from vlmbench_assets.environments.venv import VenvEnvironment
from vlmbench_sdk import EnvironmentUnavailableError

WORKER = ("vlmbench-sdk", "vlmbench-echo")


def environment(cache: Path, *requirements: str) -> VenvEnvironment:
    return VenvEnvironment(VenvOptions(requirements=requirements), name="own", cache=cache)


def test_a_model_runs_with_its_own_packages_only(workspace: Path, vlmbench: Run) -> None:
    write_yaml(workspace, "environments/own", "kind: venv\noptions: {requirements: [packaging==24.0]}\n")
    write_yaml(workspace, "models/echo", "plugin: echo\nenvironment: own\noptions: {answer: '{field}'}\n")
    vlmbench("run", check=0)
    manifest = json.loads((workspace / "data/answers/echo/tiny/manifest.json").read_text(encoding="utf-8"))
    packages = manifest["facts"]["environment"]["packages"]
    assert packages["packaging"] == "24.0"
    assert "vlmbench-echo" in packages
    assert not {"dagster", "pandas", "vlmbench-ocr"} & set(packages)
    assert manifest["facts"]["environment"]["kind"] == "venv"


def test_equal_requirements_are_installed_once(tmp_path: Path) -> None:
    said: list[str] = []
    first = environment(tmp_path).prepare(WORKER, said.append)
    second = environment(tmp_path).prepare(WORKER, said.append)
    assert first == second
    assert len(said) == 1
    other = environment(tmp_path, "packaging==24.0").prepare(WORKER, said.append)
    assert other.python != first.python
    assert other.digest != first.digest


@pytest.mark.parametrize("said", [None, "", '{"of": "another version"}'])
def test_what_was_not_made_to_its_end_is_made_again(tmp_path: Path, said: str | None) -> None:
    ready = environment(tmp_path).prepare(WORKER, lambda _: None)
    folder = Path(ready.python).parents[1]
    (folder / "environment.json").unlink()
    if said is not None:
        (folder / "environment.json").write_text(said, encoding="utf-8")
    assert environment(tmp_path).lock(WORKER) == ""
    (folder / "bin" / "python").unlink()
    assert environment(tmp_path).prepare(WORKER, lambda _: None) == ready
    assert Path(ready.python).exists()


def test_a_requirement_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentUnavailableError, match=r"packaging==0\.0\.0\.1") as caught:
        environment(tmp_path, "packaging==0.0.0.1").prepare(WORKER, lambda _: None)
    assert "environment own" in str(caught.value)
    assert (tmp_path / "environments/own.log").exists()


def test_doctor_names_uv_and_a_python_that_is_not_here(tmp_path: Path, workspace: Path, vlmbench: Run) -> None:
    assert [check.ok for check in environment(tmp_path).check(gpus=False)] == [True]
    other = VenvEnvironment(VenvOptions(python="3.1"), name="own", cache=tmp_path)
    assert [(check.what, check.ok) for check in other.check(gpus=False)][1:] == [("Python 3.1 is not installed", False)]
    write_yaml(workspace, "environments/own", "kind: venv\n")
    write_yaml(workspace, "models/mine", "plugin: echo\nenvironment: own\nenvironment_options: {python: '3.1'}\n")
    write_yaml(workspace, "models/other", "plugin: echo\nenvironment: own\n")
    found = json.loads(vlmbench("doctor", "--json", check=1).stdout)
    assert [each["what"] for each in found if not each["ok"]] == ["Python 3.1 is not installed"]
    assert {each["environment"] for each in found} >= {"machine", "own", "process"}


def test_a_python_that_cannot_be_got_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    other = VenvEnvironment(VenvOptions(python="3.1"), name="own", cache=tmp_path)
    with pytest.raises(EnvironmentUnavailableError, match="`venv --python` failed"):
        other.prepare(WORKER, lambda _: None)
