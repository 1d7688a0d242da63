"""How much room a worker takes, and when it must be stopped for that."""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vlmbench_assets.work.ask import Worker

INODE = 4096
"""Bytes that a file or a folder weighs at least: empty ones take room of another kind."""
LARGEST_LOG = 256 << 20
RESERVE = 256 << 20
"""Bytes that must stay free on the file system, whoever takes them; without them nobody can write results."""
RESERVED_FILES = 10_000
"""Files that must still be possible on it, where it counts them, or one in a hundred."""
WEIGH_EVERY_S = 1.0
SHARE = 10
"""Weighing takes at most this part of the time: a tree of a million files takes seconds."""
_MIB = 1 << 20


class Room:
    """What one worker takes of the disk, looked at about once a second."""

    def __init__(self, worker: "Worker") -> None:
        """Begin before the worker does: a disk that is almost full already is not its fault."""
        self._worker = worker
        self._next = time.monotonic() + WEIGH_EVERY_S
        self._start = _left(worker.work)

    def verdict(self) -> str:
        """Why the worker must be stopped, in one sentence; empty where it need not be, or it is too early to look."""
        began = time.monotonic()
        if began < self._next:
            return ""
        found = self._too_much() or self._too_little_left()
        ended = time.monotonic()
        self._next = ended + max(WEIGH_EVERY_S, SHARE * (ended - began))
        return found

    def _too_much(self) -> str:
        log = _weight(self._worker.log)
        if log > LARGEST_LOG:
            return f"the worker printed more than {LARGEST_LOG // _MIB} MiB"
        most = self._worker.disk_gib
        if most is None:
            return ""
        try:
            if log + weigh(self._worker.work, int(most * (1 << 30))) > most * (1 << 30):
                return f"the worker wrote more than {most:g} GiB into its folder and its log"
        except RecursionError:
            return "the worker made folders so deep inside each other that they cannot be measured"
        return ""

    def _too_little_left(self) -> str:
        left = _left(self._worker.work)
        where = "of its folder; the worker was stopped before nobody can write there"
        if left.room < RESERVE <= self._start.room:
            return f"less than {RESERVE // _MIB} MiB are free on the disk {where}"
        if left.files < left.reserved_files <= self._start.files:
            return f"fewer than {left.reserved_files} more files are possible on the disk {where}"
        return ""


@dataclass(frozen=True, slots=True)
class _Left:
    """What is free on a file system."""

    room: int
    files: int
    reserved_files: int


def _left(folder: Path) -> _Left:
    found = os.statvfs(folder)
    # Where files are not counted, as on btrfs, all of these are 0.
    return _Left(found.f_bavail * found.f_frsize, found.f_favail, min(RESERVED_FILES, found.f_files // 100))


def weigh(folder: Path, most: int) -> int:
    """Bytes that a folder takes with all that is in it; stops counting above `most`.

    What cannot be looked into, because the worker closed it against others or removes it now, weighs as one file.

    Raises:
        RecursionError: When a path in it is too long to be looked at.
    """
    total, waiting = 0, [str(folder)]
    while waiting and total <= most:
        try:
            with os.scandir(waiting.pop()) as entries:
                for inner, bytes_ in _weights(entries):
                    total += bytes_
                    if inner:
                        waiting.append(inner)
                    if total > most:
                        break
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise RecursionError(str(folder)) from error
    return total


def _weights(entries: "Iterator[os.DirEntry[str]]") -> Iterator[tuple[str, int]]:
    """Of each entry: its path if it is a folder, and its bytes."""
    for entry in entries:
        with suppress(FileNotFoundError):
            bytes_ = max(INODE, entry.stat(follow_symlinks=False).st_blocks * 512)
            yield entry.path if entry.is_dir(follow_symlinks=False) else "", bytes_


def _weight(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except OSError:
        return 0
