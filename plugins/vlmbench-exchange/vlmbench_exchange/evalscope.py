"""Predictions of evalscope: one JSON object a sample (evalscope/api/evaluator/cache.py, class `ModelResult`)."""

from pydantic import Field

from vlmbench_exchange.chat import Message, Open, Output, first_question, images_of, status_of, text_of
from vlmbench_exchange.reading import read_json_lines
from vlmbench_sdk import Count, ImportedLog, ImportJob, NoOptions, Prediction


class _Line(Open):
    index: Count
    model: str = ""
    model_output: Output | None = None
    messages: list[Message] = Field(default_factory=list)


def read(job: ImportJob[NoOptions]) -> ImportedLog:
    """Read a file of predictions; `index` counts from 0 in the subset.

    Raises:
        ExchangeError: When lines are not as evalscope writes them.
    """
    lines = list(read_json_lines(job.file, _Line))
    return ImportedLog(
        predictions=tuple(_prediction(where, line) for where, line in lines),
        tool="evalscope",
        model=lines[0][1].model if lines else "",
        dataset=job.file.stem,
    )


def _prediction(where: str, line: _Line) -> Prediction:
    output, asked = line.model_output, first_question(line.messages)
    text = output.text({}) if output else ""
    error = (output.error or "") if output else "the file has no output for it"
    return Prediction(
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
