"""What the worker leaves in the pod, brought over while it runs."""

from pathlib import Path, PurePosixPath

from vlmbench_runpod.link import Link
from vlmbench_runpod.scripts import EXIT
from vlmbench_sdk.job import JOURNAL, RESULT
from vlmbench_sdk.journal import JournalWriter, read_journal
from vlmbench_sdk.usage import USAGE

MESSAGES = PurePosixPath("pipes", "messages.jsonl")
"""Where Dagster Pipes' messages are, when the worker has any."""
AT_ONCE = 8 << 20
LARGEST = 16 << 20


class Courier:
    """One worker's files.

    The journal is rebuilt from its lines, each with its own checksum: what a pod writes is not the host's to
    trust, and half a line is no answer. The others are copied; the host reads them as any worker's files.
    """

    def __init__(self, link: Link, work: Path, folder: Path, journal: JournalWriter) -> None:
        """Begin with a worker that has written nothing yet."""
        self._link, self._work, self._journal = link, work, journal
        self._copy = folder / JOURNAL
        self._copy.unlink(missing_ok=True)
        self._messages = work / MESSAGES
        self._fetched = self._read = self._told = 0
        self.exit_code: int | None = None

    @property
    def answers(self) -> int:
        """How many answers have arrived."""
        return self._journal.count

    def bring(self) -> None:
        """Bring what is new; afterwards every answer that the pod had is in the host's journal.

        Raises:
            LinkError: When the pod does not answer.
            WorkerError: When the journal cannot be written.
        """
        inside = PurePosixPath(str(self._work))
        while True:
            journal, messages, usage, result, code = self._link.pull(
                [
                    (inside / JOURNAL, self._fetched, AT_ONCE),
                    (inside / MESSAGES, self._told, AT_ONCE),
                    (inside / USAGE, 0, LARGEST),
                    (inside / RESULT, 0, LARGEST),
                    (EXIT, 0, 16),
                ]
            )
            self._take_answers(journal)
            self._take_messages(messages)
            for name, content in ((USAGE, usage), (RESULT, result)):
                if content:
                    _replace(self._work / name, content)
            self.exit_code = int(code) if code.strip().isdigit() else None
            if len(journal) < AT_ONCE and len(messages) < AT_ONCE:
                return

    def _take_answers(self, content: bytes) -> None:
        if not content:
            return
        with self._copy.open("ab") as file:
            file.write(content)
        self._fetched += len(content)
        for answer in read_journal(self._copy, self._read).answers:
            self._journal.append(answer)
        tail = content.rpartition(b"\n")[2]
        if len(tail) < len(content):
            self._read = self._fetched - len(tail)

    def _take_messages(self, content: bytes) -> None:
        if content and self._messages.parent.is_dir():
            with self._messages.open("ab") as file:
                file.write(content)
        self._told += len(content)


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)
