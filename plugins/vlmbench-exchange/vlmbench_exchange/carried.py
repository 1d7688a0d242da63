"""What other tools' formats have no place for, carried beside it as one JSON object, so that nothing is lost."""

import json
from pathlib import Path

from pydantic import ConfigDict, Field

from vlmbench_exchange.reading import Mistakes, parsed
from vlmbench_sdk import Count, Prediction, Row
from vlmbench_sdk.records import Record, Status

KEY = "vlmbench"
"""Name of the column or key."""


class Carried(Record):
    """Columns of `answers.csv` besides the answer itself."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sample_id: str
    status: Status
    finish_reason: str
    error: str
    attempts: Count = Field(ge=1)
    latency_ms: float | None = Field(ge=0, allow_inf_nan=False)
    ttft_ms: float | None = Field(ge=0, allow_inf_nan=False)
    input_tokens: Count | None
    output_tokens: Count | None
    answered_at: str


def carried_of(answer: Row) -> dict[str, object]:
    """What to carry of a row of answers."""
    return {name: answer[name] for name in Carried.model_fields}


def carried_text(answer: Row) -> str:
    """The same as JSON."""
    return json.dumps(carried_of(answer), ensure_ascii=False)


def with_carried(prediction: Prediction, text: str, mistakes: Mistakes) -> Prediction:
    """A prediction with what was carried beside it; as it is where nothing was."""
    found = parsed(text, Carried, f"{prediction.where}, {KEY!r}", mistakes) if text else None
    return prediction if found is None else prediction.model_copy(update=found.model_dump())


def stem(model: str, dataset: str) -> str:
    """How files of one model on one dataset are called; both names are those of entries, so it is no path."""
    return f"{model}_{dataset}"


def line_file(folder: Path, name: str) -> Path:
    """A file in a folder that is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name
