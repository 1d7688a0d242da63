"""Make a cell's `answers`: ask what has no answer yet, and publish the table."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from pydantic import JsonValue

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import ANSWERS, UNANSWERED
from vlmbench_assets.files import write_atomically
from vlmbench_assets.imported_model import is_imported
from vlmbench_assets.lineage import Lineage, digest_json
from vlmbench_assets.made_from import LOCK, QUESTIONS, MadeFrom, without
from vlmbench_assets.make.kept import ASKED_AGAIN, KeptAnswers
from vlmbench_assets.make.samples import ensure_samples, image_root, samples_of
from vlmbench_assets.prompting import asked_of, collection_of, prompts_used
from vlmbench_assets.questions import Questions
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import checked_csv, rows_of, to_csv
from vlmbench_assets.work.ask import Worker, answers_table, ask, make_requests
from vlmbench_assets.work.examples import copied_examples
from vlmbench_assets.work.prompt import RenderedPrompt
from vlmbench_assets.work.shards import ask_in_shards
from vlmbench_assets.work.watch import Say, Surroundings
from vlmbench_assets.worker import model_job, prepare_worker, run_facts
from vlmbench_sdk import WorkerError, WorkspaceError
from vlmbench_sdk.job import JobResult
from vlmbench_sdk.journal import Answered


@dataclass(frozen=True, slots=True)
class Asking:
    """What to ask of a cell."""

    limit: int | None = None
    """Ask only the first samples; what is answered beyond them is kept."""
    again: bool = False
    """Ask everything again, answered or not."""
    keep_errors: bool = False
    """Leave rows with status error or timeout as they are."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.again and self.limit is not None:
            raise WorkspaceError("only the first samples cannot be asked again", fix="Leave out the limit")


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A cell's questions, and who answers them."""

    bench: Bench
    cell: Cell
    how: Asking
    samples: pd.DataFrame
    prompts: dict[str, RenderedPrompt]
    questions: Questions
    kept: KeptAnswers

    def settled(self, lineage: Lineage) -> "_Settled":
        """What stands and what must be asked under a lineage."""
        answers, damaged = self.kept.answers(self.questions, digest_json(lineage))
        first = {each.sample_id for each in self.questions.items[: self.how.limit]}

        def is_open(sample_id: str) -> bool:
            if sample_id not in answers:
                return True
            failed = answers[sample_id].status in ASKED_AGAIN
            return failed and sample_id in first and not self.how.keep_errors

        table = self.questions.only(first | set(answers))
        open_ = table.only(each.sample_id for each in table.items if is_open(each.sample_id))
        return _Settled(answers, table, open_, damaged)


@dataclass(frozen=True, slots=True)
class _Settled:
    """Which questions of a cell are answered, and which are not."""

    answers: dict[str, Answered]
    table: Questions
    """Those that the table is for."""
    open: Questions
    """Those of them that must be asked."""
    damaged: int
    """Lines of the journal that are not what was written."""


def make_answers(bench: Bench, cell: Cell, how: Asking, around: Surroundings) -> tuple[pd.DataFrame, Manifest]:
    """Ask every question of a cell that has no answer yet, and publish all answers.

    Raises:
        WorkerError: When the worker did not answer everything, or nothing was answered at all.
        EnvironmentUnavailableError: When the model's environment cannot be made.
    """
    if is_imported(bench, cell.model):
        from vlmbench_assets.make.imported import refit

        return refit(bench, cell)
    inquiry = inquire(bench, cell, how)
    inquiry.kept.open(again=how.again)
    lineage = MadeFrom(bench).model_of(cell, bench.store.manifest("answers", cell.dataset, cell.model))
    settled = inquiry.settled(lineage)
    inquiry.kept.restore(settled.answers.values())
    open_, facts = settled.open, _facts(inquiry, lineage)
    if open_.items:
        root = image_root(bench, cell.dataset)
        worker = prepare_worker(bench, cell, inquiry.kept.work, root, around.say)
        if worker.prepared.digest and worker.prepared.digest != lineage.get(LOCK):
            lineage[LOCK] = worker.prepared.digest
            open_, facts = inquiry.settled(lineage).open, _facts(inquiry, lineage)
        if open_.items:
            started = time.monotonic()
            result = _ask(inquiry, lineage, open_, worker, around)
            wall_s = time.monotonic() - started
            run = run_facts(bench, cell.model, worker, result, wall_s)
            facts = _with_run(facts, run, len(open_.items))
    return _publish(inquiry, lineage, facts, around.say)


def inquire(bench: Bench, cell: Cell, how: Asking) -> Inquiry:
    """Read what a cell asks, and what of it is answered."""
    ensure_samples(bench, cell.dataset)
    samples = samples_of(bench, cell.dataset)
    prompts, questions = asked_of(bench, cell, rows_of(samples))
    kept = KeptAnswers(bench.store, cell.dataset, cell.model)
    return Inquiry(bench, cell, how, samples, prompts, questions, kept)


