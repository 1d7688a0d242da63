"""Ask a model every sample of a dataset, in its environment, and make the `answers` table."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from vlmbench_assets.contracts import ANSWERS
from vlmbench_assets.lineage import digest_json
from vlmbench_assets.tables import table_from_rows
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
from vlmbench_sdk.journal import read_journal

LOOK_EVERY_S = 0.2

Progress = Callable[[int, int], None]
"""Called with samples done and samples in all, a few times a second at most."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Where and how a cell's worker runs."""

    environment: Environment[Options]
    prepared: Prepared
    work: Path
    """The worker's folder, empty."""
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
    (worker.work / JOB).write_text(job.model_dump_json(indent=2), encoding="utf-8")
    lines = "".join(request.model_dump_json() + "\n" for request in requests)
    (worker.work / REQUESTS).write_text(lines, encoding="utf-8")
    arguments = ("-m", "vlmbench_sdk.runner", str(worker.work / JOB))
    launch = Launch(arguments=arguments, work=worker.work, readable=(worker.image_root,), env=worker.env)
    handle = worker.environment.launch(worker.prepared, launch)
    outcome: Outcome | None = None
    try:
        outcome = _follow(handle.wait, worker, len(requests), progress)
    finally:
        # Whatever ended the wait (a cancelled run, Ctrl-C), the worker must not outlive it.
        if outcome is None:
            handle.cancel()
    if outcome.kind == "timeout":
        handle.cancel()
    result = _result(worker.work)
    if outcome.kind == "ok" and result is not None and result.finished:
        return result
    raise _explain(job, outcome, result, handle.log_tail())


def answers_table(
    requests: list[Request],
    prompts: Mapping[str, RenderedPrompt],
    model_digest: str,
    image_digests: Mapping[str, str],
    journal: Path,
) -> pd.DataFrame:
    """Make the `answers` table from a journal, in the order of the requests.

    Args:
        requests: What was asked.
        prompts: Rendered prompt of each sample.
        model_digest: Digest of everything about the model but its prompts.
        image_digests: The samples' `image_sha256` cells.
        journal: The worker's journal.

    Raises:
        WorkerError: When the journal lacks an answer.
    """
    answers = {answer.sample_id: answer for answer in read_journal(journal)}
    unanswered = [request.sample_id for request in requests if request.sample_id not in answers]
    if unanswered:
        raise WorkerError(
            f"{len(unanswered)} of {len(requests)} samples have no answer, the first is {unanswered[0]!r}",
            where=str(journal),
        )
    rows = []
    for request in requests:
        prompt = prompts[request.sample_id]
        made_from = [model_digest, prompt.sha256, image_digests[request.sample_id]]
        row = answers[request.sample_id].model_dump()
        rows.append({**row, "prompt_sha256": prompt.sha256, "sample_digest": digest_json(made_from)})
    return table_from_rows(ANSWERS, rows)


def make_requests(samples: pd.DataFrame, prompts: Mapping[str, RenderedPrompt], image_root: Path) -> list[Request]:
    """Turn samples into requests: no gold, prompts rendered, image paths absolute."""
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
        )
        for row in samples.to_dict("records")
    ]


def _follow(wait: Callable[[float], Outcome | None], worker: Worker, total: int, progress: Progress) -> Outcome:
    started, done, read = time.monotonic(), 0, 0
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


def _result(work: Path) -> JobResult | None:
    path = work / RESULT
    return JobResult.model_validate_json(path.read_bytes()) if path.exists() else None


def _explain(
    job: Job, outcome: Outcome, result: JobResult | None, log: str
) -> WorkerError | EnvironmentUnavailableError:
    where = f"model {job.model}"
    if result is not None and result.error and not result.traceback:
        return WorkerError(result.error.removeprefix(f"{where}: "), where=where)
    if result is not None and result.error:
        return WorkerError(f"{result.error}\n{result.traceback}", where=where)
    if outcome.kind == "environment_missing":
        return EnvironmentUnavailableError(outcome.detail, where=where)
    return WorkerError(f"{outcome.detail or outcome.kind}; the end of its log:\n{log}\n", where=where)
