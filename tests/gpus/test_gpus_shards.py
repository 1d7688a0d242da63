"""Shards: the same answers as from one worker, each asked once, whoever is killed when."""

import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.cells import answer, bench_of
from tests.crash.test_crash_kill import _die_after, table, worker_pids
from tests.support import write_source, write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.environments.local import LocalHandle, launch_local
from vlmbench_assets.hold import failure_of
from vlmbench_assets.make.answers import Asking, make_answers
from vlmbench_assets.staleness import Judge
from vlmbench_assets.work.watch import Surroundings
from vlmbench_sdk import EnvironmentUnavailableError, Launch, WorkerError
from vlmbench_sdk.journal import read_journal

FORK = multiprocessing.get_context("fork")
SAMPLES = 60
SHARDS = 3
PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def _simulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLMBENCH_GPUS", "0,1,2")
    monkeypatch.setenv("VLMBENCH_GPU_LOCKS", str(tmp_path / "locks"))


def make_workspace(
    root: Path, latency_ms: float = 0.0, shards: int = SHARDS, more: str = "gpus: 1", **options: str
) -> None:
    given = {"latency_ms": latency_ms, "asked_log": str(root / "asked.log"), "answer": "{sample_id} {field}", **options}
    options_text = json.dumps(given)
    write_yaml(root, "models/echo", f"plugin: echo\nshards: {shards}\n{more}\noptions: {options_text}\n")
    write_yaml(root, "datasets/many", "reader: jsonl\nsource: source\n")
    write_yaml(root, "benchmarks/b", "models: [echo]\ndatasets: [many]\nmetrics: [exact_match]\n")
    write_source(root, SAMPLES)


def work_of(root: Path) -> Path:
    return root / "data/answers/echo/many/work"


def start_host(root: Path, dies_after: int | None = None) -> BaseProcess:
    host = FORK.Process(target=_host, args=(root, dies_after), daemon=True)
    host.start()
    return host


def _host(root: Path, dies_after: int | None) -> None:
    if dies_after is not None:
        _die_after(dies_after)
    with (root / "host.log").open("a", encoding="utf-8", buffering=1) as log:

        def say(line: str) -> None:
            log.write(line + "\n")

        around = Surroundings(say, lambda done, total: say(f"{done} {total}"))
        make_answers(bench_of(root), Cell(model="echo", dataset="many"), Asking(), around)


def said(root: Path) -> str:
    return (root / "host.log").read_text(encoding="utf-8")


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def acknowledged(root: Path, shard: int) -> set[str]:
    return {each.sample_id for each in read_journal(work_of(root) / f"shard-{shard}/journal.jsonl").answers}


def asked(root: Path) -> Counter[str]:
    log = root / "asked.log"
    return Counter(log.read_text(encoding="utf-8").split()) if log.exists() else Counter()


def is_whole(root: Path, undisturbed: bytes) -> None:
    """The result is that of a quiet run with one worker, each answer stands once in the journal, nothing is left."""
    assert table(root) == undisturbed
    names = [each.sample_id for each in read_journal(work_of(root) / "journal.jsonl").answers]
    assert len(names) == len(set(names)) == SAMPLES
    assert list(work_of(root).glob("shard-*")) == []
    assert Judge(bench_of(root)).cell(Cell("echo", "many")).assets["answers"].state == "fresh"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    root = tmp_path_factory.mktemp("undisturbed")
    make_workspace(root, shards=1, more="gpus: 0")
    answer(root, "echo", "many")
    return table(root)


@pytest.mark.parametrize("more", ["gpus: 1", "gpus: 0", "gpus: 1\ngpu_share: 0.3"])
def test_shards_give_the_same_result(more: str, tmp_path: Path, undisturbed: bytes) -> None:
    make_workspace(tmp_path, more=more)
    host = start_host(tmp_path)
    host.join(PATIENCE_S)
    assert host.exitcode == 0, said(tmp_path)
    is_whole(tmp_path, undisturbed)
    assert set(asked(tmp_path).values()) == {1}
    lines = said(tmp_path).splitlines()
    progress = [line for line in lines if line.endswith(f" {SAMPLES}") and line.split()[0].isdigit()]
    assert (progress[0], progress[-1]) == (f"0 {SAMPLES}", f"{SAMPLES} {SAMPLES}")
    assert [int(line.split()[0]) for line in progress] == sorted(int(line.split()[0]) for line in progress)
    facts = json.loads((tmp_path / "data/answers/echo/many/manifest.json").read_text(encoding="utf-8"))["facts"]
    assert facts["asked"] == SAMPLES
    for number in range(SHARDS):
        log = tmp_path / f"data/answers/echo/many/worker.{number}.log"
        assert f"{SAMPLES // SHARDS} of {SAMPLES // SHARDS} answered" in log.read_text(encoding="utf-8")


