"""Ask one model with several workers at once: each has a range of the samples, a folder, a log and GPUs of its own."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from types import TracebackType
from typing import TYPE_CHECKING, Self

from vlmbench_assets.files import make_folder, remove_tree, write_atomically
from vlmbench_assets.work.attempt import Attempt, Ended, clear_leftovers
from vlmbench_assets.work.merge import merge_shards
from vlmbench_assets.work.usage import one_after_another, together
from vlmbench_assets.work.watch import LOOK_EVERY_S, Progress, Surroundings, read_usage
from vlmbench_sdk import Request, WorkerError
from vlmbench_sdk.job import JOURNAL, Job, JobResult
from vlmbench_sdk.journal import read_journal, wait_until_free
from vlmbench_sdk.usage import USAGE, Usage

if TYPE_CHECKING:
    from vlmbench_assets.work.ask import Worker

WORKER_GONE_S = 30.0
"""How long the fork of a supervisor that was killed may take to end."""


def ask_in_shards(job: Job, requests: Sequence[Request], worker: "Worker", around: Surroundings) -> JobResult:
    """Run a cell's workers to their ends. What any of them answered is in the cell's journal afterwards.

    Raises:
        WorkerError: When one did not answer everything; a worker that died was started again once before.
        EnvironmentUnavailableError: When one could not be started.
    """
    clear_leftovers(worker.work)
    parts = _ranges(requests, worker.shards)
    around.say(f"{len(parts)} shards of {len(parts[0])} to {len(parts[-1])} samples")
    progress = _Sum(around.progress, len(requests))
    try:
        with _Shards([_Shard(k, job, part, worker, around, progress) for k, part in enumerate(parts)]) as shards:
            if worker.need is None:
                shards.launch_all()
            ended = shards.until_all_end()
            if used := together(shards.used()):
                write_atomically(worker.work / USAGE, used.model_dump_json().encode())
    finally:
        merge_shards(worker.work)
    results = [each.result() for each in ended]
    # One that died at the very end tells nothing of its environment.
    told = next((each for each in results if each.python), results[0])
    return told.model_copy(
        update={
            "answered": len(requests),
            "load_s": max((each.load_s for each in results if each.load_s is not None), default=None),
            "answer_s": max((each.answer_s for each in results if each.answer_s is not None), default=None),
        }
    )


class _Sum:
    """Progress over all shards."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total = progress, total
        self._done: dict[int, int] = {}
        progress(0, total)

    def tell(self, shard: int, done: int) -> None:
        self._done[shard] = done
        # Nothing done is told once: it is what a run begins with.
        if said := sum(self._done.values()):
            self._progress(said, self._total)


class _Shard:
    """One range of the samples, with the worker that is at it."""

    def __init__(
        self,
        number: int,
        job: Job,
        requests: Sequence[Request],
        worker: "Worker",
        around: Surroundings,
        progress: _Sum,
    ) -> None:
        self._name = f"shard {number}"
        self._progress, self._number, self._asked_before = progress, number, 0
        self._say = around.say
        self._again = False
        self.used: list[Usage] = []
        self.ended: Ended | None = None
        worker = worker.of_shard(number)
        if worker.work.is_symlink() or not worker.work.is_dir():
            # A worker that was alone may have put anything there.
            remove_tree(worker.work)
        make_folder(worker.work)
        own = replace(
            around,
            say=lambda line: around.say(f"{self._name}: {line}"),
            waits=lambda line: around.waits(f"{self._name}: {line}"),
            progress=lambda done, _total: progress.tell(number, self._asked_before + done),
        )
        self._all, self._digest = requests, job.digest
        self.attempt = Attempt(job, requests, worker, own)

    def step(self, wait_s: float) -> None:
        """Look after the worker; where it died, start it again once, for what it did not answer."""
        ended = self.attempt.step(wait_s)
        if ended is None:
            return
        if usage := read_usage(self.attempt.worker.work):
            self.used.append(usage)
        if ended.died and not self._again:
            self._again = True
            left = self._unanswered()
            self._asked_before = len(self._all) - len(left)
            if not left:
                self._say(f"{self._name}: {ended.outcome.detail or ended.outcome.kind}; it had answered everything")
                done = ended.done or JobResult(finished=True)
                self.ended = replace(ended, done=done, error=None)
                return
            self._say(
                f"{self._name}: {ended.outcome.detail or ended.outcome.kind}; "
                f"it is started again for {len(left)} of {len(self._all)} samples"
            )
            self.attempt.requests = left
            return
        if ended.error is not None:
            error = type(ended.error)(f"{self._name}: {ended.error.what}", where=ended.error.where, fix=ended.error.fix)
            self._say(str(error).partition("\n")[0])
            ended = replace(ended, error=error)
        self.ended = ended

    def _unanswered(self) -> list[Request]:
        journal = self.attempt.worker.work / JOURNAL
        if not wait_until_free(journal, WORKER_GONE_S):
            raise WorkerError(f"{self._name}: its worker died and still holds its journal", where=str(journal))
        answered = {
            (each.sample_id, each.question_digest)
            for each in read_journal(journal).answers
            if each.model_digest == self._digest
        }
        return [each for each in self._all if (each.sample_id, each.digest) not in answered]


class _Shards:
    """All shards of a cell. Whatever ends the block they are used in ends their workers too."""

    def __init__(self, shards: list[_Shard]) -> None:
        self._shards = shards

    def launch_all(self) -> None:
        """Start all workers with one order: a scheduler may do that better than one by one."""
        attempts = [shard.attempt for shard in self._shards]
        worker = attempts[0].worker
        handles = worker.environment.launch_all(worker.prepared, [attempt.launch() for attempt in attempts])
        for attempt, handle in zip(attempts, handles, strict=True):
            attempt.launched(handle)

    def until_all_end(self) -> list[Ended]:
        """Wait for all; one that fails does not stop the others, whose answers count all the same."""
        while running := [shard for shard in self._shards if shard.ended is None]:
            for shard in running:
                shard.step(LOOK_EVERY_S / len(running))
        return [shard.ended for shard in self._shards if shard.ended is not None]

    def used(self) -> list[Usage]:
        """What each shard used in all its attempts, where it was measured."""
        return [usage for shard in self._shards if (usage := one_after_another(shard.used))]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with ExitStack() as stack:
            for shard in self._shards:
                stack.push(shard.attempt)
            # At once: each may take its time to end.
            with ThreadPoolExecutor(len(self._shards)) as pool:
                stopping = [pool.submit(shard.attempt.stop) for shard in self._shards]
            for each in stopping:
                each.result()


def _ranges(requests: Sequence[Request], shards: int) -> list[Sequence[Request]]:
    """Ranges in the order of the samples, as equal as can be."""
    number = min(shards, len(requests))
    bounds = [len(requests) * each // number for each in range(number + 1)]
    return [requests[start:end] for start, end in pairwise(bounds)]
