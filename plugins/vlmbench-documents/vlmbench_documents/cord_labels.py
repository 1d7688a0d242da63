"""The official JSON of a CORD receipt, as far as it is read here."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from vlmbench_documents.folder_source import read_object
from vlmbench_documents.problems import Problems


class _Word(BaseModel):
    text: str
    is_key: int
    quad: dict[str, float]


class _Line(BaseModel):
    category: str
    group_id: int
    words: list[_Word]


class _Labels(BaseModel):
    valid_line: list[_Line]


@dataclass(frozen=True, slots=True)
class CordLine:
    """One annotated line of a receipt."""

    category: str
    """Such as `total.total_price`."""
    group: int
    """Lines of one menu item share it."""
    value: str
    """Its words without the printed label (`is_key`), joined by spaces; empty where there is only a label."""
    top: float
    """Height of its first word, in pixels from the top."""


def parse_lines(path: Path, problems: Problems) -> list[CordLine]:
    """Read the annotated lines; note a mistake where the file is not official CORD JSON."""
    content = read_object(path, problems)
    if not content:
        return []
    try:
        labels = _Labels.model_validate(content)
    except ValidationError as error:
        for detail in error.errors()[:3]:
            problems.add(f"json/{path.name}, key {'.'.join(map(str, detail['loc']))}", detail["msg"])
        return []
    return [_line(line) for line in labels.valid_line]


def _line(line: _Line) -> CordLine:
    tops = [word.quad[name] for word in line.words for name in ("y1", "y2") if name in word.quad]
    return CordLine(
        category=line.category,
        group=line.group_id,
        value=" ".join(word.text for word in line.words if not word.is_key).strip(),
        top=min(tops, default=0.0),
    )
