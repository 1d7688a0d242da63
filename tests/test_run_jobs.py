"""`vlmbench run --jobs`: several cells at once, one failing, all stopped together."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.crash.test_crash_kill import worker_pids
from tests.support import Run, journal_of, write_source, write_yaml
from vlmbench_sdk.journal import read_journal

PATIENCE_S = 90.0


def answered(workspace: Path, model: str) -> list[str]:
    path = journal_of(workspace, model)
    return [each.answered_at for each in read_journal(path).answers]


def write_models(workspace: Path, **latency_ms: int) -> None:
    for name, each in latency_ms.items():
        write_yaml(workspace, f"models/{name}", f"plugin: echo\ngpus: 1\noptions: {{latency_ms: {each}}}\n")
    names = ", ".join(latency_ms)
    write_yaml(workspace, "benchmarks/b", f"models: [{names}]\ndatasets: [tiny]\nmetrics: [exact_match]\n")


@pytest.fixture
def two_gpus(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VLMBENCH_GPUS", "0,1")
    monkeypatch.setenv("VLMBENCH_GPU_LOCKS", str(workspace.parent / "locks"))
    return workspace


def test_cells_run_at_once_and_one_that_fails_stops_no_other(two_gpus: Path, vlmbench: Run) -> None:
    write_models(two_gpus, slow=2500, bad=0, quick=0)
    write_yaml(two_gpus, "models/bad", "plugin: echo\ngpus: 1\noptions: {fail_load: no weights}\n")
    done = vlmbench("run", "--jobs", "2", check=1)
    assert "2 of 3 cells done" in done.stdout
    assert "failed: bad × tiny: answers: model bad: no weights" in done.stderr
    assert max(answered(two_gpus, "quick")) < max(answered(two_gpus, "slow"))
    assert (two_gpus / "data/leaderboard/tiny/leaderboard.md").exists()
    ended = [line for line in done.stderr.splitlines() if line.startswith("[")]
    assert [line.partition("]")[0] for line in ended] == ["[1/3", "[2/3", "[3/3"]


def start_both(workspace: Path) -> "subprocess.Popen[bytes]":
    """Start two cells at once; returns when both have answers."""
    write_models(workspace, one=300, other=300)
    write_source(workspace, 400)
    command = [sys.executable, "-m", "vlmbench_assets.cli", "run", "--jobs", "2"]
    with (workspace.parent / "said").open("wb") as log:
        process = subprocess.Popen(command, cwd=workspace, stdout=log, stderr=log, env=os.environ)
        until = time.monotonic() + PATIENCE_S
        while not (answered(workspace, "one") and answered(workspace, "other")):
            assert process.poll() is None, (workspace.parent / "said").read_text(encoding="utf-8")
            assert time.monotonic() < until
            time.sleep(0.05)
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_whatever_stops_the_command_stops_all_cells(two_gpus: Path, number: signal.Signals) -> None:
    process = start_both(two_gpus)
    process.send_signal(number)
    status = process.wait(PATIENCE_S)
    until = time.monotonic() + PATIENCE_S
    failures = [two_gpus / f"data/answers/{model}/tiny/failure.json" for model in ("one", "other")]
    while worker_pids(two_gpus) or not all(each.exists() for each in failures):
        assert time.monotonic() < until, "a cell outlives the command"
        time.sleep(0.05)
    said = (two_gpus.parent / "said").read_text(encoding="utf-8")
    assert "Traceback" not in said
    if number == signal.SIGINT:
        assert status == 130
    for model in ("one", "other"):
        failure = json.loads((two_gpus / f"data/answers/{model}/tiny/failure.json").read_text(encoding="utf-8"))
        assert failure["reason"] == "interrupted"


def test_one_interruption_does_not_cut_its_own_cleanup_off(two_gpus: Path) -> None:
    process = start_both(two_gpus)
    # Stopped, they end by force only, after the time they get to end by themselves.
    for worker in worker_pids(two_gpus):
        os.kill(worker, signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    status = process.wait(PATIENCE_S)
    left = worker_pids(two_gpus)
    for worker in left:
        os.kill(worker, signal.SIGKILL)
    assert (left, status) == ([], 130)
    assert "its worker is being stopped" in (two_gpus.parent / "said").read_text(encoding="utf-8")
