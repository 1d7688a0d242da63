"""kill -9 at random points: nothing that was acknowledged is asked twice, and the result is that of a quiet run."""

import csv
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.cells import answer, bench_of
from tests.support import write_source, write_yaml
from vlmbench_assets.hold import failure_of, is_running
from vlmbench_sdk import WorkspaceError
from vlmbench_sdk.journal import read_journal, wait_until_free

RUNS = int(os.environ.get("VLMBENCH_KILL_RUNS", "50"))
"""Seeded runs; more find rarer points."""
SAMPLES = 200
KILLS = 3
TIMINGS = ("latency_ms", "ttft_ms", "answered_at")
PATIENCE_S = 60.0
# Forked, because importing the host for each of some hundred processes would cost minutes.
FORK = multiprocessing.get_context("fork")


def make_workspace(root: Path, latency_ms: float) -> None:
    options = f"{{answer: '{{sample_id}} {{field}}', latency_ms: {latency_ms}, asked_log: {root / 'asked.log'}}}"
    write_yaml(root, "models/echo", f"plugin: echo\noptions: {options}\n")
    write_yaml(root, "datasets/many", "reader: jsonl\nsource: source\n")
    write_yaml(root, "benchmarks/b", "models: [echo]\ndatasets: [many]\nmetrics: [exact_match]\n")
    write_source(root, SAMPLES)


def start_host(root: Path) -> BaseProcess:
    host = FORK.Process(target=_host, args=(root,), daemon=True)
    host.start()
    return host


def _host(root: Path) -> None:
    with (root / "host.log").open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    answer(root, "echo", "many")


def worker_pids(root: Path) -> list[int]:
    """Workers of this workspace, found by their command lines."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if f"{root}/data/answers".encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def journal_of(root: Path) -> Path:
    return root / "data/answers/echo/many/work/journal.jsonl"


def wait_for(what: str, root: Path, host: BaseProcess, point: float) -> None:
    """Wait until the journal holds so many bytes, the worker is there, or the host is done."""
    until = time.monotonic() + PATIENCE_S
    while host.is_alive() and time.monotonic() < until:
        journal = journal_of(root)
        if what == "start" or (journal.exists() and journal.stat().st_size >= point):
            return
        host.join(0.002)


def kill(who: str, root: Path, host: BaseProcess) -> None:
    victims = [host.pid] if who in {"host", "both"} else []
    victims += worker_pids(root) if who in {"worker", "both"} else []
    for pid in victims:
        with suppress(ProcessLookupError, TypeError):
            os.kill(pid, signal.SIGKILL)  # type: ignore[arg-type]
    host.join(PATIENCE_S)
    assert not host.is_alive()
    assert wait_until_free(journal_of(root), PATIENCE_S), "the worker outlives its host"


def rows(root: Path) -> list[dict[str, str]]:
    with (root / "data/answers/echo/many/answers.csv").open(encoding="utf-8", newline="") as file:
        return [{k: v for k, v in row.items() if k not in TIMINGS} for row in csv.DictReader(file)]


def asked(root: Path) -> Counter[str]:
    log = root / "asked.log"
    return Counter(log.read_text(encoding="utf-8").split()) if log.exists() else Counter()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    root = tmp_path_factory.mktemp("undisturbed")
    make_workspace(root, 0.0)
    answer(root, "echo", "many")
    return rows(root)


@pytest.mark.parametrize("seed", range(RUNS))
def test_killed_anywhere_it_goes_on_where_it_was(seed: int, tmp_path: Path, undisturbed: list[dict[str, str]]) -> None:
    chance = random.Random(seed)
    make_workspace(tmp_path, chance.choice([0.0, 0.5, 2.0]))
    full = SAMPLES * 400
    for _ in range(KILLS):
        host = start_host(tmp_path)
        what = chance.choice(["start", "answers", "answers", "answers", "end"])
        wait_for(what, tmp_path, host, full * (1.0 if what == "end" else chance.random()))
        if what == "start":
            host.join(chance.random() * 0.3)
        before = asked(tmp_path)
        kill(chance.choice(["host", "worker", "both"]), tmp_path, host)
        acknowledged = {each.sample_id for each in read_journal(journal_of(tmp_path)).answers}
        after_kill = asked(tmp_path)
        assert all(after_kill[name] >= before[name] for name in before)
        host = start_host(tmp_path)
        host.join(PATIENCE_S) if chance.random() < 0.3 else wait_for("answers", tmp_path, host, full * chance.random())
        again = asked(tmp_path)
        repeated = [name for name in acknowledged if again[name] > after_kill[name]]
        assert repeated == [], "acknowledged and asked again"
        if host.is_alive():
            kill("both", tmp_path, host)
    answer(tmp_path, "echo", "many")
    assert rows(tmp_path) == undisturbed
    assert not wait_for_workers(tmp_path)


def wait_for_workers(root: Path) -> list[int]:
    until = time.monotonic() + PATIENCE_S
    while (found := worker_pids(root)) and time.monotonic() < until:
        os.sched_yield()
    return found


def test_a_worker_ends_with_its_host(tmp_path: Path) -> None:
    make_workspace(tmp_path, 50.0)
    host = start_host(tmp_path)
    wait_for("answers", tmp_path, host, 1)
    assert len(worker_pids(tmp_path)) == 1
    assert host.pid is not None
    os.kill(host.pid, signal.SIGKILL)
    host.join(PATIENCE_S)
    assert wait_for_workers(tmp_path) == []
    assert not is_running(bench_of(tmp_path).store, "many", "echo")
    count = len(read_journal(journal_of(tmp_path)).answers)
    assert 0 < count < SAMPLES


def test_a_killed_worker_is_a_failed_cell_and_its_answers_stay(tmp_path: Path) -> None:
    make_workspace(tmp_path, 5.0)
    host = start_host(tmp_path)
    wait_for("answers", tmp_path, host, 4000)
    kill("worker", tmp_path, host)
    failure = failure_of(bench_of(tmp_path).store, "many", "echo")
    assert failure is not None
    assert "ended by SIGKILL" in failure.reason
    assert not (tmp_path / "data/answers/echo/many/answers.csv").exists()


def test_two_processes_on_one_cell_do_not_interleave(tmp_path: Path) -> None:
    make_workspace(tmp_path, 5.0)
    host = start_host(tmp_path)
    wait_for("answers", tmp_path, host, 1)
    with pytest.raises(WorkspaceError, match="another process is working on this cell"):
        answer(tmp_path, "echo", "many")
    host.join(PATIENCE_S)
    assert host.exitcode == 0
    assert set(asked(tmp_path).values()) == {1}
    assert failure_of(bench_of(tmp_path).store, "many", "echo") is None
