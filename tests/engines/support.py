"""What the tests of engines share: small workers, and comparing answers."""

import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.cells import answer
from tests.support import REPOSITORY, write_yaml
from vlmbench_sdk import Handle, Launch, Outcome

IMAGE = "vlmbench/base:bookworm"
"""Debian bookworm with its Python, in the local Docker daemon."""
PATIENCE_S = 60.0
SUPERVISED = "import os, sys, time; from pathlib import Path; from vlmbench_sdk.supervisor import supervise; "
DIFFER = ("latency_ms", "ttft_ms", "answered_at", "sample_digest")
"""Columns that differ between environments: times, and a digest that the environment is part of."""


def launch_of(folder: Path, body: str, *, gpus_wanted: int = 0, secrets: Mapping[str, str] | None = None) -> Launch:
    """A worker that runs a few lines of Python under its supervisor; `work` is its folder."""
    work = folder / "work"
    work.mkdir(parents=True)
    code = f"{SUPERVISED}work = Path({str(work)!r}); supervise(work)\n{body}"
    return Launch(
        arguments=("-c", code), work=work, log=folder / "worker.log", secrets=secrets or {}, gpus_wanted=gpus_wanted
    )


def ended(handle: Handle) -> Outcome:
    """Wait for a worker's end."""
    outcome = handle.wait(PATIENCE_S)
    assert outcome is not None, f"still runs: {handle.line()}\n{handle.log_tail()}"
    return outcome


def until(done: Callable[[], bool], otherwise: str = "it did not happen") -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


def answers_of(root: Path, model: str) -> list[dict[str, str]]:
    """A cell's answers, without what differs between environments."""
    with (root / "data/answers" / model / "tiny/answers.csv").open(encoding="utf-8", newline="") as file:
        return [{name: value for name, value in row.items() if name not in DIFFER} for row in csv.DictReader(file)]


def start_cli(root: Path, cache: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start the command as a user does, in a process group of its own that a test may interrupt."""
    return subprocess.Popen(
        [sys.executable, "-m", "vlmbench_assets.cli", *arguments],
        cwd=root,
        env={**os.environ, "VLMBENCH_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def start_host(root: Path, model: str) -> "subprocess.Popen[str]":
    """Make a cell's answers in a process of its own, without the seconds that the command needs to start."""
    code = f"from pathlib import Path; from tests.cells import answer; answer(Path({str(root)!r}), {model!r}, 'tiny')"
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def answered_as_in_process(root: Path, cache: Path, environment: str) -> None:
    """Answer a cell in an environment by the command, and the same in `process` by what the command calls; compare."""
    write_yaml(root, "environments/own", environment)
    write_yaml(root, "models/boxed", "extends: echo\nenvironment: own\n")
    write_yaml(root, "benchmarks/b", "models: [boxed]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    command = start_cli(root, cache, "run")
    output, _ = command.communicate(timeout=2 * PATIENCE_S)
    assert command.returncode == 0, output
    answer(root, "echo", "tiny")
    assert answers_of(root, "boxed") == answers_of(root, "echo")
    assert len(answers_of(root, "boxed")) == 4
