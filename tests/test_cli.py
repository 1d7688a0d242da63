"""The command line apart from `run`."""

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.support import REPOSITORY, Run, write_yaml


def test_init_makes_the_workspace_that_this_repository_is(vlmbench: Run, tmp_path: Path) -> None:
    vlmbench("init", str(tmp_path / "own"), cwd=tmp_path, check=0)
    made = [path.relative_to(tmp_path / "own") for path in (tmp_path / "own").rglob("*") if path.is_file()]
    names = ["dagster.yaml", "definitions.py", "registries/benchmarks/demo.yaml", "workspace.yaml"]
    assert sorted(map(str, made)) == names
    for path in made:
        assert (tmp_path / "own" / path).read_bytes() == (REPOSITORY / path).read_bytes()
    assert "all right" in vlmbench("check", "--workspace", str(tmp_path / "own"), cwd=tmp_path, check=0).stdout
    assert "workspace already" in vlmbench("init", str(tmp_path / "own"), cwd=tmp_path, check=1).stderr


def test_check_reports_every_mistake_at_once(workspace: Path, vlmbench: Run) -> None:
    write_yaml(workspace, "models/one", "plugn: echo\n")
    write_yaml(workspace, "models/two", "plugin: echoo\n")
    done = vlmbench("check", check=1)
    assert "registries/models/one.yaml:1: key `plugn`: there is no key `plugn`; did you mean `plugin`?" in done.stdout
    assert "registries/models/two.yaml:1: key `plugin`: there is no plugin installed named `echoo`" in done.stdout
    found = json.loads(vlmbench("check", "--json", check=1).stdout)
    assert len(found) == 3


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("models", "rapidocr"),
        ("datasets", "receipts-ru"),
        ("metrics", "anls"),
        ("environments", "process"),
        ("benchmarks", "b"),
        ("plugins", "builtin"),
    ],
)
def test_list_shows_what_plugins_and_the_workspace_bring(vlmbench: Run, kind: str, expected: str) -> None:
    names = [row["name"] for row in json.loads(vlmbench("list", kind, "--json", check=0).stdout)]
    assert expected in names
    assert expected in vlmbench("list", kind, check=0).stdout


def test_the_workspace_is_found_upwards_or_named(workspace: Path, vlmbench: Run, tmp_path: Path) -> None:
    vlmbench("check", cwd=workspace / "source", check=0)
    vlmbench("check", "--workspace", str(workspace), cwd=tmp_path, check=0)
    done = vlmbench("check", cwd=tmp_path, check=1)
    assert "vlmbench init DIR" in done.stderr


def test_unknown_names_are_answered_with_the_nearest(vlmbench: Run) -> None:
    assert "Did you mean 'echo'?" in vlmbench("run", "--model", "ecco", "--dataset", "tiny", check=1).stderr
    assert "there is no benchmark 'c'" in vlmbench("run", "--benchmark", "c", check=1).stderr
    assert vlmbench("run", "--stage", "nothing").returncode == 2


def test_status_of_what_never_ran_is_missing(vlmbench: Run) -> None:
    rows = json.loads(vlmbench("status", "--json", check=0).stdout)
    assert [(row["model"], row["dataset"], row["state"]) for row in rows] == [("echo", "tiny", "missing")]


def test_the_installed_command_runs_a_benchmark(workspace: Path, tmp_path: Path) -> None:
    """The script that a user types, in a process of its own from its first line."""
    script = str(Path(sysconfig.get_path("scripts"), "vlmbench"))
    environment = {**os.environ, "VLMBENCH_CACHE": str(tmp_path / "cache"), "PYTHONWARNINGS": "default"}
    said = []
    for command in (["run"], ["status", "--json"], ["no-such-command"]):
        done = subprocess.run(
            [script, *command], cwd=workspace, env=environment, capture_output=True, text=True, check=False
        )
        said.append((done.returncode, done.stdout, done.stderr))
    assert said[0][0] == 0, said[0]
    assert "1 of 1 cells done" in said[0][1]
    assert [row["state"] for row in json.loads(said[1][1])] == ["fresh"]
    assert said[2][0] == 2
    assert "Usage: vlmbench [OPTIONS] COMMAND" in said[2][2]
