"""A process is told from a later one with the same id, and a zombie from one that runs; the end of a log."""

import os
import subprocess
import sys
import time
from pathlib import Path

from vlmbench_sdk.plain_files import LONGEST_TAIL, last_lines
from vlmbench_sdk.processes import process_identity

PATIENCE_S = 30.0


def test_a_process_is_itself_until_it_ends() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    first = process_identity(process.pid)
    assert first == process_identity(process.pid) != ""
    assert process.stdin is not None
    process.stdin.close()
    deadline = time.monotonic() + PATIENCE_S
    # Not waited for: it is a zombie now, whose id is still taken.
    while process_identity(process.pid):
        assert time.monotonic() < deadline, "a zombie counts as running"
        time.sleep(0.01)
    process.wait()
    assert process_identity(process.pid) == ""


def test_it_belongs_to_this_start_of_the_machine() -> None:
    boot = Path("/proc/sys/kernel/random/boot_id")
    if boot.exists():
        assert process_identity(os.getpid()).startswith(boot.read_text(encoding="ascii").strip())


def test_the_end_of_a_log_is_of_plain_files_only(tmp_path: Path) -> None:
    log, link = tmp_path / "log", tmp_path / "link"
    log.write_bytes(b"\xff" * LONGEST_TAIL + b"\none\ntwo\n")
    link.symlink_to(log)
    assert last_lines(log, 2) == "one\ntwo"
    assert last_lines(link, 2) == last_lines(tmp_path / "missing", 2) == last_lines(tmp_path, 2) == ""
