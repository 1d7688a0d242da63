"""Ask a model every sample of a dataset, in its environment, and make the `answers` table."""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from vlmbench_assets.contracts import ANSWERS
from vlmbench_assets.files import write_atomically
from vlmbench_assets.questions import Questions, sample_digest
from vlmbench_assets.tables import rows_of, table_from_rows
from vlmbench_assets.work.prompt import RenderedPrompt
from vlmbench_sdk import (
    Environment,
    EnvironmentUnavailableError,
    Launch,
    Options,
    Outcome,
    Prepared,
    Request,
    WorkerError,
)
from vlmbench_sdk.job import JOB, JOURNAL, REQUESTS, RESULT, Job, JobResult
from vlmbench_sdk.journal import Answered

LOOK_EVERY_S = 0.2
ALMOST_FULL = 16_384
"""With less room than this, in bytes, a worker can no longer say why it stopped."""

Progress = Callable[[int, int], None]
"""Called with samples done and samples in all, a few times a second at most."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Where and how a cell's worker runs."""

    environment: Environment[Options]
    prepared: Prepared
    work: Path
    """The worker's folder; only the journal in it is older than this run."""
    image_root: Path
    env: Mapping[str, str]
    """Environment variables handed to the worker, secrets included."""
    timeout_s: float | None = None

    def with_env(self, more: Mapping[str, str]) -> "Worker":
        """The same worker with further environment variables."""
        return replace(self, env={**self.env, **more})


def ask(job: Job, requests: list[Request], worker: Worker, progress: Progress) -> JobResult:
    """Run the worker to its end.

    Raises:
        WorkerError: When it did not answer everything: its own reason, or exit status and end of its log.
        EnvironmentUnavailableError: When it could not be started.
    """
    (worker.work / RESULT).unlink(missing_ok=True)
    write_atomically(worker.work / JOB, job.model_dump_json(indent=2).encode())
    lines = "".join(request.model_dump_json() + "\n" for request in requests)
    write_atomically(worker.work / REQUESTS, lines.encode())
    arguments = ("-m", "vlmbench_sdk.runner", str(worker.work / JOB))
    launch = Launch(arguments=arguments, work=worker.work, readable=(worker.image_root,), env=worker.env)
    read = _size(worker.work / JOURNAL)
    handle = worker.environment.launch(worker.prepared, launch)
    outcome: Outcome | None = None
    try:
        outcome = _follow(handle.wait, worker, read, len(requests), progress)
    finally:
        # Whatever ended the wait (a cancelled run, Ctrl-C), the worker must not outlive it.
        if outcome is None:
            handle.cancel()
    if outcome.kind == "timeout":
        handle.cancel()
    result = _result(worker.work)
    if outcome.kind == "ok" and result is not None and result.finished:
        return result
    raise _explain(job, worker.work, outcome, result, handle.log_tail())


def answers_table(
    questions: Questions, prompts: Mapping[str, RenderedPrompt], answers: Mapping[str, Answered]
) -> pd.DataFrame:
    """Make the `answers` table, in the order of the questions.

    Args:
        questions: What was asked.
        prompts: Rendered prompt of each sample.
        answers: The answer to each of them.

    Raises:
        WorkerError: When an answer is lacking.
    """
    unanswered = [each.sample_id for each in questions.items if each.sample_id not in answers]
    if unanswered:
        raise WorkerError(
            f"{len(unanswered)} of {len(questions.items)} samples have no answer, the first is {unanswered[0]!r}",
            fix="The journal was damaged while it was read; run the cell again",
        )
    rows = []
    for question in questions.items:
        answer = answers[question.sample_id]
        digest = sample_digest(answer.model_digest, question.digest)
        prompt = prompts[question.sample_id].sha256
        rows.append({**answer.model_dump(), "prompt_sha256": prompt, "sample_digest": digest})
    return table_from_rows(ANSWERS, rows)


def make_requests(
    samples: pd.DataFrame, questions: Questions, prompts: Mapping[str, RenderedPrompt], image_root: Path
) -> list[Request]:
    """Turn the samples of some questions into requests: no gold, prompts rendered, image paths absolute."""
    digests = questions.digests
    return [
        Request(
            sample_id=row["sample_id"],
            images=tuple(str(image_root / image) for image in json.loads(row["images"])),
            prompt=prompts[row["sample_id"]].user,
            system=prompts[row["sample_id"]].system,
            doc_id=row["doc_id"],
            doc_type=row["doc_type"],
            field=row["field"],
            language=row["language"],
            answer_type=row["answer_type"],
            image_sha256=tuple(json.loads(row["image_sha256"])),
            digest=digests[row["sample_id"]],
        )
        for row in rows_of(samples)
        if row["sample_id"] in digests
    ]


def _follow(
    wait: Callable[[float], Outcome | None], worker: Worker, read: int, total: int, progress: Progress
) -> Outcome:
    """Wait for the worker's end, and report what it appends to its journal past byte `read`."""
    started, done = time.monotonic(), 0
    progress(0, total)
    while True:
        outcome = wait(LOOK_EVERY_S)
        found, read = _count_lines(worker.work / JOURNAL, read)
        if found:
            done += found
            progress(done, total)
        if outcome is not None:
            return outcome
        if worker.timeout_s is not None and time.monotonic() - started > worker.timeout_s:
            return Outcome(kind="timeout", detail=f"the worker ran longer than {worker.timeout_s:g} s")


def _count_lines(journal: Path, read: int) -> tuple[int, int]:
    """Count the lines past byte `read`; return them and the new position."""
    if not journal.exists():
        return 0, read
    with journal.open("rb") as file:
        file.seek(read)
        content = file.read()
    return content.count(b"\n"), read + len(content)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _result(work: Path) -> JobResult | None:
    try:
        return JobResult.model_validate_json((work / RESULT).read_bytes())
    except (FileNotFoundError, ValueError):
        # Never written, or cut off by a full disk; the outcome and the log tell the rest.
        return None


def _explain(
    job: Job, job_folder: Path, outcome: Outcome, result: JobResult | None, log: str
) -> WorkerError | EnvironmentUnavailableError:
    where = f"model {job.model}"
    if result is not None and result.error and not result.traceback:
        return WorkerError(result.error.removeprefix(f"{where}: "), where=where)
    if result is not None and result.error:
        return WorkerError(f"{result.error}\n{result.traceback}", where=where)
    if shutil.disk_usage(job_folder).free < ALMOST_FULL:
        fix = "Make room and run again; what was answered is kept"
        return WorkerError("the worker stopped because the disk is full", where=str(job_folder), fix=fix)
    if outcome.kind == "environment_missing":
        return EnvironmentUnavailableError(outcome.detail, where=where)
    return WorkerError(f"{outcome.detail or outcome.kind}; the end of its log:\n{log}\n", where=where)
