"""Answers that a cell has already: in its journal and in its published table. None of them is asked again."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from pydantic_core import to_json

from vlmbench_assets.files import make_folder, write_atomically
from vlmbench_assets.lineage import digest_file
from vlmbench_assets.questions import Questions, sample_digest
from vlmbench_assets.store import Store
from vlmbench_assets.work.merge import merge_shards, shard_journals
from vlmbench_sdk import WorkerError, WorkspaceError
from vlmbench_sdk.job import JOURNAL
from vlmbench_sdk.journal import Answered, journal_line, open_journal, read_journal, wait_until_free

ASKED_AGAIN: frozenset[str] = frozenset({"error", "timeout"})
"""Statuses of rows that the next run asks again."""
_QUESTION = re.compile(rb'"question_digest":"([0-9a-f]{64})"')
_ANSWERED = re.compile(rb'\{"sample_id":("(?:[^"\\]|\\.)*")[^\n]*"question_digest":"([0-9a-f]{64})"')
_MODEL = b'"model_digest":"'
_FAILED = re.compile(rb'"status":"(?:error|timeout)"')
OTHER_WORKER_S = 30.0
"""How long to wait for the worker of a host that was killed; it ends within seconds of it."""


@dataclass(frozen=True, slots=True)
class KeptAnswers:
    """The folder of a cell's worker, and the answers that lie there."""

    store: Store
    dataset: str
    model: str

    @property
    def work(self) -> Path:
        """The worker's folder; the journal in it stays from run to run."""
        return self.store.folder("answers", self.dataset, self.model) / "work"

    @property
    def examples(self) -> Path:
        """Copies of the images of examples, where the worker can read them and not write."""
        return self.work.with_name("examples")

    @property
    def journal(self) -> Path:
        """Every answer that ever came, in the order they came."""
        return self.work / JOURNAL

    @property
    def _again(self) -> Path:
        # Not in the worker's folder: what it says decides which answers count.
        return self.work.with_name("again.json")

    def open(self, *, again: bool) -> None:
        """Make sure that nobody writes here, and with `again` that no answer from before counts.

        Raises:
            WorkspaceError: When a worker of another run still writes.
        """
        make_folder(self.work)
        for journal in (self.journal, *shard_journals(self.work)):
            if not wait_until_free(journal, OTHER_WORKER_S):
                raise WorkspaceError(
                    "the worker of another run still writes its journal",
                    where=str(journal),
                    fix="Stop it, or wait until it is done",
                )
        if again:
            merge_shards(self.work)
            size = self.journal.stat().st_size if self.journal.exists() else 0
            write_atomically(self._again, json.dumps({"journal_bytes": size}).encode())

    def interrupted(self) -> bool:
        """Whether asking everything again was begun and not finished."""
        return self._again.exists()

    def restore(self, answers: Iterable[Answered]) -> None:
        """Begin a journal that was thrown away with what the published table still has.

        What shards of a host that was killed have answered comes in after that: a journal without the table's rows
        would hide them.
        """
        if not self.journal.exists():
            # At once: half a journal would hide the rows of the table that it lacks.
            write_atomically(self.journal, b"".join(journal_line(answer) for answer in answers))
        merge_shards(self.work)

    def close(self) -> None:
        """The answers are published: from now on all of them count."""
        self._again.unlink(missing_ok=True)

    def open_questions(self, questions: Questions, model_digest: str, retried: frozenset[str]) -> int:
        """Count the questions that a run would ask, without reading answers where a glance at the journal tells.

        Args:
            questions: What is wanted.
            model_digest: Digest of everything else that answers depend on.
            retried: Statuses of rows that count as open.
        """
        content = None
        if not shard_journals(self.work):
            with suppress(FileNotFoundError):
                try:
                    with open_journal(self.journal) as file:
                        content = file.read()
                except WorkerError:
                    # What lies there is not what a worker wrote; the run says so.
                    return len(questions.items)
        if content is not None and model_digest.encode() not in content:
            return len(questions.items)
        if content is not None and not self._again.exists():
            # Two million answers: 14 s when every line is parsed, 3 s so (benchmarks/staleness.py).
            seen = {found.decode() for found in _QUESTION.findall(content)}
            if seen.isdisjoint(questions.digests.values()):
                return len(questions.items)
            of_this_model = content.count(_MODEL + model_digest.encode()) == content.count(b"\n")
            if of_this_model and not _FAILED.search(content):
                # By id as well: of two samples that ask the same, an answer is only its own sample's.
                answered = set(_ANSWERED.findall(content))
                wanted = ((to_json(name), digest.encode()) for name, digest in questions.digests.items())
                return sum(each not in answered for each in wanted)
        answers, _ = self.answers(questions, model_digest)
        return sum(
            each.sample_id not in answers or answers[each.sample_id].status in retried for each in questions.items
        )

    def answers(self, questions: Questions, model_digest: str) -> tuple[dict[str, Answered], int]:
        """The latest answer to each question under a model's digest, by sample id.

        Args:
            questions: What is asked.
            model_digest: Digest of everything else that answers depend on.

        Returns:
            The answers, and how many lines of the journal are damaged.
        """
        wanted = questions.digests
        again = self._again.exists()
        found = {} if again else self._published(wanted, model_digest)
        journals = [read_journal(self.journal, self._start() if again else 0)]
        journals += [read_journal(path) for path in shard_journals(self.work)]
        for answer in chain.from_iterable(journal.answers for journal in journals):
            if answer.model_digest == model_digest and wanted.get(answer.sample_id) == answer.question_digest:
                found[answer.sample_id] = answer
        return found, sum(journal.damaged for journal in journals)

    def _start(self) -> int:
        return int(json.loads(self._again.read_bytes())["journal_bytes"])

    def _published(self, wanted: Mapping[str, str], model_digest: str) -> dict[str, Answered]:
        """Rows of the published table, in case its journal was thrown away."""
        from vlmbench_assets.contracts import ANSWERS
        from vlmbench_assets.tables import read_table, rows_of

        path = self.store.table("answers", self.dataset, self.model)
        manifest = self.store.manifest("answers", self.dataset, self.model)
        if self.journal.exists() or manifest is None or not path.exists():
            return {}
        if digest_file(path) != manifest.files.get(path.name):
            return {}
        frame = read_table(path, ANSWERS).astype(object)
        frame = frame.where(frame.notna(), None)
        return {
            row["sample_id"]: _answered(row, model_digest, wanted[row["sample_id"]])
            for row in rows_of(frame)
            if row["sample_digest"] == sample_digest(model_digest, wanted.get(row["sample_id"], ""))
        }


def _answered(row: dict[str, str], model_digest: str, question_digest: str) -> Answered:
    fields = {name: value for name, value in row.items() if name not in ("prompt_sha256", "sample_digest")}
    return Answered.model_validate({**fields, "model_digest": model_digest, "question_digest": question_digest})
