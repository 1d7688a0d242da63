"""A full disk, a read-only folder, a power cut while publishing: no answer is lost, no half table is read."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cells import answer, bench_of
from tests.staleness.made import write_dataset, write_registries
from tests.support import Run, write_source, write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import ANSWERS
from vlmbench_assets.lineage import digest_file
from vlmbench_assets.plan import make_plan
from vlmbench_assets.staleness import Judge
from vlmbench_assets.tables import parse_table
from vlmbench_sdk import VlmBenchError
from vlmbench_sdk.journal import read_journal

SAMPLES = 200
CELL = Cell("echo", "many")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A workspace whose `data/` is a file system of 1 MiB of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    root = tmp_path / "workspace"
    log = tmp_path / "asked.log"
    write_yaml(root, "models/echo", f"plugin: echo\noptions: {{answer: '{{sample_id}}', asked_log: {log}}}\n")
    write_yaml(root, "datasets/many", "reader: jsonl\nsource: source\n")
    write_yaml(root, "benchmarks/b", "models: [echo]\ndatasets: [many]\nmetrics: [exact_match]\n")
    write_source(root, SAMPLES)
    (root / "data").mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(root / "data")], check=True)
    yield root
    subprocess.run(["umount", str(root / "data")], check=True)


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
    journal = disk / "data/answers/echo/many/work/journal.jsonl"
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


class PowerCutError(BaseException):
    """The machine went off: nothing after this point was done, no handler ran."""


def cut_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Let so many renames and removals through, and cut the power at the next."""
    done = 0
    real_replace, real_unlink = Path.replace, Path.unlink

    def step() -> None:
        nonlocal done
        if done >= steps:
            raise PowerCutError
        done += 1

    def replace(self: Path, target: Path) -> Path:
        step()
        return real_replace(self, target)

    def unlink(self: Path, missing_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - pathlib's own signature
        if not self.name.startswith("."):
            step()
        real_unlink(self, missing_ok)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr(Path, "unlink", unlink)
    return lambda: done


def test_a_power_cut_at_any_step_of_publishing(tmp_path: Path) -> None:
    """Old state, new state, or seen to be unfinished: after a cut at every single rename."""
    log = tmp_path / "asked.log"
    write_registries(tmp_path)
    write_dataset(tmp_path, "tiny")
    options = f"{{answer: '{{field}}', asked_log: {log}}}"
    write_yaml(tmp_path, "models/plain", f"plugin: echo\noptions: {options}\n")
    answer(tmp_path, "plain", "tiny")
    cell, ended = Cell("plain", "tiny"), False
    for steps in range(60):
        write_yaml(tmp_path, "models/plain", f"plugin: echo\noptions: {options}\ngeneration: {{seed: {steps}}}\n")
        log.unlink()
        with pytest.MonkeyPatch.context() as monkeypatch:
            cut_after(steps, monkeypatch)
            try:
                answer(tmp_path, "plain", "tiny")
                ended = True
            except PowerCutError:
                pass
        bench = bench_of(tmp_path)
        journal = tmp_path / "data/answers/plain/tiny/work/journal.jsonl"
        seed = f"generation seed {steps - 1} → {steps}" if steps else "generation seed (none) → 0"
        judged = Judge(bench).cell(cell).assets["answers"]
        table = bench.store.table("answers", "tiny", "plain")
        assert len(parse_table(table.read_bytes(), ANSWERS)) == 4, "never half a table"
        if judged.state == "fresh":
            manifest = bench.store.manifest("answers", "tiny", "plain")
            assert manifest is not None
            assert manifest.files["answers.csv"] == digest_file(table)
        else:
            assert any(seed in reason or "interrupted" in reason for reason in judged.reasons), judged.reasons
        asked_before = len(log.read_text(encoding="utf-8").split()) if log.exists() else 0
        answer(tmp_path, "plain", "tiny")
        asked_after = len(log.read_text(encoding="utf-8").split())
        assert asked_after == 4, (steps, asked_before)
        assert Judge(bench_of(tmp_path)).cell(cell).assets["answers"].state == "fresh"
        assert read_journal(journal).damaged == 0
        if ended:
            break
    assert ended
    assert steps > 8
