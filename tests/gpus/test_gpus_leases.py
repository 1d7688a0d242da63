"""Leases of GPUs: never two on one, in order of arrival, and nothing left behind by whoever is killed."""

import fcntl
import math
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.gpus.holders import GPUS, hold, note, notes, start_worker
from vlmbench_assets.gpus.discovery import Gpu, enough_gpus, find_gpus, gpus_of
from vlmbench_assets.gpus.leases import SLOTS, Lease, Need, Place
from vlmbench_assets.gpus.lock_files import guarded, lock_folder, make_shared_folder
from vlmbench_sdk import EnvironmentUnavailableError, WorkspaceError

FORK = multiprocessing.get_context("fork")
PATIENCE_S = 60.0
CELLS = 20
CELL_S = 2.0
LISTING = """\
0, GPU-5f2c6b1e-0000-1111-2222-333344445555, NVIDIA H200, 143771
1, GPU-7a01b2c3-0000-1111-2222-333344445555, NVIDIA GB10, a GPU with a comma, [N/A]
"""


@pytest.fixture(autouse=True)
def _nobody_is_left() -> Iterator[None]:
    """Processes of a test that fails would keep the machine busy for the tests after it."""
    yield
    for process in multiprocessing.active_children():
        process.kill()


def start(target: Callable[..., None], *arguments: object) -> BaseProcess:
    process = FORK.Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


def until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.005)


def place(root: Path, count: int = 1, share: float = 1.0, among: tuple[Gpu, ...] = GPUS) -> Place:
    return Place(Need(count, among, share, what="a cell"), root / "locks")


def got(lease: Lease | None) -> Lease:
    assert lease is not None
    return lease


def _hold_for_ever(root: Path, seed: int) -> None:
    chance = random.Random(seed)
    while not (root / "stop").exists():
        hold(root, chance.choice([1, 1, 2]), chance.uniform(0.0, 0.02), chance.choice([1, 1, 0.5]))


def test_never_two_on_one_gpu_whoever_is_killed(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    chance = random.Random(4)
    holders = [start(_hold_for_ever, tmp_path, seed) for seed in range(12)]
    killed = 0
    while killed < 60:
        index, before = chance.randrange(12), len(notes(tmp_path, "uses"))
        until(lambda before=before: len(notes(tmp_path, "uses")) > before + 2)  # type: ignore[misc]
        victim = holders[index]
        if chance.random() < 0.5:
            victim.kill()
            victim.join()
            holders[index] = start(_hold_for_ever, tmp_path, 100 + killed)
        else:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(int(str(notes(tmp_path, "uses")[-1]["pid"])), signal.SIGKILL)
        killed += 1
    (tmp_path / "stop").touch()
    for holder in holders:
        holder.join(PATIENCE_S)
        assert holder.exitcode == 0
    record_property("acquisitions", len(notes(tmp_path, "leased")))
    assert notes(tmp_path, "two at once") == []
    everything = place(tmp_path, 4)
    until(lambda: everything.take() is not None)


def test_the_gpu_of_a_killed_host_is_free_when_its_worker_has_ended(tmp_path: Path) -> None:
    host = start(_hold_deafly, tmp_path)
    until(lambda: bool(notes(tmp_path, "uses")))
    host.kill()
    host.join()
    waiting = place(tmp_path, among=GPUS[:1])
    assert waiting.take() is None, "its worker still uses it"
    assert "whose host is gone" in waiting.line()
    (tmp_path / "enough").touch()
    until(lambda: waiting.take() is not None)


def _hold_deafly(root: Path) -> None:
    def work() -> None:
        # A worker in native code, which heeds no polite signal.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        note(root, "uses")
        until(lambda: (root / "enough").exists())

    lease = got(place(root, among=GPUS[:1]).take())
    start_worker(root, lease, work)
    time.sleep(PATIENCE_S)


def test_first_come_first_served_also_for_many_at_once(tmp_path: Path) -> None:
    two = got(place(tmp_path, 2).take())
    three_wanted, one_wanted = place(tmp_path, 3), place(tmp_path, 1)
    assert three_wanted.take() is None
    assert one_wanted.take() is None, "two are free, but who wants three would wait for ever"
    assert "after 1 that came earlier" in one_wanted.line()
    two.give_back()
    assert one_wanted.take() is None
    three = got(three_wanted.take())
    assert got(one_wanted.take()).ids == ("3",)
    assert three.ids == ("0", "1", "2")


def test_those_who_want_other_gpus_do_not_wait_for_each_other(tmp_path: Path) -> None:
    got(place(tmp_path, among=GPUS[:1]).take())
    assert place(tmp_path, among=GPUS[:1]).take() is None
    assert got(place(tmp_path, among=GPUS[1:2]).take()).ids == ("1",)


def test_whoever_was_killed_while_waiting_is_passed_over(tmp_path: Path) -> None:
    lease = got(place(tmp_path, 4).take())
    waiter = start(hold, tmp_path, 4, 0.0)
    until(lambda: bool(notes(tmp_path, "waits")))
    said = str(notes(tmp_path, "waits")[0]["line"])
    assert said.startswith("waits for 4 GPUs; 0: a cell, pid ")
    assert f"pid {os.getpid()}, since" in said
    waiting = place(tmp_path, 4)
    assert waiting.take() is None
    waiter.kill()
    waiter.join()
    lease.give_back()
    assert got(waiting.take()).ids == ("0", "1", "2", "3")


def test_shares_of_a_gpu_add_up_to_one(tmp_path: Path) -> None:
    one = GPUS[:1]
    half, third = got(place(tmp_path, 1, 0.5, one).take()), got(place(tmp_path, 1, 1 / 3, one).take())
    assert (len(half.busy), len(third.busy)) == (1 + SLOTS // 2, 1 + SLOTS // 3)
    assert {path.suffix for path in set(half.busy) & set(third.busy)} == {".shared"}
    more = place(tmp_path, 1, 0.2, one)
    assert more.take() is None
    more.leave()
    assert got(place(tmp_path, 1, 0.15, one).take()).ids == ("0",)
    whole = place(tmp_path, 1, 1.0, one)
    assert whole.take() is None
    half.give_back()
    assert whole.take() is None


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2, 0.25, 0.3333, 1 / 3, 0.5, 1.0])
def test_as_many_shares_as_fit_run_at_once(share: float, tmp_path: Path) -> None:
    fitting = math.floor(1 / share + 1e-9)
    leases = [place(tmp_path, 1, share, GPUS[:1]).take() for _ in range(fitting + 1)]
    assert [lease is not None for lease in leases] == [True] * fitting + [False]


