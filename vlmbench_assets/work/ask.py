"""Ask a model every sample of a dataset, in its environment, and make the `answers` table."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from vlmbench_assets.contracts import ANSWERS
from vlmbench_assets.files import write_atomically
from vlmbench_assets.questions import Questions, sample_digest
from vlmbench_assets.tables import rows_of, table_from_rows
from vlmbench_assets.work.prompt import RenderedPrompt
from vlmbench_assets.work.watch import Progress, Say, Watch
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
from vlmbench_sdk.job import JOB, REQUESTS, RESULT, Job, JobResult
from vlmbench_sdk.journal import Answered
from vlmbench_sdk.plain_files import read_plain
from vlmbench_sdk.usage import USAGE

LOG = "worker.log"
ALMOST_FULL = 16_384
"""With less room than this, in bytes, a worker can no longer say why it stopped."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Where and how a cell's worker runs."""

    environment: Environment[Options]
    prepared: Prepared
    work: Path
    """The worker's folder; only the journal in it is older than this run."""
    image_root: Path
    secrets: Mapping[str, str]
    """Environment variables of the host that entries ask for."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Further environment variables, which anybody may see."""
    timeout_s: float | None = None
    disk_gib: float | None = None
    """A worker that leaves more than this in its folder is stopped."""
    engine: dict[str, str | float] = field(default_factory=dict)
    """What the engine tells of the run once the worker has ended."""

    @property
    def log(self) -> Path:
        """What the worker printed; beside its folder, where it cannot write."""
        return self.work.with_name(LOG)

    def with_env(self, more: Mapping[str, str]) -> "Worker":
        """The same worker with further environment variables."""
        return replace(self, env={**self.env, **more})


def ask(job: Job, requests: list[Request], worker: Worker, progress: Progress, say: Say) -> JobResult:
    """Run the worker to its end.

    Raises:
        WorkerError: When it did not answer everything: its own reason, or exit status and end of its log.
        EnvironmentUnavailableError: When it could not be started.
    """
    for name in (RESULT, USAGE):
        (worker.work / name).unlink(missing_ok=True)
    write_atomically(worker.work / JOB, job.model_dump_json(indent=2).encode())
    lines = "".join(request.model_dump_json() + "\n" for request in requests)
    write_atomically(worker.work / REQUESTS, lines.encode())
    launch = Launch(
        arguments=("-m", "vlmbench_sdk.runner", str(worker.work / JOB)),
        work=worker.work,
        log=worker.log,
        readable=(worker.image_root,),
        env=worker.env,
        secrets=worker.secrets,
    )
    watch = Watch(worker, len(requests), progress, say)
    handle = worker.environment.launch(worker.prepared, launch)
    outcome: Outcome | None = None
    try:
        outcome = watch.until_it_ends(handle)
    finally:
        # Whatever ended the wait (a cancelled run, Ctrl-C), the worker must not outlive it.
        if outcome is None:
            handle.cancel()
    worker.engine.update(handle.facts())
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


def _result(work: Path) -> JobResult | None:
    try:
        return JobResult.model_validate_json(read_plain(work / RESULT))
    except (OSError, ValueError):
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
