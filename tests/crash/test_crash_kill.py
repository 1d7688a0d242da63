"""kill -9 at random points: nothing that was acknowledged is asked twice, and the result is that of a quiet run."""

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.cells import answer, bench_of
from tests.support import journal_of, write_source, write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.hold import failure_of, is_running
from vlmbench_assets.staleness import Judge
from vlmbench_sdk import WorkspaceError
from vlmbench_sdk.journal import read_journal, wait_until_free

RUNS = int(os.environ.get("VLMBENCH_KILL_RUNS", "50"))
"""Seeded runs; more find rarer points."""
SAMPLES = 200
TIMINGS = (b"latency_ms", b"ttft_ms", b"answered_at")
PATIENCE_S = 60.0
# Of the first run; a later one makes fewer, because the dataset has been read and answers are there.
STEPS_BEFORE_ASKING = 20
STEPS_OF_A_LATER_RUN = 24
# Forked, because importing the host for each of some hundred processes would cost minutes.
FORK = multiprocessing.get_context("fork")


def make_workspace(root: Path, latency_ms: float) -> None:
    options = f"{{answer: '{{sample_id}} {{field}}', latency_ms: {latency_ms}, asked_log: {root / 'asked.log'}}}"
    write_yaml(root, "models/echo", f"plugin: echo\noptions: {options}\n")
    write_yaml(root, "datasets/many", "reader: jsonl\nsource: source\n")
    write_yaml(root, "benchmarks/b", "models: [echo]\ndatasets: [many]\nmetrics: [exact_match]\n")
    write_source(root, SAMPLES)


def start_host(root: Path, dies_after: int | None = None) -> BaseProcess:
    """Make the cell's answers in a process of its own, which may kill itself after so many steps."""
    host = FORK.Process(target=_host, args=(root, dies_after), daemon=True)
    host.start()
    return host