def _ask(inquiry: Inquiry, lineage: Lineage, open_: Questions, worker: Worker, around: Surroundings) -> JobResult:
    bench, cell = inquiry.bench, inquiry.cell
    already = len(inquiry.questions.items) - len(open_.items)
    if already:
        around.say(f"{already} of {len(inquiry.questions.items)} samples need not be asked")
    root = image_root(bench, cell.dataset)
    shown = copied_examples(inquiry.prompts, open_, inquiry.kept.examples)
    requests = make_requests(inquiry.samples, open_, inquiry.prompts, root, shown)
    if any(request.examples for request in requests):
        worker = replace(worker, examples_root=inquiry.kept.examples)
    job = model_job(bench, cell.model, digest_json(lineage))
    if min(worker.shards, len(requests)) > 1:
        return ask_in_shards(job, requests, worker, around)
    return ask(job, requests, worker, around)


def _publish(
    inquiry: Inquiry, lineage: Lineage, facts: dict[str, JsonValue], say: Say
) -> tuple[pd.DataFrame, Manifest]:
    settled = inquiry.settled(lineage)
    if settled.damaged:
        say(f"{settled.damaged} lines of {inquiry.kept.journal} are damaged; their samples were asked again")
    return publish_answers(inquiry, lineage, facts, settled.table, settled.answers)


def publish_answers(
    inquiry: Inquiry,
    lineage: Lineage,
    facts: dict[str, JsonValue],
    table: Questions,
    answers: dict[str, Answered],
    *,
    final: bool = False,
) -> tuple[pd.DataFrame, Manifest]:
    """Publish answers.

    Args:
        inquiry: What is asked.
        lineage: What the answers depend on besides the questions.
        facts: What else the manifest tells.
        table: The questions that the table is for.
        answers: The answer to each of them.
        final: Whether rows that failed are never asked again.

    Raises:
        WorkerError: When nothing was answered at all.
    """
    bench, cell = inquiry.bench, inquiry.cell
    frame = answers_table(table, inquiry.prompts, answers)
    path = bench.store.table("answers", cell.dataset, cell.model)
    _refuse_all_failed(frame, cell, path)
    bench.store.objects.put(table.content)
    said = frame[["sample_id", "status", "answer"]]
    manifest = bench.store.publish(
        "answers",
        cell.dataset,
        cell.model,
        files={path.name: checked_csv(frame, ANSWERS, path)},
        lineage={**lineage, QUESTIONS: table.digest},
        digests={"said": digest_json(sorted(said.itertuples(index=False, name=None)))},
        facts={
            **facts,
            "questions_key": MadeFrom(bench).questions_key(cell, bench.store.manifest("samples", cell.dataset)),
            "prompts": prompts_used(bench, cell.model),
            "prompt_files": dict(collection.files) if (collection := collection_of(bench, cell.model)) else {},
            "samples": len(frame),
            "samples_in_dataset": len(inquiry.questions.items),
            "asked_again_next": 0 if final else int(frame["status"].isin(ASKED_AGAIN).sum()),
            "input_tokens": _total(frame["input_tokens"]),
            "output_tokens": _total(frame["output_tokens"]),
            "rows_with_tokens": int(frame["output_tokens"].notna().sum()),
        },
    )
    inquiry.kept.close()
    return frame, manifest


def _facts(inquiry: Inquiry, lineage: Lineage) -> dict[str, JsonValue]:
    """What stays true of earlier runs of the same model: hardware, packages, and how long how much took."""
    before = inquiry.bench.store.manifest("answers", inquiry.cell.dataset, inquiry.cell.model)
    if before is None or without(before.lineage, QUESTIONS) != lineage or inquiry.how.again:
        return {"asked": 0, "answer_s": 0.0}
    return dict(before.facts)


def _with_run(before: dict[str, JsonValue], run: dict[str, JsonValue], asked: int) -> dict[str, JsonValue]:
    """Add a run: `asked` and `answer_s` are totals, so that their quotient is the model's speed."""
    seconds, earlier_s, earlier = run.get("answer_s"), before.get("answer_s"), before.get("asked")
    return {
        **before,
        **run,
        "asked": asked + (earlier if isinstance(earlier, int) else 0),
        "answer_s": _number(seconds) + _number(earlier_s),
    }


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _total(column: "pd.Series[int]") -> int | None:
    return int(column.sum()) if column.notna().any() else None


def _refuse_all_failed(frame: pd.DataFrame, cell: Cell, path: Path) -> None:
    if len(frame) and frame["status"].isin(UNANSWERED).all():
        kept = path.with_name("answers.failed.csv")
        write_atomically(kept, to_csv(frame).encode("utf-8", "replace"))
        reasons = frame["error"].value_counts()
        raise WorkerError(
            f"none of {len(frame)} samples was answered; most often: {reasons.index[0]}",
            where=str(cell),
            fix=f"The table is kept as {kept.name} for a look",
        )
