"""Watch a worker: its progress, what it prints, what it uses, and what it must not do."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vlmbench_assets.printable import shown
from vlmbench_assets.work.room import Room
from vlmbench_sdk import Handle, Outcome
from vlmbench_sdk.job import JOURNAL
from vlmbench_sdk.plain_files import open_plain, read_plain
from vlmbench_sdk.usage import USAGE, Usage

if TYPE_CHECKING:
    from vlmbench_assets.work.ask import Worker

LOOK_EVERY_S = 0.2
TELL_EVERY_S = 10.0
"""How often its use of the machine goes to the log."""
LINES_A_LOOK = 20
"""Lines of the worker's log that go to the run's log at each look; the file has them all."""
LONGEST_LINE = 500
AT_ONCE = 16 << 20
"""Bytes of a file that are read in one look."""

Progress = Callable[[int, int], None]
"""Called with samples done and samples in all, a few times a second at most."""
Say = Callable[[str], None]
Session = Callable[[Path, Sequence[str]], AbstractContextManager[dict[str, str]]]
"""Called with a worker's folder and the secret values it is given, which must not be said."""


def _nothing(_line: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run hands in: where lines and progress go, and what is open while a worker runs."""

    say: Say
    progress: Progress
    session: Session = lambda _work, _secrets: nullcontext({})
    """Opened around each worker; gives environment variables for it."""
    waits: Say = _nothing
    """Told what a worker waits for, where a person should know it: a GPU, a place in a cluster's queue."""


QUIET = Surroundings(say=_nothing, progress=lambda _done, _total: None)
"""Tells nobody anything."""


class Watch:
    """One worker from its start to its end."""

    def __init__(self, worker: "Worker", total: int, around: Surroundings) -> None:
        """Begin where the worker's journal ends now."""
        self._worker = worker
        self._total = total
        self._progress, self._say, self._waits = around.progress, around.say, around.waits
        self._done = 0
        self._journal = _Tail(worker.work / JOURNAL, at_end=True)
        self._log = _Tail(worker.log)
        self._line = ""
        self._rest = b""
        self._told = time.monotonic()
        self._room = Room(worker)
        self._started: float | None = None
        self._progress(0, total)

    def step(self, handle: Handle, wait_s: float = LOOK_EVERY_S) -> Outcome | None:
        """Wait a moment for the worker's end; a worker that takes too long or too much room is stopped."""
        outcome = handle.wait(wait_s)
        self._look(ended=outcome is not None)
        if outcome is not None:
            return outcome
        if handle.line() not in ("", self._line):
            self._line = handle.line()
            self._waits(self._line)
        if verdict := self._verdict():
            handle.cancel()
        return verdict

    def _look(self, *, ended: bool) -> None:
        if self._started is None and (self._worker.work / USAGE).exists():
            # The supervisor writes it within seconds; before that the worker waits in a queue or for a machine.
            self._started = time.monotonic()
        found = self._journal.read().count(b"\n")
        if found:
            self._done += found
            self._progress(self._done, self._total)
        lines = self._lines(ended=ended)
        for text in lines[:LINES_A_LOOK]:
            self._say(f"worker: {shown(text, self._worker.secrets.values())[:LONGEST_LINE]}")
        if len(lines) > LINES_A_LOOK:
            self._say(f"worker: … {len(lines) - LINES_A_LOOK} more lines in {self._worker.log}")
        if time.monotonic() - self._told >= TELL_EVERY_S:
            self._told = time.monotonic()
            if usage := read_usage(self._worker.work):
                self._say(f"worker: {usage_line(usage)}")

    def _lines(self, *, ended: bool) -> list[str]:
        """Whole lines of its log: a secret that is cut in two would not be known any more."""
        found = self._rest + self._log.read()
        whole = len(found) if ended or len(found) > AT_ONCE else max(map(found.rfind, (b"\n", b"\r"))) + 1
        self._rest = found[whole:]
        return found[:whole].decode("utf-8", "replace").splitlines()

    def _verdict(self) -> Outcome | None:
        now, limit = time.monotonic(), self._worker.timeout_s
        if limit is not None and self._started is not None and now - self._started > limit:
            return Outcome(kind="timeout", detail=f"the worker ran longer than {limit:g} s")
        if detail := self._room.verdict():
            return Outcome(kind="worker_error", detail=detail)
        return None


class _Tail:
    """What is appended to a file, never following a link that somebody put in its place."""

    def __init__(self, path: Path, *, at_end: bool = False) -> None:
        self._path = path
        self._read = path.lstat().st_size if at_end and path.is_file() else 0

    def read(self) -> bytes:
        try:
            with open_plain(self._path) as file:
                file.seek(self._read)
                content = file.read(AT_ONCE)
        except OSError:
            return b""
        self._read += len(content)
        return content


def read_usage(work: Path) -> Usage | None:
    """What the worker used so far; None where nothing was measured yet."""
    try:
        return Usage.model_validate_json(read_plain(work / USAGE))
    except (OSError, ValueError):
        return None


def usage_line(usage: Usage) -> str:
    """Say what a worker uses."""
    parts = [f"{usage.cpu_mean or 0:.1f} cores on average", f"{usage.memory_peak_mib or 0:.0f} MiB at most"]
    if usage.gpu_memory_peak_mib is not None:
        busy = 100 * (usage.gpu_busy_mean or 0)
        parts.append(f"{usage.gpu_memory_peak_mib:.0f} MiB on {usage.gpus} GPU(s) at most, busy {busy:.0f} %")
    return ", ".join(parts)
