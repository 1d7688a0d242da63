"""Processes that lease GPUs and start workers on them, for tests that kill any of these."""

import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from vlmbench_assets.gpus.discovery import Gpu
from vlmbench_assets.gpus.leases import Lease, Need, leased
from vlmbench_sdk.supervisor import SUPERVISE, Supervision, supervise

GPUS = tuple(Gpu(str(index), f"GPU-{index}") for index in range(4))


def note(root: Path, what: str, **facts: object) -> None:
    """One line, written at once, so that lines of many processes do not mix.

    A kill can tear one at the end of a page of memory; the line feed before it keeps the next one whole.
    """
    line = json.dumps({"what": what, "at": time.monotonic(), "pid": os.getpid(), **facts})
    with (root / "journal").open("ab", buffering=0) as file:
        file.write(b"\n" + line.encode() + b"\n")


def notes(root: Path, what: str) -> list[dict[str, object]]:
    if not (root / "journal").exists():
        return []
    lines = (root / "journal").read_bytes().splitlines()
    whole = (json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}"))
    return [line for line in whole if line["what"] == what]


def hold(root: Path, count: int, seconds: float, share: float = 1.0) -> None:
    """Lease GPUs, run a supervised worker on them to its end, and give them back."""
    need = Need(count, GPUS, share, what=f"process {os.getpid()}")
    with leased(need, lambda line: note(root, "waits", line=line), root / "locks") as lease:
        note(root, "leased", ids=lease.ids)
        pid, held = start_worker(root, lease, lambda: use(root, lease.ids, seconds, together=share < 1))
        _, status = os.waitpid(pid, 0)
        os.close(held)
        note(root, "given back", ids=lease.ids, status=os.waitstatus_to_exitcode(status))


def start_worker(root: Path, lease: Lease, work: Callable[[], None]) -> tuple[int, int]:
    """Fork a worker under its real supervisor; return its pid and the end of its standard input."""
    inside, held = os.pipe()
    pid = os.fork()
    if pid:
        os.close(inside)
        return pid, held
    try:
        os.close(held)
        for owned in lease._owned:
            # What a program that is started anew does not have either.
            os.close(owned)
        os.dup2(inside, 0)
        os.close(inside)
        os.setsid()
        os.environ[SUPERVISE] = Supervision(stdin=True, locks=tuple(map(str, lease.busy))).model_dump_json()
        folder = root / f"work-{os.getpid()}"
        folder.mkdir()
        supervise(folder)
        work()
        os._exit(0)
    except BaseException as error:
        note(root, "broken", why=repr(error))
        raise
    finally:
        os._exit(1)


def use(root: Path, ids: tuple[str, ...], seconds: float, *, together: bool = False) -> None:
    """Use GPUs, and note where somebody else does at the same time.

    By locks that have nothing to do with the leases. They lie on the lowest descriptors, because the kernel closes
    those of a process that ends in their order: it is not seen as a user any more when its leases are free.
    """
    for low, name in enumerate(ids):
        file = os.open(root / f"use-{name}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if together else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            note(root, "two at once", ids=ids)
        os.dup2(file, low)
        os.close(file)
    note(root, "uses", ids=ids)
    time.sleep(seconds)
