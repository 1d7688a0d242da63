"""The worker: ``python -m vlmbench_sdk.runner JOB.json``, in every environment, under Dagster Pipes or alone.

It reads `job.json` and `requests.jsonl`, appends to `journal.jsonl` as answers come, and leaves `result.json`
beside them. Exit status: 0 when every request has a row, 1 when the model cannot be loaded or asked,
2 when the job itself cannot be read, 143 when it was stopped.
"""

import os
import platform
import signal
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timezone
from importlib.metadata import distributions
from pathlib import Path
from typing import cast

from dagster_pipes import DAGSTER_PIPES_CONTEXT_ENV_VAR, PipesContext, open_dagster_pipes
from pydantic import JsonValue

from vlmbench_sdk.asking import ask_all
from vlmbench_sdk.errors import ModelError, PluginError
from vlmbench_sdk.failing import reported
from vlmbench_sdk.job import GPUS_WANTED, JOURNAL, REQUESTS, RESULT, Job, JobResult, read_job
from vlmbench_sdk.journal import Answered, JournalWriter
from vlmbench_sdk.model import Model, ModelSettings
from vlmbench_sdk.plugin_specs import Options, resolve
from vlmbench_sdk.plugins import load_plugins
from vlmbench_sdk.records import Answer, Request
from vlmbench_sdk.secrets import fill_secrets
from vlmbench_sdk.supervisor import supervise
from vlmbench_sdk.watching import ImageWatch

LONGEST_ANSWER = 1_000_000
"""Characters; a longer answer is a fault of the model's code, and would only fill memory and tables."""


def main(argv: list[str] | None = None) -> int:
    """Run one job and return the exit status."""
    arguments = sys.argv[1:] if argv is None else argv
    if len(arguments) != 1:
        print("usage: python -m vlmbench_sdk.runner JOB.json", file=sys.stderr)
        return 2
    supervise(Path(arguments[0]).parent)
    signal.signal(signal.SIGTERM, _stop)
    with _pipes() as pipes:
        return _run(Path(arguments[0]), pipes)


def _stop(*_: object) -> None:
    # Without this a polite stop would skip `close` and the journal's last sync; a second one would cut them off.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def _pipes() -> AbstractContextManager[PipesContext | None]:
    """Open Dagster Pipes when started through it.

    Started alone, `open_dagster_pipes` would hand out a mock that swallows everything it is told.
    """
    if DAGSTER_PIPES_CONTEXT_ENV_VAR in os.environ:
        return open_dagster_pipes()
    return nullcontext()


def _run(job_path: Path, pipes: PipesContext | None) -> int:
    try:
        job = read_job(job_path)
        requests = _read_requests(job_path.parent / REQUESTS)
    except (OSError, ValueError) as error:
        print(f"{job_path}: cannot be read as a job: {error}", file=sys.stderr)
        return 2
    work = job_path.parent
    result = _answer(job, requests, work)
    try:
        (work / RESULT).write_text(result.model_dump_json(indent=2), encoding="utf-8")
    except OSError as error:
        print(f"{work / RESULT}: cannot be written: {error}", file=sys.stderr)
        return 1
    print(_summary(job, result, len(requests)), file=sys.stderr, flush=True)
    if pipes is not None:
        pipes.log.info(_summary(job, result, len(requests)))
    return 0 if result.finished else 1


def _answer(job: Job, requests: list[Request], work: Path) -> JobResult:
    """Load the model, ask it, and report; every failure becomes a result that says what happened."""
    load_s = answer_s = None
    answered = 0
    resolved = Options()
    facts: dict[str, JsonValue] = {}
    with reported() as failure:
        started = time.monotonic()
        _refuse_missing_gpus(job)
        model, resolved = make_model(job)
        try:
            model.load()
            load_s = time.monotonic() - started
            started = time.monotonic()
            answered = _journal_answers(job, model, requests, work / JOURNAL)
            answer_s = time.monotonic() - started
            facts = model.facts()
        finally:
            model.close()
    return JobResult(
        finished=not failure.error and answered == len(requests),
        error=failure.error,
        traceback=failure.traceback,
        answered=answered,
        load_s=load_s,
        answer_s=answer_s,
        resolved_options=resolved.model_dump(mode="json"),
        model_facts=facts,
        python=platform.python_version(),
        packages={d.name: d.version for d in distributions()},
        hardware=_hardware(),
    )


