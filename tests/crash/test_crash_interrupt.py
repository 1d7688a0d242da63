"""Ctrl-C and a polite stop of `vlmbench run`: what was answered is kept, and the next run asks the rest."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support import Run, journal_of, write_source, write_yaml
from vlmbench_sdk.journal import read_journal, wait_until_free

SAMPLES = 200
LOOKS = 600
PATIENCE_S = 60.0


@pytest.fixture
def slow(workspace: Path) -> Path:
    """A workspace whose cell takes 40 s."""
    write_model(workspace, latency_ms=200)
    write_source(workspace, SAMPLES)
    return workspace


def write_model(workspace: Path, latency_ms: float) -> None:
    log = workspace.parent / "asked.log"
    write_yaml(workspace, "models/echo", f"plugin: echo\noptions: {{latency_ms: {latency_ms}, asked_log: {log}}}\n")


def stop_while_asking(workspace: Path, number: signal.Signals) -> "tuple[int, str]":
    """Start `vlmbench run`, send it a signal once something is answered; return its exit status and what it said."""
    said = workspace.parent / "said"
    with said.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "vlmbench_assets.cli", "run"],
            cwd=workspace,
            stdout=log,
            stderr=log,
            env={**os.environ, "VLMBENCH_CACHE": str(workspace.parent / "cache")},
        )
        for _ in range(LOOKS):
            if journal_of(workspace, "echo").exists() and journal_of(workspace, "echo").stat().st_size:
                break
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        process.send_signal(number)
        status = process.wait(PATIENCE_S)
    assert wait_until_free(journal_of(workspace, "echo"), PATIENCE_S), "the worker outlives its host"
    return status, said.read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_goes_on_where_it_was(slow: Path, vlmbench: Run, number: signal.Signals) -> None:
    status, said = stop_while_asking(slow, number)
    assert "Traceback" not in said
    if number == signal.SIGINT:
        assert status == 130
        failure = json.loads((slow / "data/answers/echo/tiny/failure.json").read_text(encoding="utf-8"))
        assert (failure["stage"], failure["reason"]) == ("answers", "interrupted")
    else:
        assert status != 0
    kept = [each.sample_id for each in read_journal(journal_of(slow, "echo")).answers]
    assert 0 < len(kept) < SAMPLES
    log = slow.parent / "asked.log"
    before = log.read_text(encoding="utf-8").split()
    write_model(slow, latency_ms=0)
    assert f"{SAMPLES - len(kept)} samples" in vlmbench("plan", check=3).stdout
    vlmbench("run", check=0)
    after = log.read_text(encoding="utf-8").split()[len(before) :]
    assert sorted(after) == sorted({f"s{index}" for index in range(SAMPLES)} - set(kept))
    assert not (slow / "data/answers/echo/tiny/failure.json").exists()
    assert "nothing to do" in vlmbench("plan", check=0).stdout
