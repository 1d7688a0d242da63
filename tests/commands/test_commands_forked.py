"""A forked command is what a started one is: the same state, words and end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.forked import Commands
from tests.commands.server import MODULE
from tests.support import Run, write_yaml

PROBE = """
import json, os, signal, sys, threading, warnings
facts = {
    "argv": sys.argv, "cwd": os.getcwd(), "path": sys.path, "environment": dict(os.environ),
    "main": sys.modules["__main__"].__spec__.name,
    "own": sorted(name for name in sys.modules if name.startswith(("vlmbench", "tests"))),
    "files": sorted(int(name) for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name)),
    "threads": threading.active_count(), "group": os.getpgid(0), "session": os.getsid(0), "nice": os.nice(0),
    "signals": {str(each): str(signal.getsignal(each)) for each in signal.valid_signals() if each not in {9, 19}},
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "streams": [[each.encoding, each.errors, each.line_buffering, each.isatty()]
                for each in (sys.stdin, sys.stdout, sys.stderr)],
    "typed": sys.stdin.read(), "flags": str(sys.flags), "warned": "default" in {each[0] for each in warnings.filters},
}
with open(os.environ["FACTS"], "w") as file:
    json.dump({"facts": facts, "parent": os.getppid(), "seed": hash("seed")}, file)
if "END" in os.environ:
    os.kill(os.getpid(), int(os.environ["END"]))
"""


@pytest.fixture
def probed(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plugin that writes down what it finds as it is loaded; returns where."""
    site = tmp_path / "site"
    (site / "probe-1.dist-info").mkdir(parents=True)
    (site / "probe.py").write_text(PROBE, encoding="utf-8")
    (site / "probe-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: probe\nVersion: 1\n", "utf-8")
    (site / "probe-1.dist-info/entry_points.txt").write_text("[vlmbench]\nprobe = probe\n", "utf-8")
    monkeypatch.chdir(workspace)
    monkeypatch.setenv("PYTHONPATH", str(site))
    monkeypatch.setenv("FACTS", str(tmp_path / "facts.json"))
    return tmp_path / "facts.json"


def started(*arguments: str, cwd: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", MODULE, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_it_starts_as_a_started_one_does(workspace: Path, vlmbench: Run, probed: Path) -> None:
    vlmbench("list", "plugins", check=0)
    forked = json.loads(probed.read_text(encoding="utf-8"))
    environment = {**forked["facts"]["environment"], "PYTHONHASHSEED": "7"}
    started("list", "plugins", cwd=workspace, environment=environment)
    real = json.loads(probed.read_text(encoding="utf-8"))
    assert (real["facts"]["environment"].pop("PYTHONHASHSEED"), real["parent"]) == ("7", os.getpid())
    for facts in (real["facts"], forked["facts"]):
        facts["flags"] = facts["flags"].replace("hash_randomization=1", "hash_randomization=0")
    assert forked["facts"] == real["facts"]
    assert forked["parent"] != os.getpid()
    vlmbench("list", "plugins", check=0)
    again = json.loads(probed.read_text(encoding="utf-8"))
    assert len({again["seed"], forked["seed"], real["seed"]}) == 3, "an order that rests on hashes must show"
    assert again["parent"] != forked["parent"]


def test_it_ends_as_a_started_one_does(vlmbench: Run, probed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (signal.SIGKILL, signal.SIGTERM):
        monkeypatch.setenv("END", str(int(number)))
        assert vlmbench("list", "plugins").returncode == -number
    monkeypatch.setenv("END", str(int(signal.SIGINT)))
    done = vlmbench("list", "plugins")
    assert (done.returncode, done.stderr.split()) == (130, ["interrupted"])
    assert probed.exists()


def test_where_imports_would_come_out_otherwise_it_is_started(
    vlmbench: Run, probed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PYTHONHASHSEED", "7"), ("DAGSTER_RUN_QUEUE_PAGE_SIZE", "50"), ("LC_ALL", "C")):
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            vlmbench("list", "plugins", check=0)
        assert json.loads(probed.read_text(encoding="utf-8"))["parent"] == os.getpid(), name


def test_it_says_what_a_started_one_says(workspace: Path, tmp_path: Path, commands: Commands) -> None:
    write_yaml(workspace, "models/one", "plugn: эхо\n")
    environment = {**os.environ, "VLMBENCH_CACHE": str(tmp_path), "PYTHONWARNINGS": "default"}
    for arguments in (["check"], ["list", "metrics"], ["run", "--stage", "nothing"], ["run", "--model"], ["--help"]):
        forked = commands.run(arguments, workspace, environment)
        real = started(*arguments, cwd=workspace, environment=environment)
        assert (forked.returncode, forked.stdout, forked.stderr) == (real.returncode, real.stdout, real.stderr)
