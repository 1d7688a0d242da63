"""What a worker may leave in its folder, or do to the disk, and what becomes of it."""

import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cells import QUIET, answer
from tests.support import disk_of
from vlmbench_assets.environments.process import ProcessEnvironment
from vlmbench_assets.files import remove_tree
from vlmbench_assets.work import room
from vlmbench_assets.work.ask import Worker
from vlmbench_assets.work.attempt import clear_leftovers
from vlmbench_assets.work.room import Room, weigh
from vlmbench_assets.work.watch import Watch
from vlmbench_sdk import Launch, NoOptions, Outcome, Prepared
from vlmbench_sdk.job import JOB, JOURNAL, PIPES, REQUESTS, RESULT
from vlmbench_sdk.usage import USAGE

DEEP = 3_000
"""Levels; deeper than Python's recursion limit, and longer than a path may be."""


@pytest.fixture(autouse=True)
def _nothing_deep_stays(tmp_path: Path) -> Iterator[None]:
    yield
    # pytest removes old folders by `shutil.rmtree`, which ends in RecursionError in those of a later session.
    remove_tree(tmp_path)


def make_deep(folder: Path) -> None:
    folder.mkdir()
    top = os.open(folder, os.O_RDONLY)
    for _ in range(DEEP):
        os.mkdir("d", dir_fd=top)
        inner = os.open("d", os.O_RDONLY, dir_fd=top)
        os.close(top)
        top = inner
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=top))
    os.close(top)


def worker_in(root: Path, **more: float) -> Worker:
    work = root / "work"
    work.mkdir(exist_ok=True)
    environment = ProcessEnvironment(NoOptions(), name="process", cache=root / "cache")
    return Worker(environment, Prepared(digest="", python=sys.executable), work, None, {}, **more)  # type: ignore[arg-type]


def verdict_on(worker: Worker, script: str) -> Outcome | None:
    """Run a script as a worker to its end, or until it is stopped."""
    watch = Watch(worker, 0, QUIET)
    launch = Launch(arguments=("-c", script), work=worker.work, log=worker.log)
    handle = worker.environment.launch(worker.prepared, launch)
    try:
        while (outcome := watch.step(handle)) is None:
            continue
    finally:
        handle.cancel()
    return outcome


def test_a_tree_of_any_depth_goes_and_links_are_not_followed(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "file").write_text("x", encoding="utf-8")
    make_deep(tmp_path / "tree")
    (tmp_path / "tree/link").symlink_to(kept)
    (tmp_path / "tree/d/link").symlink_to(kept)
    os.mkfifo(tmp_path / "tree/d/fifo")
    (tmp_path / "link").symlink_to(kept)
    for name in ("tree", "link", "nothing"):
        remove_tree(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert (kept / "file").read_text(encoding="utf-8") == "x"


@pytest.mark.parametrize("kind", ["link", "folder", "fifo"])
def test_what_stands_in_place_of_our_files_is_cleared(tmp_path: Path, kind: str) -> None:
    (tmp_path / "mine").write_text("kept", encoding="utf-8")
    work = tmp_path / "work"
    work.mkdir()
    for name in (JOB, REQUESTS, RESULT, USAGE, JOURNAL):
        if kind == "link":
            (work / name).symlink_to(tmp_path / "mine")
        elif kind == "folder":
            (work / name / "inner").mkdir(parents=True)
        else:
            os.mkfifo(work / name)
    clear_leftovers(work)
    assert list(work.iterdir()) == []
    assert (tmp_path / "mine").read_text(encoding="utf-8") == "kept"
    (work / JOURNAL).write_text("answers", encoding="utf-8")
    clear_leftovers(work)
    assert (work / JOURNAL).exists()


def test_a_run_goes_on_where_a_worker_left_folders_and_links(workspace: Path) -> None:
    work = workspace / "data/answers/echo/tiny/work"
    work.mkdir(parents=True)
    (work / RESULT / "inner").mkdir(parents=True)
    (work / REQUESTS).mkdir()
    make_deep(work / USAGE)
    (work / PIPES).symlink_to(workspace)
    assert answer(workspace, "echo", "tiny").facts["samples"] == 4


def test_empty_files_and_folders_weigh_too(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"f{number}").touch()
        (tmp_path / f"d{number}").mkdir()
    assert weigh(tmp_path, 1 << 30) >= 100 * 4096
    assert weigh(tmp_path, 8192) > 8192


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("open('big', 'wb').write(b'x' * 9_000_000)", "more than 0.005 GiB into its folder and its log"),
        ("[open(f'f{i}', 'w').close() for i in range(3000)]", "more than 0.005 GiB"),
        ("import sys; sys.stdout.write('x' * 9_000_000)", "more than 0.005 GiB"),
        ("import os\nfor _ in range(1200): os.mkdir('deep'); os.chdir('deep')", "so deep inside each other"),
    ],
)
def test_a_worker_that_takes_too_much_is_stopped(tmp_path: Path, script: str, said: str) -> None:
    worker = worker_in(tmp_path, disk_gib=0.005)
    outcome = verdict_on(worker, f"import signal\n{script}\nimport sys; sys.stdout.flush()\nsignal.pause()")
    assert outcome is not None
    assert outcome.kind == "worker_error"
    assert said in outcome.detail
    assert outcome.exit_code is None


def test_a_log_without_end_ends_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LARGEST_LOG", 1 << 20)
    outcome = verdict_on(worker_in(tmp_path), "while True: print('x' * 1000)")
    assert outcome is not None
    assert outcome.detail == "the worker printed more than 1 MiB"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with disk_of(tmp_path / "disk", "size=40m,nr_inodes=3000") as root:
        yield root


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("open('big', 'wb').write(b'x' * (30 << 20))", "less than 20 MiB are free on the disk"),
        ("[open(f'f{i}', 'w').close() for i in range(2985)]", "fewer than 30 more files are possible"),
    ],
)
def test_a_worker_is_stopped_before_the_disk_is_full(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    monkeypatch.setattr(room, "RESERVE", 20 << 20)
    worker = worker_in(small_disk)
    outcome = verdict_on(worker, f"{script}\nimport signal; signal.pause()")
    assert outcome is not None
    assert said in outcome.detail
    # A disk that was as full before the worker began is not its fault.
    begun_late = Room(replace(worker, disk_gib=None))
    begun_late._next = 0.0
    assert begun_late.verdict() == ""
