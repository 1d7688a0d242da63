"""Samples logs of lmms-eval: one JSON object a sample.

Format: `save_results_samples` in lmms_eval/loggers/evaluation_tracker.py, `_process_document` in evaluator.py.

`doc_id` counts from 0 in the task's split. `resps` is what the model said; it is left out where the task's filters
changed nothing, and `filtered_resps` then is the same.
"""

import json

from pydantic import BaseModel, ConfigDict, JsonValue

from vlmbench_exchange.carried import KEY, carried_of, line_file, with_carried
from vlmbench_exchange.reading import Mistakes, gold_of, gold_text, read_json_lines
from vlmbench_sdk import Count, ExportJob, ImportedLog, ImportJob, NoOptions, Prediction


class _Tokens(BaseModel):
    output_tokens: Count | None = None


class _Line(BaseModel):
    # Each task adds keys of its own.
    model_config = ConfigDict(extra="ignore", strict=True)

    doc_id: Count
    target: JsonValue = None
    input: JsonValue = None
    resps: JsonValue = None
    filtered_resps: JsonValue
    token_counts: list[_Tokens | None] | None = None
    vlmbench: dict[str, JsonValue] | None = None


def read(job: ImportJob[NoOptions]) -> ImportedLog:
    """Read a samples log.

    Raises:
        ExchangeError: When lines are not as lmms-eval writes them, or a sample was answered more than once.
    """
    mistakes = Mistakes(job.file)
    predictions = tuple(_prediction(where, line, mistakes) for where, line in read_json_lines(job.file, _Line))
    mistakes.raise_if_any()
    return ImportedLog(predictions=predictions, tool="lmms-eval", dataset=job.file.stem.rpartition("samples_")[2])


def _prediction(where: str, line: _Line, mistakes: Mistakes) -> Prediction:
    said = _text(line.filtered_resps if line.resps is None else line.resps)
    if said is None:
        mistakes.add(
            where, "key 'filtered_resps': one text is expected; several answers to a sample cannot be imported"
        )
    counts = line.token_counts or []
    found = Prediction(
        where=where,
        position=line.doc_id,
        question=line.input if isinstance(line.input, str) else "",
        gold=_gold(line.target),
        answer=said or "",
        status="ok" if said else "empty",
        output_tokens=counts[0].output_tokens if len(counts) == 1 and counts[0] else None,
    )
    return with_carried(found, json.dumps(line.vlmbench) if line.vlmbench else "", mistakes)


def _gold(target: JsonValue) -> tuple[str, ...]:
    """References: one text or number, or a list of them."""
    if isinstance(target, str | None):
        return gold_of(target)
    each = target if isinstance(target, list) else [target]
    said = [one for one in each if one not in ("", None)]
    return tuple(one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in said)


def _text(value: JsonValue) -> str | None:
    """The one text inside of lists in lists."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, str) else None


def write(job: ExportJob[NoOptions]) -> None:
    """Write one log for each cell."""
    for cell in job.cells:
        samples = job.dataset(cell.dataset).samples
        places = {str(row["sample_id"]): number for number, row in enumerate(samples)}
        lines = []
        for answer in cell.answers:
            place = places[str(answer["sample_id"])]
            sample = samples[place]
            line = {
                "doc_id": place,
                "target": gold_text(tuple(json.loads(str(sample["references"])))),
                "filtered_resps": [answer["answer"]],
                "doc_hash": sample["sample_id"],
                "input": sample["question"],
                **({"token_counts": [{"output_tokens": tokens}]} if (tokens := answer["output_tokens"]) else {}),
                KEY: carried_of(answer),
            }
            lines.append(json.dumps(line, ensure_ascii=False) + "\n")
        path = line_file(job.out / cell.model, f"samples_{cell.dataset}.jsonl")
        path.write_bytes("".join(lines).encode("utf-8", "replace"))