def test_shares_keep_whole_gpus_free(tmp_path: Path) -> None:
    shares = [got(place(tmp_path, 1, 0.25).take()) for _ in range(4)]
    assert {lease.ids for lease in shares} == {("0",)}
    assert got(place(tmp_path, 3).take()).ids == ("1", "2", "3")


def test_twenty_cells_on_four_gpus(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    cells = [start(hold, tmp_path, 1, CELL_S) for _ in range(CELLS)]
    for cell in cells:
        cell.join(PATIENCE_S)
        assert cell.exitcode == 0
    began, ended = notes(tmp_path, "leased"), notes(tmp_path, "given back")
    assert len(began) == len(ended) == len(notes(tmp_path, "uses")) == CELLS
    assert notes(tmp_path, "two at once") == []
    times = {str(each["pid"]): float(str(each["at"])) for each in began}
    held_s = [float(str(each["at"])) - times[str(each["pid"])] for each in ended]
    makespan = max(float(str(each["at"])) for each in ended) - min(times.values())
    ideal = math.ceil(CELLS / len(GPUS)) * sum(held_s) / CELLS
    record_property("ratio", makespan / ideal)
    assert makespan / ideal < 1.1


def test_gpus_are_found_as_nvidia_smi_lists_them() -> None:
    first, second = gpus_of(LISTING)
    assert (first.id, first.name, first.memory_mib) == ("0", "NVIDIA H200", 143771)
    assert first.key.startswith("GPU-5f2c6b1e")
    assert (second.name, second.memory_mib) == ("NVIDIA GB10, a GPU with a comma", None)


def test_gpus_are_named_by_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlmbench_assets.gpus.discovery._installed", lambda: gpus_of(LISTING))
    monkeypatch.setenv("VLMBENCH_GPUS", "GPU-7a01,1")
    assert [gpu.id for gpu in find_gpus()] == ["1"]
    with pytest.raises(EnvironmentUnavailableError, match="asks for 2 GPUs, and there is only 1 of them here"):
        enough_gpus(2, "model m")
    monkeypatch.setenv("VLMBENCH_GPUS", "7")
    with pytest.raises(EnvironmentUnavailableError, match="VLMBENCH_GPUS: there is no GPU '7'; there are: 0, 1"):
        find_gpus()
    monkeypatch.delenv("VLMBENCH_GPUS")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert find_gpus() == ()


def test_all_processes_use_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VLMBENCH_GPU_LOCKS", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert tmp_path not in lock_folder().parents
    assert lock_folder().stat().st_mode & 0o1777 == 0o1777
    monkeypatch.setenv("VLMBENCH_GPU_LOCKS", str(tmp_path / "here"))
    assert lock_folder() == tmp_path / "here"


def test_a_guard_that_is_held_for_ever_is_named(tmp_path: Path) -> None:
    guard = tmp_path / "guard"
    held = pytest.raises(EnvironmentUnavailableError, match=f"process {os.getpid()} has held")
    with guarded(guard), held as caught, guarded(guard, patience_s=0.1):
        pass
    assert caught.value.where == str(guard)
    with guarded(guard, patience_s=0.1):
        pass


@pytest.mark.parametrize("content", [b"{torn", b"\xff\xfe", b"[[1]]", b"7", b"{}"])
def test_a_malformed_ticket_is_ignored(tmp_path: Path, content: bytes) -> None:
    queue = tmp_path / "locks" / "queue"
    queue.mkdir(parents=True)
    ticket = queue / "000000000001"
    ticket.write_bytes(content)
    (queue / "7").write_bytes(b"[]")
    with ticket.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        got(place(tmp_path).take()).give_back()


def test_a_folder_in_which_another_could_exchange_locks_is_refused(tmp_path: Path) -> None:
    theirs, link = tmp_path / "theirs", tmp_path / "link"
    theirs.mkdir()
    make_shared_folder(theirs)
    link.symlink_to(theirs)
    with pytest.raises(WorkspaceError, match="where the locks of GPUs belong"):
        make_shared_folder(link)
    if os.geteuid() == 0:
        os.chown(theirs, 10001, 10001)
        with pytest.raises(WorkspaceError, match="chmod 1777"):
            make_shared_folder(theirs)
        theirs.chmod(0o1777)
        make_shared_folder(theirs)
