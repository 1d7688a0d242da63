"""A full disk, a read-only folder, a power cut while publishing: no answer is lost, no half table is read."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cells import answer, bench_of
from tests.support import Run, disk_of, journal_of, write_source, write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.plan import make_plan
from vlmbench_sdk import VlmBenchError
from vlmbench_sdk.journal import read_journal

SAMPLES = 200
CELL = Cell("echo", "many")

pytestmark = pytest.mark.engine("mount")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A workspace whose `data/` is a file system of 1 MiB of its own."""
    root = tmp_path / "workspace"
    log = tmp_path / "asked.log"
    write_yaml(root, "models/echo", f"plugin: echo\noptions: {{answer: '{{sample_id}}', asked_log: {log}}}\n")
    write_yaml(root, "datasets/many", "reader: jsonl\nsource: source\n")
    write_yaml(root, "benchmarks/b", "models: [echo]\ndatasets: [many]\nmetrics: [exact_match]\n")
    write_source(root, SAMPLES)
    with disk_of(root / "data", "size=1m"):
        yield root


def asked(root: Path) -> int:
    log = root.parent / "asked.log"
    return len(log.read_text(encoding="utf-8").split()) if log.exists() else 0


def fill(root: Path, leave: int) -> Path:
    """Take all room but so many bytes."""
    ballast = root / "data/ballast"
    room = os.statvfs(root / "data")
    ballast.write_bytes(b"\0" * (room.f_bavail * room.f_frsize - leave))
    return ballast


@pytest.mark.parametrize("leave", [8_192, 140_000, 180_000, 200_000, 230_000])
def test_a_full_disk_is_one_sentence_and_costs_no_answer(disk: Path, leave: int) -> None:
    bench_of(disk)
    make_plan(bench_of(disk), [CELL])
    ballast = fill(disk, leave)
    try:
        answer(disk, "echo", "many")
    except VlmBenchError as error:
        said = str(error)
        assert "No space left on device" in said or "the disk is full" in said
        assert "Traceback" not in said
        assert not (disk / "data/answers/echo/many/manifest.json").exists()
    journal = journal_of(disk, "echo", "many")
    kept = len(read_journal(journal).answers)
    before = asked(disk)
    ballast.unlink()
    answer(disk, "echo", "many")
    assert asked(disk) - before == SAMPLES - kept
    assert make_plan(bench_of(disk), [CELL]).cells[0].judged.assets["answers"].state == "fresh"


def test_a_read_only_folder_is_one_sentence(disk: Path, vlmbench: Run) -> None:
    def remount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(disk / "data")], check=True)

    vlmbench("run", "--workspace", str(disk), check=0)
    remount("ro")
    try:
        assert "nothing to do" in vlmbench("plan", "--workspace", str(disk), check=0).stdout
        write_source(disk, SAMPLES + 1)
        for command in ("plan", "run"):
            done = vlmbench(command, "--workspace", str(disk))
            said = done.stdout + done.stderr
            assert "Read-only file system" in said, said
            assert "Traceback" not in said
    finally:
        remount("rw")
    vlmbench("run", "--workspace", str(disk), check=0)
