"""The journal: one line per answer, appended as answers come."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from vlmbench_sdk.errors import WorkerError
from vlmbench_sdk.records import Answer

# A group of answers is forced to disk together: an fsync costs 0.5-10 ms on a busy disk, which a fast
# endpoint would pay hundreds of times a second, and a power cut then loses at most this much work.
SYNC_EVERY_S = 0.5


class Answered(Answer):
    """An answer as it stands in the journal."""

    answered_at: str
    """UTC time in ISO 8601."""


class JournalWriter:
    """Append answers to a journal. Every answer reaches the kernel at once, and the disk in small groups."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Open the journal for appending."""
        self._file = path.open("ab")
        self._clock = clock
        self._synced_at = clock()

    def append(self, answer: Answered) -> None:
        """Append one answer."""
        self._file.write(answer.model_dump_json().encode() + b"\n")
        self._file.flush()
        if self._clock() - self._synced_at >= SYNC_EVERY_S:
            self.sync()

    def sync(self) -> None:
        """Force what was appended to the disk."""
        os.fsync(self._file.fileno())
        self._synced_at = self._clock()

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
        self.sync()
        self._file.close()


def read_journal(path: Path) -> list[Answered]:
    """Read a journal; a torn last line, left by a worker that was killed, is dropped.

    Raises:
        WorkerError: When a line before the last is not an answer, or a sample was answered twice.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    complete, answers, seen = lines[:-1], [], set[str]()
    for number, line in enumerate(complete, start=1):
        try:
            answer = Answered.model_validate_json(line)
        except ValueError as error:
            raise WorkerError(
                f"this line is not an answer ({error})",
                where=f"{path}, line {number}",
                fix="Keep the file for a report, delete the cell's `work` folder and run the cell again",
            ) from error
        if answer.sample_id in seen:
            raise WorkerError(
                f"sample {answer.sample_id!r} was answered twice",
                where=f"{path}, line {number}",
                fix="This is a mistake in the model's plugin; report it there",
            )
        seen.add(answer.sample_id)
        answers.append(answer)
    return answers