def _refuse_missing_gpus(job: Job) -> None:
    wanted = int(os.environ.get(GPUS_WANTED, "0"))
    # NVIDIA's, AMD's and WSL's. Apptainer's --nv without a driver succeeds without a word.
    if wanted and not any(path.exists() for path in map(Path, ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg"))):
        raise ModelError(
            f"it asks for {wanted} GPU(s), and none can be seen where its worker runs",
            where=job.where,
            fix="Look at the environment's options, and with `nvidia-smi` whether the driver works there",
        )


def make_model(job: Job) -> tuple[Model[Options], Options]:
    """Find the job's plugin, check its options, and make the model without loading it.

    Returns the model, and its options with defaults filled in and secrets left out.

    Raises:
        PluginError: When the plugin is not installed here, or names something that is not a `Model`.
    """
    plugin = load_plugins().models.get(job.plugin)
    if plugin is None:
        raise PluginError(
            f"model plugin {job.plugin!r} is not installed in this environment",
            where=f"model {job.model}",
            fix="Add the plugin's distribution to the environment's requirements",
        )
    declared = plugin.options.model_validate(job.options)
    options = plugin.options.model_validate(fill_secrets(job.options, os.environ))
    backend = resolve(plugin.backend, owner=f"model plugin {plugin.name}")
    if not (isinstance(backend, type) and issubclass(backend, Model)):
        raise PluginError(
            f"{plugin.backend!r} is not a subclass of vlmbench_sdk.Model",
            where=f"model plugin {plugin.name}",
        )
    settings = ModelSettings(name=job.model, revision=job.revision, generation=job.generation, retry=job.retry)
    return cast("type[Model[Options]]", backend)(options, settings), declared


def _journal_answers(job: Job, model: Model[Options], requests: list[Request], journal: Path) -> int:
    """Journal every answer as it comes; return how many there were."""
    asked, watch = {request.sample_id: request for request in requests}, ImageWatch()
    with JournalWriter(journal) as writer:
        for answer in ask_all(model, requests, job.retry, check=watch.problem):
            request = asked[answer.sample_id]
            if problem := watch.changed(request) or _too_long(answer):
                answer = Answer(sample_id=answer.sample_id, status="error", error=problem)
            writer.append(_stamp(answer, job.digest, request.digest))
        return writer.count


def _too_long(answer: Answer) -> str:
    characters = len(answer.answer) + len(answer.error)
    return f"the answer has {characters} characters, more than {LONGEST_ANSWER}" if characters > LONGEST_ANSWER else ""


def _stamp(answer: Answer, model_digest: str, question_digest: str) -> Answered:
    """Add the time and the digests, and make the text encodable.

    A model may produce half of a surrogate pair, which UTF-8 cannot hold; U+FFFD stands for it.
    """
    fields = answer.model_dump()
    for name in ("answer", "error", "finish_reason"):
        fields[name] = fields[name].encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return Answered(
        **fields,
        answered_at=datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        model_digest=model_digest,
        question_digest=question_digest,
    )


def _read_requests(path: Path) -> list[Request]:
    with path.open("rb") as lines:
        return [Request.model_validate_json(line) for line in lines]


def _hardware() -> dict[str, str]:
    found = {"machine": platform.machine(), "cores": str(os.cpu_count()), "system": platform.platform()}
    for name, key, path in (
        ("processor", "model name", "/proc/cpuinfo"),
        ("memory", "MemTotal", "/proc/meminfo"),
    ):
        if value := _proc(path, key):
            found[name] = value
    return found


def _proc(path: str, key: str) -> str:
    """Return the first value of `key` in a file of `key : value` lines; empty where there is none."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _summary(job: Job, result: JobResult, asked: int) -> str:
    if result.error:
        return f"model {job.model}: {result.error}"
    return f"model {job.model}: {result.answered} of {asked} answered in {result.answer_s or 0:.1f} s"


if __name__ == "__main__":
    sys.exit(main())