def test_a_shard_whose_worker_is_killed_is_run_again_alone(tmp_path: Path, undisturbed: bytes) -> None:
    make_workspace(tmp_path, latency_ms=60)
    host = start_host(tmp_path)
    until(lambda: all(acknowledged(tmp_path, shard) for shard in range(SHARDS)))
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if f"{work_of(tmp_path)}/shard-1/".encode() in path.read_bytes():
                os.kill(int(path.parent.name), signal.SIGKILL)
    host.join(PATIENCE_S)
    assert host.exitcode == 0, said(tmp_path)
    is_whole(tmp_path, undisturbed)
    assert asked(tmp_path).total() <= SAMPLES + 1, "only the request that was under way is asked twice"
    again = [line for line in said(tmp_path).splitlines() if "is started again for" in line]
    assert len(again) == 1
    assert again[0].startswith("shard 1: the worker was ended by SIGKILL")


def test_a_shard_that_dies_twice_fails_the_cell_and_all_answers_stay(tmp_path: Path) -> None:
    make_workspace(tmp_path, exit_on="s25")
    with pytest.raises(WorkerError, match=r"shard 1: the worker ended with exit status 70"):
        answer(tmp_path, "echo", "many")
    kept = {each.sample_id for each in read_journal(work_of(tmp_path) / "journal.jsonl").answers}
    assert kept == {f"s{index}" for index in range(SAMPLES) if not 25 <= index < 40}
    assert set(asked(tmp_path).values()) == {1}
    assert failure_of(bench_of(tmp_path).store, "many", "echo") is not None
    make_workspace(tmp_path)
    answer(tmp_path, "echo", "many")


def test_a_model_that_fails_is_not_asked_again(tmp_path: Path) -> None:
    make_workspace(tmp_path, fail_load="no weights")
    with pytest.raises(WorkerError, match="shard 0: no weights"):
        answer(tmp_path, "echo", "many")
    assert asked(tmp_path).total() == 0


def test_what_shards_of_a_killed_host_answered_is_merged_and_not_asked_again(
    tmp_path: Path, undisturbed: bytes
) -> None:
    make_workspace(tmp_path, latency_ms=60)
    host = start_host(tmp_path)
    until(lambda: all(len(acknowledged(tmp_path, shard)) > 2 for shard in range(SHARDS)))
    host.kill()
    host.join()
    until(lambda: not worker_pids(tmp_path))
    before = set.union(*(acknowledged(tmp_path, shard) for shard in range(SHARDS)))
    counted = asked(tmp_path)
    assert Judge(bench_of(tmp_path)).cell(Cell("echo", "many")).to_ask == SAMPLES - len(before)
    answer(tmp_path, "echo", "many")
    is_whole(tmp_path, undisturbed)
    assert all(asked(tmp_path)[name] == counted[name] == 1 for name in before)
    assert asked(tmp_path).total() <= SAMPLES + SHARDS


@pytest.mark.parametrize("seed", range(int(os.environ.get("VLMBENCH_KILL_RUNS", "50")) // 10))
def test_a_host_killed_at_any_step_loses_and_doubles_nothing(seed: int, tmp_path: Path, undisturbed: bytes) -> None:
    chance = random.Random(seed)
    make_workspace(tmp_path, latency_ms=2)
    for _ in range(3):
        host = start_host(tmp_path, dies_after=chance.randrange(20, 70))
        host.join(PATIENCE_S)
        assert host.exitcode in (-signal.SIGKILL, 0)
    answer(tmp_path, "echo", "many")
    is_whole(tmp_path, undisturbed)
    assert asked(tmp_path).total() <= SAMPLES + 3 * SHARDS


def test_an_interrupted_host_leaves_no_worker(tmp_path: Path) -> None:
    make_workspace(tmp_path, latency_ms=200)
    host = start_host(tmp_path)
    until(lambda: all(acknowledged(tmp_path, shard) for shard in range(SHARDS)))
    before = set.union(*(acknowledged(tmp_path, shard) for shard in range(SHARDS)))
    os.kill(host.pid or 0, signal.SIGINT)
    host.join(PATIENCE_S)
    assert worker_pids(tmp_path) == []
    kept = {each.sample_id for each in read_journal(work_of(tmp_path) / "journal.jsonl").answers}
    assert before <= kept
    assert list(work_of(tmp_path).glob("shard-*")) == []


def test_more_shards_than_gpus_take_turns(tmp_path: Path, undisturbed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLMBENCH_GPUS", "0")
    make_workspace(tmp_path)
    answer(tmp_path, "echo", "many")
    is_whole(tmp_path, undisturbed)


def test_a_model_that_asks_for_more_gpus_than_there_are_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLMBENCH_GPUS", "")
    make_workspace(tmp_path)
    with pytest.raises(EnvironmentUnavailableError, match="model echo: the model asks for 1 GPU, and there is none"):
        answer(tmp_path, "echo", "many")


@pytest.mark.parametrize("ids", [("0", "2"), ()])
def test_a_worker_sees_its_own_gpus_only(ids: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    show = "import os; print(repr(os.environ['CUDA_VISIBLE_DEVICES']))"
    given = {"CUDA_VISIBLE_DEVICES": "6"}
    launch = Launch(arguments=("-c", show), work=tmp_path, log=tmp_path / "log", secrets=given, gpus=ids)
    handle = launch_local("python3", launch)
    assert isinstance(handle, LocalHandle)
    until(lambda: handle.wait(0.1) is not None)
    assert handle.log_tail() == repr(",".join(ids))
