"""One worker from its GPUs to its end: what a cell with one worker and a cell with several have in common."""

import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from vlmbench_assets.files import remove_tree, write_atomically
from vlmbench_assets.gpus.leases import TRY_EVERY_S, Lease, Place
from vlmbench_assets.printable import shown
from vlmbench_assets.work.watch import Surroundings, Watch
from vlmbench_sdk import EnvironmentUnavailableError, Handle, Launch, Outcome, Request, WorkerError
from vlmbench_sdk.job import GPUS_WANTED, JOB, JOURNAL, REQUESTS, RESULT, Job, JobResult
from vlmbench_sdk.plain_files import read_plain
from vlmbench_sdk.scoring import CaseToScore, ScoreJob
from vlmbench_sdk.supervisor import DEVICE_IN_USE
from vlmbench_sdk.usage import USAGE

if TYPE_CHECKING:
    from vlmbench_assets.work.ask import Worker

ALMOST_FULL = 16_384
"""With less room than this, in bytes, a worker can no longer say why it stopped."""
LEASES = 3
"""How often GPUs are leased for a worker that finds them in use."""
IN_USE = "Look with `nvidia-smi` who uses it, and run again"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a worker ended."""

    outcome: Outcome
    done: JobResult | None
    """What it left, finished or not; None when it wrote nothing any more."""
    error: WorkerError | EnvironmentUnavailableError | None
    """Why not everything was answered; None when it was."""

    @property
    def died(self) -> bool:
        """Whether it ended without a word, as by a signal, for lack of memory, or with its machine.

        The host's own verdicts, such as too much room taken, come without an exit status.
        """
        if self.outcome.kind == "node_lost":
            return True
        status = self.outcome.exit_code
        return self.done is None and self.outcome.kind in ("worker_error", "out_of_memory") and status is not None

    def result(self) -> JobResult:
        """What a worker that answered everything left.

        Raises:
            WorkerError: When it did not.
            EnvironmentUnavailableError: When it could not be started.
        """
        if self.error is not None or self.done is None:
            raise self.error or WorkerError("the worker left no result")
        return self.done


class Attempt:
    """One worker that is to answer some requests. Whatever ends the block it is used in ends the worker too."""

    def __init__(
        self, job: Job | ScoreJob, requests: Sequence[Request | CaseToScore], worker: "Worker", around: Surroundings
    ) -> None:
        """Begin nothing yet."""
        self._module = "vlmbench_sdk.runner" if isinstance(job, Job) else "vlmbench_sdk.scoring"
        self.job = job
        self.requests = requests
        self.worker = worker
        self._around = around
        self._open = ExitStack()
        self._place: Place | None = None
        self._lease: Lease | None = None
        self._leases = 0
        self._handle: Handle | None = None
        self._watch: Watch | None = None

    def begin(self) -> bool:
        """Launch the worker, unless GPUs that it needs are not free."""
        if not self.leased():
            return False
        self.launched(self.worker.environment.launch(self.worker.prepared, self.launch()))
        return True

    def leased(self) -> bool:
        """Whether the worker has the GPUs it needs; tries to lease them."""
        if self.worker.need is None or self._lease is not None:
            return True
        if self._place is None:
            self._place = Place(self.worker.need)
        self._lease = self._place.take()
        if self._lease is None and (line := self._place.line()):
            self._around.waits(line)
        return self._lease is not None

    def launch(self) -> Launch:
        """Put what the worker needs into its folder, and say how it is started."""
        work = self.worker.work
        clear_leftovers(work)
        write_atomically(work / JOB, self.job.model_dump_json(indent=2).encode())
        lines = "".join(request.model_dump_json() + "\n" for request in self.requests)
        write_atomically(work / REQUESTS, lines.encode())
        variables = self._open.enter_context(self._around.session(work, tuple(self.worker.secrets.values())))
        # Before it starts, so that none of its answers is missed.
        self._watch = Watch(self.worker, len(self.requests), self._around)
        return Launch(
            arguments=("-m", self._module, str(work / JOB)),
            work=work,
            log=self.worker.log,
            readable=tuple(root for root in (self.worker.image_root, self.worker.examples_root) if root),
            env={**self.worker.env, **variables, **self._gpus_to_find()},
            secrets=self.worker.secrets,
            gpus=self._lease.ids if self._lease else (),
            locks=self._lease.busy if self._lease else (),
            gpus_wanted=self.worker.gpus_wanted,
        )

    def _gpus_to_find(self) -> dict[str, str]:
        """Tell the worker to look for its GPUs: an engine may start it without, and say nothing."""
        simulated = self._lease is not None and shutil.which("nvidia-smi") is None
        wanted = 0 if simulated else self.worker.gpus_wanted
        return {GPUS_WANTED: str(wanted)} if wanted else {}

    def launched(self, handle: Handle) -> None:
        """Take over a started worker."""
        self._handle = handle

    def step(self, wait_s: float) -> Ended | None:
        """Wait a moment for the worker's end, which this says once; starts it again where its GPUs were in use."""
        if self._handle is None or self._watch is None:
            if not self.begin():
                time.sleep(min(wait_s, TRY_EVERY_S))
            return None
        outcome = self._watch.step(self._handle, wait_s)
        if outcome is None:
            return None
        add_facts(self.worker.engine, self._handle.facts())
        result = _result(self.worker.work)
        in_use = self._lease is not None and outcome.exit_code == DEVICE_IN_USE and result is None
        if in_use and self._leases < LEASES:
            # A worker whose host was killed got hold of it at the last moment; it will not be leased before that ends.
            self._leases += 1
            self._give_back()
            return None
        finished = outcome.kind == "ok" and result is not None and result.finished
        tail = "" if finished else self._handle.log_tail()
        self._give_back()
        return Ended(outcome, result, None if finished else self._explain(outcome, result, tail))

    def _explain(
        self, outcome: Outcome, result: JobResult | None, tail: str
    ) -> WorkerError | EnvironmentUnavailableError:
        """Say why it failed, in text that is fit to be kept and shown."""
        secrets = tuple(self.worker.secrets.values())
        if result is not None:
            said = {name: shown(getattr(result, name), secrets) for name in ("error", "traceback")}
            result = result.model_copy(update=said)
        outcome = outcome.model_copy(update={"detail": shown(outcome.detail, secrets)})
        return _explain(self.job, self.worker.work, outcome, result, shown(tail, secrets))

    def stop(self) -> None:
        """Stop the worker if it runs; returns when it is gone."""
        if self._handle is not None:
            self._handle.cancel()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop the worker whatever ended the block (a cancelled run, Ctrl-C): it must not outlive it."""
        try:
            self.stop()
        finally:
            self._give_back()

    def _give_back(self) -> None:
        self._handle = self._watch = None
        place, self._place = self._place, None
        lease, self._lease = self._lease, None
        try:
            self._open.close()
        finally:
            if place is not None:
                place.leave()
            if lease is not None:
                lease.give_back()


def clear_leftovers(work: Path) -> None:
    """Remove from a worker's folder what an earlier run left: its result, and whatever stands in place of our files.

    A worker may have put a link, a folder or a pipe there, which would be followed, refused, or waited for.
    """
    for name in (RESULT, USAGE):
        remove_tree(work / name)
    for name in (JOB, REQUESTS, JOURNAL):
        if (path := work / name).is_symlink() or not path.is_file():
            remove_tree(path)


def add_facts(engine: dict[str, str | float], facts: Mapping[str, str | float]) -> None:
    """Add what an engine tells of one worker to what it told of others: numbers add up, names stand side by side."""
    for name, value in facts.items():
        before = engine.get(name)
        if isinstance(value, str):
            engine[name] = value if before in (None, value) else f"{before}, {value}"
        else:
            engine[name] = value + (before if isinstance(before, int | float) else 0)


def _result(work: Path) -> JobResult | None:
    try:
        return JobResult.model_validate_json(read_plain(work / RESULT))
    except (OSError, ValueError):
        # Never written, or cut off by a full disk; the outcome and the log tell the rest.
        return None


def _explain(
    job: Job | ScoreJob, job_folder: Path, outcome: Outcome, result: JobResult | None, log: str
) -> WorkerError | EnvironmentUnavailableError:
    where = job.where
    if result is not None and result.error and not result.traceback:
        return WorkerError(result.error.removeprefix(f"{where}: "), where=where)
    if result is not None and result.error:
        return WorkerError(f"{result.error}\n{result.traceback}", where=where)
    if shutil.disk_usage(job_folder).free < ALMOST_FULL:
        fix = "Make room and run again; what was answered is kept"
        return WorkerError("the worker stopped because the disk is full", where=str(job_folder), fix=fix)
    if outcome.kind == "environment_missing":
        return EnvironmentUnavailableError(outcome.detail, where=where)
    if outcome.exit_code == DEVICE_IN_USE:
        return WorkerError("a GPU that was leased for it is in use by another worker", where=where, fix=IN_USE)
    return WorkerError(f"{outcome.detail or outcome.kind}; the end of its log:\n{log}\n", where=where)
