"""Logs of Inspect, version 2: `*.eval` (a zip archive, packed with Zstandard) and `*.json`; written as JSON.

Formats: inspect_ai/log/_log.py (`EvalLog`, `EvalSample`); archives hold `header.json` and `samples/ID_epoch_N.json`.
"""

import json
from datetime import datetime, timezone

from pydantic import Field, JsonValue

from vlmbench_exchange.carried import KEY, carried_of, stem, with_carried
from vlmbench_exchange.chat import (
    Message,
    Open,
    Output,
    asked_of,
    error_of,
    first_question,
    images_of,
    output_of,
    status_of,
    text_of,
)
from vlmbench_exchange.options import InspectOptions
from vlmbench_exchange.reading import Mistakes, parsed, read_text, refuse
from vlmbench_exchange.zips import Archive
from vlmbench_sdk import ExportedCell, ExportJob, ImportedLog, ImportJob, NoOptions, Prediction, Row

VERSION = 2


class _Dataset(Open):
    name: str | None = None


class _Eval(Open):
    task: str = ""
    model: str = ""
    dataset: _Dataset = _Dataset()
    packages: dict[str, str] = Field(default_factory=dict)


class _Error(Open):
    message: str = ""


class _Sample(Open):
    id: int | str
    epoch: int = 1
    input: str | list[Message] = ""
    target: str | list[str] = ""
    output: Output = Output()
    error: _Error | None = None
    completed_at: str | None = None
    attachments: dict[str, str] = Field(default_factory=dict)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class _Log(Open):
    version: int
    eval: _Eval
    samples: list[_Sample] | None = None


def read(job: ImportJob[InspectOptions]) -> ImportedLog:
    """Read a log.

    Raises:
        ExchangeError: When it is none, has several epochs and none was chosen, or samples are not as Inspect has them.
    """
    mistakes = Mistakes(job.file)
    packed = job.file.suffix == ".eval"
    archive = Archive(job.file) if packed else None
    head = parsed(archive.read("header.json") if archive else read_text(job.file), _Log, "the log", mistakes)
    mistakes.raise_if_any()
    if head is None or head.version != VERSION:
        raise refuse(job.file, f"it has version {head.version if head else 0} of the format; {VERSION} is known")
    samples = head.samples or []
    for name in sorted(archive.members) if archive else ():
        if archive and name.startswith("samples/") and name.endswith(".json"):
            sample = parsed(archive.read(name), _Sample, name, mistakes)
            samples += [sample] if sample else []
    mistakes.raise_if_any()
    epochs = sorted({sample.epoch for sample in samples})
    if job.options.epoch is None and len(epochs) > 1:
        shown = ", ".join(str(each) for each in epochs)
        raise refuse(job.file, f"it has the epochs {shown}", "Choose one with `--option epoch=N`")
    chosen = job.options.epoch or (epochs[0] if epochs else 1)
    found = tuple(_prediction(each, mistakes) for each in samples if each.epoch == chosen)
    mistakes.raise_if_any()
    version = head.eval.packages.get("inspect_ai", "")
    return ImportedLog(
        predictions=found,
        tool=f"inspect_ai {version}".strip(),
        model=head.eval.model,
        dataset=head.eval.dataset.name or head.eval.task,
    )


def _prediction(sample: _Sample, mistakes: Mistakes) -> Prediction:
    asked = Message(content=sample.input) if isinstance(sample.input, str) else first_question(sample.input)
    output, text = sample.output, sample.output.text(sample.attachments)
    error = (sample.error.message if sample.error else output.error) or ("no message" if sample.error else "")
    target = [sample.target] if isinstance(sample.target, str) else sample.target
    found = Prediction(
        where=f"sample {sample.id}",
        sample_id=str(sample.id),
        images=images_of(asked.content) if asked else (),
        question=text_of(asked.content, sample.attachments) if asked else "",
        gold=tuple(each for each in target if each),
        answer="" if error else text,
        status=status_of(text, output.stop_reason, error),
        finish_reason=output.stop_reason,
        error=error,
        latency_ms=output.latency_ms,
        input_tokens=output.usage.input_tokens if output.usage else None,
        output_tokens=output.usage.output_tokens if output.usage else None,
        answered_at=_utc(sample.completed_at or ""),
    )
    carried = sample.metadata.get(KEY)
    return with_carried(found, json.dumps(carried) if carried else "", mistakes)


def _utc(time: str) -> str:
    try:
        return datetime.fromisoformat(time.replace("Z", "+00:00")).astimezone(timezone.utc).isoformat()
    except ValueError:
        return ""


def write(job: ExportJob[NoOptions]) -> None:
    """Write one log for each cell, without scores: Inspect's own scorers can be run over it."""
    for cell in job.cells:
        samples = {str(row["sample_id"]): row for row in job.dataset(cell.dataset).samples}
        shown = [_sample(samples[str(answer["sample_id"])], answer, cell.model) for answer in cell.answers]
        log = {
            "version": VERSION,
            "status": "success",
            "eval": _head(cell, shown),
            "plan": {},
            "samples": shown,
        }
        content = json.dumps(log, ensure_ascii=False, indent=1)
        (job.out / f"{stem(cell.model, cell.dataset)}.json").write_bytes(content.encode("utf-8", "replace"))


def _head(cell: ExportedCell, samples: list[dict[str, object]]) -> dict[str, object]:
    created = max((str(answer["answered_at"]) for answer in cell.answers), default="1970-01-01T00:00:00+00:00")
    return {
        "created": created,
        "task": cell.dataset,
        "dataset": {"name": cell.dataset, "samples": len(samples), "sample_ids": [each["id"] for each in samples]},
        "model": cell.model,
        "config": {"epochs": 1},
    }


def _sample(sample: Row, answer: Row, model: str) -> dict[str, object]:
    error = error_of(answer)
    return {
        "id": sample["sample_id"],
        "epoch": 1,
        "input": [asked_of(sample)],
        "target": json.loads(str(sample["references"])),
        "messages": [],
        "output": output_of(answer, model),
        "completed_at": answer["answered_at"],
        "metadata": {KEY: carried_of(answer)},
        **({"error": {"message": error, "traceback": "", "traceback_ansi": ""}} if error else {}),
    }
