"""What is made for environments: seen as it is, made for every model's own options, and thrown away when unused."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import REPOSITORY, Run, write_yaml
from vlmbench_assets.engines import DAY_S, prune
from vlmbench_assets.environments.in_use import keep_in_use
from vlmbench_assets.files import locked

HOST = """
import sys
from pathlib import Path
from vlmbench_assets.environments.in_use import keep_in_use
keep_in_use(Path(sys.argv[1]))
print("holds", flush=True)
input()
"""


def made(folder: Path, name: str, days: float) -> Path:
    path = folder / name
    path.mkdir(parents=True)
    (path / "file").write_bytes(b"x" * 10)
    used = time.time() - days * DAY_S
    os.utime(path, (used, used))
    return path


@pytest.fixture
def boxes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VLMBENCH_CACHE", str(tmp_path))
    return tmp_path / "boxes"


def test_what_a_models_own_options_ask_for_is_made_and_looked_at(workspace: Path, vlmbench: Run) -> None:
    def state(environment: str) -> str:
        rows = json.loads(vlmbench("env", "list", "--json", check=0).stdout)
        return next(str(row["state"]) for row in rows if row["environment"] == environment)

    assert state("process") == "nothing to make"
    write_yaml(workspace, "environments/own", "kind: venv\n")
    entry = "plugin: echo\nenvironment: own\noptions: {answer: '{field}'}\n"
    write_yaml(workspace, "models/plain", entry)
    vlmbench("env", "build", "own", check=0)
    assert state("own") == "made"
    write_yaml(workspace, "models/second", f"{entry}environment_options: {{requirements: [packaging==25.0]}}\n")
    assert state("own") == "1 of 2 made"
    assert vlmbench("env", "build", "own", check=0).stdout.count("ready for vlmbench-echo") == 2
    assert state("own") == "made"


def test_only_what_nobody_used_for_long_goes(boxes: Path) -> None:
    old, new = made(boxes, "aa", 31), made(boxes, "bb", 29)
    unfinished, abandoned = made(boxes, "cc.new", 0.5), made(boxes, "dd.sources", 2)
    downloads = made(boxes, "uv/own", 31)
    assert prune(30, dry_run=True).gone == (old, downloads)
    assert old.exists()
    done = prune(0, dry_run=False)
    assert set(done.gone) == {old, new, abandoned, downloads}
    assert done.freed == 40
    assert unfinished.exists()
    assert not old.exists()


def test_what_is_being_made_stays(boxes: Path) -> None:
    unfinished, finished = made(boxes, "aa.new", 40), made(boxes, "aa", 40)
    with locked(boxes / "aa.lock"):
        assert prune(30, dry_run=False).kept == (finished, unfinished)
    assert prune(30, dry_run=False).gone == (finished, unfinished)


def test_what_a_host_that_lives_prepared_stays(boxes: Path) -> None:
    used = made(boxes, "aa", 40)
    command = [sys.executable, "-c", HOST, str(used)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY) as host:
        assert host.stdout is not None
        assert host.stdout.readline() == b"holds\n"
        assert prune(30, dry_run=False).gone == (), "preparing it renews the mark of use"
        assert prune(0, dry_run=False).kept == (used,)
        host.kill()
    assert prune(0, dry_run=False).gone == (used,)


def test_two_hosts_use_the_same(boxes: Path) -> None:
    used = made(boxes, "aa", 40)
    keep_in_use(used)
    host = subprocess.run([sys.executable, "-c", HOST, str(used)], input=b"\n", check=True, cwd=REPOSITORY)
    assert host.returncode == 0
