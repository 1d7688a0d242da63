"""The process between a host and its worker: it ends the worker when the host is gone, and measures it.

The host holds the other end of the supervisor's standard input. The kernel closes it with the host's last
process, also after kill -9 or the out-of-memory killer, when no handler runs. Where there is no such end to
hold, as under a batch scheduler, the host rewrites a file every few seconds instead. The worker is a fork, so
nothing that it does (code that keeps the interpreter's lock, a full memory) stops the supervisor, and when
the supervisor itself is killed, the kernel kills the worker.
"""

import ctypes
import fcntl
import json
import os
import resource
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from vlmbench_sdk.records import Record
from vlmbench_sdk.usage import USAGE, UsageMeter

SUPERVISE = "VLMBENCH_SUPERVISE"
"""Environment variable with a `Supervision` as JSON; without it a worker runs unsupervised, as when started by hand."""
GRACE_S = 5.0
"""How long a worker that was asked to stop may take."""
MEASURE_EVERY_S = 1.0
DEVICE_IN_USE = 75
"""Exit status when a device is held by another worker; worth another try (EX_TEMPFAIL of sysexits.h)."""
_PR_SET_PDEATHSIG = 1
_LONGEST_LINE = 1 << 20


class Supervision(Record):
    """What a supervisor watches for."""

    stdin: bool = False
    """Standard input is held by the host, and its end is the host's end."""
    secrets: str = ""
    """Where a JSON object of further environment variables comes from: `stdin`, whose first line it is, so that it
    stands in no container's description and in no file; or a file, which is read and removed at once."""
    heartbeat: str = ""
    """A file that the host rewrites while it lives; empty when there is none."""
    silence_s: float = 60.0
    """The host counts as gone when the heartbeat stands still this long, in seconds."""
    longest_s: float | None = None
    """The worker is stopped after this time, in seconds, whatever the host does."""
    locks: tuple[str, ...] = ()
    """Files to lock as long as the worker lives, for each device it uses; those whose names end in `.shared` are
    locked together with other workers that use a share of the device."""


def supervise(work: Path) -> None:
    """Become the supervisor and return in the worker; return at once where nothing asks for supervision.

    Args:
        work: The worker's folder; `usage.json` is kept up to date there.
    """
    given = os.environ.pop(SUPERVISE, "")
    if not given:
        return
    order = Supervision.model_validate_json(given)
    if order.secrets:
        os.environ.update(json.loads(_first_line() if order.secrets == "stdin" else _read_once(order.secrets)))
    for path in order.locks:
        _lock(path)
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    # Before the fork, so that a worker that ends at once is not missed.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    supervisor = os.getpid()
    worker = os.fork()
    if worker:
        _end_like(_Watch(worker, order, work, woken).until_it_ends())
    _become_worker(supervisor)


def _become_worker(supervisor: int) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(137)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


class _Watch:
    """One worker until its end."""

    def __init__(self, worker: int, order: Supervision, work: Path, woken: int) -> None:
        self._worker = worker
        self._order = order
        self._path = work / USAGE
        self._woken = woken
        self._meter = UsageMeter(worker)
        self._started = self._measured = self._changed = time.monotonic()
        self._beat = b""
        self._stopped_at: float | None = None
        self._kill_at = float("inf")
        self._inputs = [woken, *([0] if order.stdin else [])]
        signal.signal(signal.SIGTERM, lambda *_: self._stop(""))
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def until_it_ends(self) -> int:
        """Return the worker's wait status."""
        while True:
            ready, _, _ = select.select(self._inputs, [], [], 0.25)
            if self._woken in ready:
                os.read(self._woken, 512)
            if 0 in ready and not os.read(0, 4096):
                self._inputs.remove(0)
                self._stop("the host that started this worker is gone; it stops")
            pid, status = os.waitpid(self._worker, os.WNOHANG)
            if pid:
                self._write()
                self._meter.close()
                return status
            self._look(time.monotonic())

    def _look(self, now: float) -> None:
        if now >= self._kill_at:
            os.kill(self._worker, signal.SIGKILL)
        if now - self._measured >= MEASURE_EVERY_S:
            self._measured = now
            self._meter.measure()
            self._write()
        if self._order.heartbeat and self._stopped_at is None:
            self._listen(now)
        if self._order.longest_s is not None and now - self._started > self._order.longest_s:
            self._stop(f"the worker ran longer than {self._order.longest_s:g} s; it stops")

    def _listen(self, now: float) -> None:
        beat = self._beat
        with suppress(OSError):
            beat = Path(self._order.heartbeat).read_bytes()
        if beat != self._beat:
            self._beat, self._changed = beat, now
        elif now - self._changed > self._order.silence_s:
            self._stop(f"nothing was heard of the host for {self._order.silence_s:g} s; the worker stops")

    def _stop(self, why: str) -> None:
        """Ask politely, so that the journal is synced and the model closed; then by force."""
        if self._stopped_at is not None:
            return
        self._stopped_at = time.monotonic()
        self._kill_at = self._stopped_at + GRACE_S
        if why:
            print(why, file=sys.stderr, flush=True)
        with suppress(ProcessLookupError):
            os.kill(self._worker, signal.SIGTERM)

    def _write(self) -> None:
        # A full disk must not end the watch; the worker says what is wrong.
        with suppress(OSError):
            self._meter.write(self._path)


def _end_like(status: int) -> None:
    """End as the worker did, and with it whatever it had started."""
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    code = 128 + number if number else os.WEXITSTATUS(status)
    sys.stderr.flush()
    if os.getpgrp() == os.getpid():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(0, signal.SIGTERM)
    if number and os.getpid() != 1:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with suppress(OSError):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(code)


def _first_line() -> bytes:
    line = b""
    while not line.endswith(b"\n") and len(line) < _LONGEST_LINE:
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return line or b"{}"


def _read_once(path: str) -> bytes:
    content = Path(path).read_bytes()
    Path(path).unlink()
    return content


def _lock(path: str) -> None:
    """Lock a device's file until supervisor and worker have both ended; never closed on purpose.

    Readable suffices, so that it may lie on a read-only mount.
    """
    how = fcntl.LOCK_SH if path.endswith(".shared") else fcntl.LOCK_EX
    try:
        fcntl.flock(os.open(path, os.O_RDONLY | os.O_CLOEXEC), how | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"the device of {path} is in use by another worker", file=sys.stderr)
        os._exit(DEVICE_IN_USE)
