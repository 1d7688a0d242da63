"""Ask a model every sample of a dataset, in its environment, and make the `answers` table."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from vlmbench_assets.contracts import ANSWERS
from vlmbench_assets.gpus.leases import Need
from vlmbench_assets.questions import Questions, sample_digest
from vlmbench_assets.tables import rows_of, table_from_rows
from vlmbench_assets.work.attempt import Attempt
from vlmbench_assets.work.merge import shard_folder
from vlmbench_assets.work.prompt import RenderedPrompt
from vlmbench_assets.work.watch import LOOK_EVERY_S, Surroundings
from vlmbench_sdk import Environment, Example, Options, Prepared, Request, WorkerError
from vlmbench_sdk.job import Job, JobResult
from vlmbench_sdk.journal import Answered

LOG = "worker.log"


@dataclass(frozen=True, slots=True)
class Worker:
    """Where and how a cell's worker runs."""

    environment: Environment[Options]
    prepared: Prepared
    work: Path
    """The worker's folder; only the journal in it is older than this run."""
    image_root: Path | None
    """Folder of the images that it is asked about; None for a worker that sees none."""
    secrets: Mapping[str, str]
    """Environment variables of the host that entries ask for."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Further environment variables, which anybody may see."""
    need: Need | None = None
    """The GPUs that must be leased for it; None where none are, or where something else gives them out."""
    gpus_wanted: int = 0
    """How many GPUs the model asks for, whoever gives them out."""
    shards: int = 1
    """How many workers share the cell's samples."""
    shard: int | None = None
    """Which of them this is; None for a worker that is alone."""
    examples_root: Path | None = None
    """Folder of the images of examples; None where there are none."""
    timeout_s: float | None = None
    disk_gib: float | None = None
    """A worker that leaves more than this in its folder is stopped."""
    engine: dict[str, str | float] = field(default_factory=dict)
    """What the engine tells of the run once the worker has ended."""

    @property
    def log(self) -> Path:
        """What the worker printed; beside its folder, where it cannot write."""
        return (
            self.work.with_name(LOG) if self.shard is None else self.work.parent.with_name(f"worker.{self.shard}.log")
        )

    def of_shard(self, number: int) -> "Worker":
        """The worker of one shard, with a folder and a log of its own."""
        return replace(self, shard=number, work=shard_folder(self.work, number))


def ask(job: Job, requests: list[Request], worker: Worker, around: Surroundings) -> JobResult:
    """Run the worker to its end.

    Raises:
        WorkerError: When it did not answer everything: its own reason, or exit status and end of its log.
        EnvironmentUnavailableError: When it could not be started.
    """
    with Attempt(job, requests, worker, around) as attempt:
        while (ended := attempt.step(LOOK_EVERY_S)) is None:
            continue
    return ended.result()


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
    samples: pd.DataFrame,
    questions: Questions,
    prompts: Mapping[str, RenderedPrompt],
    image_root: Path,
    shown: Callable[[Example], Example],
) -> list[Request]:
    """Turn the samples of some questions into requests: no gold, prompts rendered, image paths absolute.

    Args:
        samples: The samples table.
        questions: Which of them to ask.
        prompts: Rendered prompt of each sample.
        image_root: What the samples' images are relative to.
        shown: Gives an example whose images the worker can read.
    """
    digests = questions.digests
    return [
        Request(
            sample_id=row["sample_id"],
            images=tuple(str(image_root / image) for image in json.loads(row["images"])),
            prompt=prompts[row["sample_id"]].user,
            system=prompts[row["sample_id"]].system,
            examples=tuple(shown(each) for each in prompts[row["sample_id"]].examples),
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
