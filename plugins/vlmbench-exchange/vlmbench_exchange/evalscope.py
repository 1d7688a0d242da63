"""Predictions of evalscope: one JSON object a sample (evalscope/api/evaluator/cache.py, class `ModelResult`).

They are what it calls its cache: laid where it looks for them, it takes them for answered and goes on to its reviews.
"""

import json

from pydantic import Field, JsonValue

from vlmbench_exchange.carried import KEY, carried_of, line_file, with_carried
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
from vlmbench_exchange.reading import Mistakes, read_json_lines
from vlmbench_sdk import Count, ExportJob, ImportedLog, ImportJob, NoOptions, Prediction, Row

SUBSET = "default"
"""What evalscope calls the subset of a benchmark that has one only."""


class _Line(Open):
    index: Count
    model: str = ""
    model_output: Output | None = None
    messages: list[Message] = Field(default_factory=list)
    metadata: dict[str, JsonValue] | None = None


def read(job: ImportJob[NoOptions]) -> ImportedLog:
    """Read a file of predictions; `index` counts from 0 in the subset.

    Raises:
        ExchangeError: When lines are not as evalscope writes them.
    """
    mistakes = Mistakes(job.file)
    lines = list(read_json_lines(job.file, _Line))
    predictions = tuple(_prediction(where, line, mistakes) for where, line in lines)
    mistakes.raise_if_any()
    return ImportedLog(
        predictions=predictions,
        tool="evalscope",
        model=lines[0][1].model if lines else "",
        dataset=job.file.stem,
    )


def _prediction(where: str, line: _Line, mistakes: Mistakes) -> Prediction:
    output, asked = line.model_output, first_question(line.messages)
    text = output.text({}) if output else ""
    error = (output.error or "") if output else "the file has no output for it"
    found = Prediction(
        where=where,
        position=line.index,
        images=images_of(asked.content) if asked else (),
        question=text_of(asked.content, {}) if asked else "",
        answer="" if error else text,
        status=status_of(text, output.stop_reason if output else "", error),
        finish_reason=output.stop_reason if output else "",
        error=error,
        latency_ms=output.latency_ms if output else None,
        input_tokens=output.usage.input_tokens if output and output.usage else None,
        output_tokens=output.usage.output_tokens if output and output.usage else None,
    )
    carried = line.metadata.get(KEY) if line.metadata else None
    return with_carried(found, json.dumps(carried) if carried else "", mistakes)


def write(job: ExportJob[NoOptions]) -> None:
    """Write one file of predictions for each cell, where evalscope keeps them in a folder of outputs."""
    for cell in job.cells:
        samples = job.dataset(cell.dataset).samples
        places = {str(row["sample_id"]): number for number, row in enumerate(samples)}
        lines = []
        for answer in cell.answers:
            place = places[str(answer["sample_id"])]
            line = _line(place, samples[place], answer, cell.model)
            lines.append(json.dumps(line, ensure_ascii=False) + "\n")
        path = line_file(job.out / "predictions" / cell.model, f"{cell.dataset}_{SUBSET}.jsonl")
        path.write_bytes("".join(lines).encode("utf-8", "replace"))


def _line(place: int, sample: Row, answer: Row, model: str) -> dict[str, object]:
    error = error_of(answer)
    said = {"role": "assistant", "content": answer["answer"], "source": "generate", "model": model}
    return {
        "index": place,
        "model": model,
        "model_output": {**output_of(answer, model), "error": error or None},
        "messages": [asked_of(sample), said],
        "metadata": {KEY: carried_of(answer)},
    }
