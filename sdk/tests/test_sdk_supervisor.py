"""The supervisor ends its worker with the host, by every way a host can go, and measures what it uses."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from vlmbench_sdk.supervisor import DEVICE_IN_USE, SUPERVISE, Supervision
from vlmbench_sdk.usage import USAGE, Usage

WORKER = """
import os, signal, sys, time
from pathlib import Path
from vlmbench_sdk.supervisor import supervise
work = Path(sys.argv[1])
supervise(work)
Path(work, "pid").write_text(str(os.getpid()))
{body}
"""
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nPath(work, 'ready').touch()\ntime.sleep(600)"
BUSY = """
block = bytearray(200 << 20)
until = time.monotonic() + 3.5
while time.monotonic() < until:
    sum(range(10000))
"""
POLITE = "Path(work, 'ready').touch()\ntime.sleep(600)"


class Start:
    """Starts supervised workers, and leaves none behind."""

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[bytes]] = []

    def __call__(self, work: Path, body: str, order: Supervision, **more: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER.format(body=body), str(work)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, SUPERVISE: order.model_dump_json(), **more},
            start_new_session=True,
        )
        self._started.append(process)
        return process

    def end(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()


@pytest.fixture
def start() -> Iterator[Start]:
    started = Start()
    yield started
    started.end()


def wait_for(what: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)


def alive(work: Path) -> bool:
    try:
        return Path(f"/proc/{(work / 'pid').read_text()}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_workers_end_is_the_supervisors(start: Start, tmp_path: Path) -> None:
    for body, code in (("sys.exit(7)", 7), ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV)):
        assert start(tmp_path, body, Supervision(stdin=True)).wait(30) == code


@pytest.mark.parametrize("body", [POLITE, STUBBORN], ids=["polite", "stubborn"])
def test_the_host_goes_and_the_worker_with_it(start: Start, tmp_path: Path, body: str) -> None:
    process = start(tmp_path, body, Supervision(stdin=True))
    wait_for((tmp_path / "ready").exists)
    assert process.stdin
    assert process.stderr
    process.stdin.close()
    assert process.wait(30) != 0
    assert not alive(tmp_path)
    assert b"the host that started this worker is gone" in process.stderr.read()
    process.stdin = None


def test_the_supervisor_is_killed_and_the_worker_with_it(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path, STUBBORN, Supervision(stdin=True))
    wait_for((tmp_path / "ready").exists)
    process.kill()
    process.wait(30)
    wait_for(lambda: not alive(tmp_path))


def test_a_heartbeat_that_stands_still_is_the_hosts_end(start: Start, tmp_path: Path) -> None:
    beat = tmp_path / "alive"
    beat.write_text("0")
    process = start(tmp_path, POLITE, Supervision(heartbeat=str(beat), silence_s=1.5))
    wait_for((tmp_path / "ready").exists)
    for number in range(12):
        beat.write_text(str(number + 1))
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.25)
    assert process.wait(30) != 0
    assert not alive(tmp_path)


def test_a_worker_has_a_time_cap(start: Start, tmp_path: Path) -> None:
    process = start(tmp_path, POLITE, Supervision(longest_s=0.5))
    assert process.wait(30) != 0
    assert process.stderr
    assert b"longer than 0.5 s" in process.stderr.read()


@pytest.mark.parametrize("way", ["stdin", "file"])
def test_secrets_reach_the_worker_and_no_description_of_it(start: Start, tmp_path: Path, way: str) -> None:
    file = tmp_path / "secrets.json"
    said = json.dumps({"TOKEN": "s3cr3t"})
    body = (
        "Path(work, 'token').write_text(os.environ['TOKEN'])\n"
        "own = [Path(f'/proc/{pid}/environ').read_text() for pid in (os.getpid(), os.getppid())]\n"
        "Path(work, 'seen').write_text(''.join(own))"
    )
    if way == "file":
        file.write_text(said)
    process = start(tmp_path, body, Supervision(stdin=True, secrets="stdin" if way == "stdin" else str(file)))
    assert process.stdin
    if way == "stdin":
        process.stdin.write(said.encode() + b"\n")
        process.stdin.flush()
    assert process.wait(30) == 0
    assert (tmp_path / "token").read_text() == "s3cr3t"
    assert "s3cr3t" not in (tmp_path / "seen").read_text()
    assert not file.exists()


def test_a_device_is_locked_while_the_worker_lives(start: Start, tmp_path: Path) -> None:
    lock = tmp_path / "0.busy"
    lock.touch()
    order = Supervision(stdin=True, locks=(str(lock),))
    first = start(tmp_path, POLITE, order)
    wait_for((tmp_path / "ready").exists)
    second = tmp_path / "second"
    second.mkdir()
    assert start(second, POLITE, order).wait(30) == DEVICE_IN_USE
    first.kill()
    first.wait(30)
    wait_for(lambda: not alive(tmp_path))
    assert start(second, "pass", order).wait(30) == 0


def test_use_is_measured(start: Start, tmp_path: Path) -> None:
    smi = tmp_path / "bin" / "nvidia-smi"
    smi.parent.mkdir()
    smi.write_text("#!/bin/sh\nwhile :; do printf '1000, 50\\n3000, 100\\n'; sleep 0.2; done\n")
    smi.chmod(0o755)
    process = start(
        tmp_path,
        BUSY,
        Supervision(stdin=True),
        PATH=f"{smi.parent}:{os.environ['PATH']}",
        CUDA_VISIBLE_DEVICES="0,1",
    )
    assert process.wait(60) == 0
    found = Usage.model_validate_json((tmp_path / USAGE).read_bytes())
    assert found.samples >= 2
    assert found.memory_peak_mib is not None
    assert found.memory_peak_mib > 200
    assert found.cpu_s > 0.2
    assert (found.gpus, found.gpu_memory_peak_mib, found.gpu_busy_mean) == (2, 4000.0, 0.75)
