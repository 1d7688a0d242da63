"""The journal: one line per answer, appended as answers come, kept from run to run.

A line is the answer as JSON with its own checksum as the last key. What is damaged (a torn last line, a
flipped bit) is therefore seen as such and its sample is asked again; it never becomes another answer.
"""

import fcntl
import os
import threading
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from vlmbench_sdk.errors import WorkerError
from vlmbench_sdk.plain_files import open_plain
from vlmbench_sdk.records import Answer

# A group of answers is forced to disk together: an fsync costs 0.5-10 ms on a busy disk, which a fast
# endpoint would pay hundreds of times a second, and a power cut then loses at most this much work.
SYNC_EVERY_S = 0.5
LOOK_EVERY_S = 0.05
LONGEST_LINE = 8 << 20
"""No line of a journal is longer, in bytes."""
_TAIL = 65536
_CHECKSUM = b',"crc32":"'
_CLOSING = b'"}'
_CHECKSUM_BYTES = len(_CHECKSUM) + 8 + len(_CLOSING)


class Answered(Answer):
    """An answer as it stands in the journal."""

    answered_at: str
    """UTC time in ISO 8601."""
    model_digest: str = ""
    """`Job.digest`: everything about the model that the answer depends on."""
    question_digest: str = ""
    """`Request.digest`: the prompt and the images' bytes."""


@dataclass(frozen=True, slots=True)
class Journal:
    """What a journal holds."""

    answers: tuple[Answered, ...]
    """In the order they came; a sample may stand there more than once, the last one counts."""
    damaged: int = 0
    """Complete lines that are not what was written; a torn last line is not one of them."""


class JournalWriter:
    """Append answers to a journal, as its only writer.

    Every answer reaches the kernel at once, so that it survives the worker; a thread forces groups of them
    to the disk every `SYNC_EVERY_S` seconds, so that they survive a power cut and cost the model no time.
    """

    def __init__(self, path: Path) -> None:
        """Open the journal for appending, behind its last complete line.

        Raises:
            WorkerError: When another worker writes to it, or it cannot be opened.
        """
        self._path = path
        self._count = 0
        try:
            self._file = _open_alone(path)
        except BlockingIOError as error:
            raise WorkerError("another worker writes to this journal", where=str(path)) from error
        except OSError as error:
            raise _cannot_write(path, error) from error
        self._dirty, self._closing = threading.Event(), threading.Event()
        self._failed: OSError | None = None
        self._syncing = threading.Thread(target=self._sync_in_groups, daemon=True)
        self._syncing.start()

    @property
    def count(self) -> int:
        """How many answers were appended."""
        return self._count

    def append(self, answer: Answered) -> None:
        """Append one answer.

        Raises:
            WorkerError: When the disk is full or the file cannot be written.
        """
        try:
            if self._failed is not None:
                raise self._failed
            self._file.write(journal_line(answer))
            self._file.flush()
        except OSError as error:
            raise _cannot_write(self._path, error) from error
        self._count += 1
        self._dirty.set()

    def close(self) -> None:
        """Force everything to the disk and give the journal back."""
        self._closing.set()
        self._dirty.set()
        self._syncing.join()
        try:
            self._file.close()
            if self._failed is not None:
                raise self._failed
        except OSError as error:
            raise _cannot_write(self._path, error) from error

    def __enter__(self) -> "JournalWriter":  # noqa: PYI034 - typing.Self is new in Python 3.11
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Sync and close."""
        self.close()

    def _sync_in_groups(self) -> None:
        # An answer that comes while the last group is forced to the disk is dirty again after it.
        while not self._closing.is_set() or self._dirty.is_set():
            self._dirty.wait()
            self._closing.wait(SYNC_EVERY_S)
            self._dirty.clear()
            try:
                os.fsync(self._file.fileno())
            except OSError as error:
                self._failed = error
                return


def journal_line(answer: Answered) -> bytes:
    """One line of a journal, with its line feed."""
    content = answer.model_dump_json().encode()[:-1]
    return content + _CHECKSUM + b"%08x" % zlib.crc32(content) + _CLOSING + b"\n"


def read_journal(path: Path, start: int = 0) -> Journal:
    """Read a journal; a torn last line, left by a worker that was killed, is dropped.

    Args:
        path: The journal; one that does not exist is empty.
        start: Byte of the first line that counts.
    """
    if not path.exists():
        return Journal(())
    with open_journal(path) as file:
        file.seek(start)
        answers: list[Answered] = []
        damaged = 0
        # A line that is too long to be one that `append` wrote is read in pieces, the last of which is damaged.
        for line in iter(lambda: file.readline(LONGEST_LINE), b""):
            if line[-1:] == b"\n":
                answer = _answer_of(line[:-1])
                if answer is None:
                    damaged += 1
                else:
                    answers.append(answer)
    return Journal(tuple(answers), damaged)


def wait_until_free(path: Path, timeout_s: float) -> bool:
    """Wait until no worker writes to a journal; return False when one still does after `timeout_s` seconds.

    The worker of a host that was killed ends by itself soon after; until then it may append.
    """
    if not path.exists():
        return True
    until = time.monotonic() + timeout_s
    with open_journal(path) as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    return False
                time.sleep(LOOK_EVERY_S)
            else:
                return True


def open_journal(path: Path) -> BinaryIO:
    """Open a journal for reading.

    Raises:
        FileNotFoundError: When there is none.
        WorkerError: When what lies there is a link, a pipe or a folder.
    """
    try:
        return open_plain(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise WorkerError(
            "the journal is not a plain file that can be read",
            where=str(path),
            fix="Remove what lies there and run again; published answers are taken from their table",
        ) from error


def _answer_of(line: bytes) -> Answered | None:
    content, seal = line[:-_CHECKSUM_BYTES], line[-_CHECKSUM_BYTES:]
    if seal != _CHECKSUM + b"%08x" % zlib.crc32(content) + _CLOSING:
        return None
    try:
        return Answered.model_validate_json(content + b"}")
    except ValueError:
        return None


def _open_alone(path: Path) -> BinaryIO:
    # The worker of another run may have put a link there; it must not lead us out of the folder.
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    file = os.fdopen(os.open(path, flags, 0o644), "a+b")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _drop_torn_line(file.fileno())
        _sync_folder(path.parent)
    except BaseException:
        file.close()
        raise
    return file


def _drop_torn_line(descriptor: int) -> None:
    """Cut off what follows the last line feed: appended to, it would spoil the next answer too."""
    end = os.fstat(descriptor).st_size
    position = end
    while position > 0:
        start = max(0, position - _TAIL)
        block = os.pread(descriptor, position - start, start)
        found = block.rfind(b"\n")
        if found >= 0:
            position = start + found + 1
            break
        position = start
    if position != end:
        os.ftruncate(descriptor, position)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot_write(path: Path, error: OSError) -> WorkerError:
    return WorkerError(
        f"the journal cannot be written ({os.strerror(error.errno or 0)})",
        where=str(path),
        fix="Make room or give the right to write, and run again; what was answered is kept",
    )