def _host(root: Path, dies_after: int | None) -> None:
    with (root / "host.log").open("ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    if dies_after is not None:
        _die_after(dies_after)
    answer(root, "echo", "many")


def _die_after(steps: int) -> None:
    """Kill this process instead of taking one step more; a step puts something on the disk or in its place."""
    left = iter(range(steps))

    def counted(step: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: str | int) -> None:
            if next(left, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            step(*arguments)

        return call

    for name in ("fsync", "replace"):
        setattr(os, name, counted(getattr(os, name)))


def worker_pids(root: Path) -> list[int]:
    """Workers of this workspace, found by their command lines."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if f"{root}/data/answers".encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def acknowledged(root: Path) -> int:
    journal = journal_of(root, "echo", "many")
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def wait_for(answers: int, root: Path, host: BaseProcess, *, worker: bool = False) -> None:
    """Wait until the journal holds so many answers and, if asked for, a worker is there, or the host is done."""
    until = time.monotonic() + PATIENCE_S
    while host.is_alive() and time.monotonic() < until:
        if acknowledged(root) >= answers and (not worker or worker_pids(root)):
            return
        host.join(0.001)


def kill(who: str, root: Path, host: BaseProcess) -> int:
    """Kill the host, the worker or both; return how many died of it. A host without its worker ends by itself."""
    victims = [host.pid] if who in {"host", "both"} and host.is_alive() else []
    victims += worker_pids(root) if who in {"worker", "both"} else []
    for pid in victims:
        with suppress(ProcessLookupError):
            os.kill(pid or 0, signal.SIGKILL)
    host.join(PATIENCE_S)
    assert not host.is_alive()
    return len(victims)


def wait_for_no_worker(root: Path) -> None:
    assert wait_until_free(journal_of(root, "echo", "many"), PATIENCE_S), "the worker outlives its host"
    until = time.monotonic() + PATIENCE_S
    while worker_pids(root):
        assert time.monotonic() < until, "the worker outlives its host"
        os.sched_yield()


def asked(root: Path) -> Counter[str]:
    log = root / "asked.log"
    return Counter(log.read_text(encoding="utf-8").split()) if log.exists() else Counter()


def table(root: Path) -> bytes:
    """The table, byte for byte, but for its timings. No value in it has a comma or is quoted."""
    lines = (root / "data/answers/echo/many/answers.csv").read_bytes().split(b"\n")
    names = lines[0].split(b",")
    assert set(TIMINGS) <= set(names)
    rows = [line.split(b",") for line in lines if line]
    assert {len(row) for row in rows} == {len(names)}
    kept = [index for index, name in enumerate(names) if name not in TIMINGS]
    return b"\n".join(b",".join(row[index] for index in kept) for row in rows) + lines[-1]


@dataclass
class Ledger:
    """What was acknowledged when a process was killed, and how often it had been asked then."""

    root: Path
    counts: dict[str, int] = field(default_factory=dict)

    def look(self) -> None:
        """Nothing acknowledged earlier was asked since; take down what is acknowledged now."""
        there = {each.sample_id for each in read_journal(journal_of(self.root, "echo", "many")).answers}
        # A sample is in the log before it is in the journal, so what is acknowledged has its final count.
        now = asked(self.root)
        again = [name for name, count in self.counts.items() if now[name] != count]
        assert again == [], "acknowledged and asked again"
        assert set(self.counts) <= there, "acknowledged and lost"
        self.counts.update({name: now[name] for name in there})


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    root = tmp_path_factory.mktemp("undisturbed")
    make_workspace(root, 0.0)
    answer(root, "echo", "many")
    return table(root)


@pytest.mark.parametrize("seed", range(RUNS))
def test_killed_anywhere_it_goes_on_where_it_was(
    seed: int, tmp_path: Path, undisturbed: bytes, record_property: Callable[[str, object], None]
) -> None:
    """Killed before it asks, three times while it asks, and in the middle of publishing."""
    chance = random.Random(seed)
    make_workspace(tmp_path, chance.choice([0.5, 2.0, 4.0]))
    ledger = Ledger(tmp_path)
    host = start_host(tmp_path, dies_after=chance.randrange(STEPS_BEFORE_ASKING))
    host.join(PATIENCE_S)
    assert host.exitcode == -signal.SIGKILL
    killed = 1
    for point in sorted(chance.sample(range(SAMPLES), 3)):
        host = start_host(tmp_path)
        who = chance.choice(["host", "worker", "both"])
        wait_for(point, tmp_path, host, worker=who != "host")
        # The next host starts at once: the worker of one that was killed may still be there.
        killed += kill(who, tmp_path, host)
        ledger.look()
    host = start_host(tmp_path, dies_after=chance.randrange(STEPS_OF_A_LATER_RUN))
    host.join(PATIENCE_S)
    killed += host.exitcode == -signal.SIGKILL
    ledger.look()

    answer(tmp_path, "echo", "many")
    ledger.look()
    wait_for_no_worker(tmp_path)
    record_property("killed", killed)
    assert table(tmp_path) == undisturbed
    names = [each.sample_id for each in read_journal(journal_of(tmp_path, "echo", "many")).answers]
    assert len(names) == len(set(names)) == SAMPLES, "exactly one answer a sample"
    assert asked(tmp_path).total() <= SAMPLES + killed, "a death costs at most the one request that was under way"
    bench = bench_of(tmp_path)
    assert Judge(bench).cell(Cell("echo", "many")).assets["answers"].state == "fresh"
    assert failure_of(bench.store, "many", "echo") is None


def test_a_worker_ends_with_its_host(tmp_path: Path) -> None:
    make_workspace(tmp_path, 50.0)
    host = start_host(tmp_path)
    wait_for(1, tmp_path, host)
    assert len(worker_pids(tmp_path)) == 2, "its supervisor and it"
    assert kill("host", tmp_path, host) == 1
    wait_for_no_worker(tmp_path)
    assert not is_running(bench_of(tmp_path).store, "many", "echo")
    assert 0 < acknowledged(tmp_path) < SAMPLES


def test_a_killed_worker_is_a_failed_cell_and_its_answers_stay(tmp_path: Path) -> None:
    make_workspace(tmp_path, 5.0)
    host = start_host(tmp_path)
    wait_for(10, tmp_path, host)
    assert kill("worker", tmp_path, host) == 2
    failure = failure_of(bench_of(tmp_path).store, "many", "echo")
    assert failure is not None
    assert "ended by SIGKILL" in failure.reason
    assert acknowledged(tmp_path) >= 10
    assert not (tmp_path / "data/answers/echo/many/answers.csv").exists()


def test_two_processes_on_one_cell_do_not_interleave(tmp_path: Path) -> None:
    make_workspace(tmp_path, 5.0)
    host = start_host(tmp_path)
    wait_for(1, tmp_path, host)
    with pytest.raises(WorkspaceError, match="another process is working on this cell"):
        answer(tmp_path, "echo", "many")
    assert failure_of(bench_of(tmp_path).store, "many", "echo") is None
    host.join(PATIENCE_S)
    assert host.exitcode == 0
    assert set(asked(tmp_path).values()) == {1}
