"""Read a folder of pictures and a table of questions, as a spreadsheet saves one.

Columns `image`, `question` and `answer`, and where they are wanted `field`, `doc_type`, `answer_type`, `subset`,
`document` and `id`; no others. Cells are separated by commas, semicolons or tabs, whichever the header shows.
"""

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from vlmbench_documents.csv_table import Row, find_images, read_rows
from vlmbench_documents.options import AnswerType, QuestionsCsvOptions
from vlmbench_documents.problems import Problems, nearest
from vlmbench_sdk import DatasetError, ReadJob, Sample

REQUIRED = ("image", "question", "answer")
COLUMNS = (*REQUIRED, "field", "doc_type", "answer_type", "subset", "document", "id")
SEPARATORS = (",", ";", "\t")
ANSWER_TYPES: tuple[str, ...] = get_args(AnswerType)


def read(job: ReadJob[QuestionsCsvOptions]) -> Iterator[Sample]:
    """Read every row. A row without an answer has no gold: it is asked and not scored.

    Images are looked for relative to the table's folder, then in its `images` folder. Samples of one image share
    their `doc_id`; those of several do where `document` says that they show the same. Without `field`, the question
    is the field. Without `id`, a sample is named by its image and which question of that image it is, so that rows of
    other images change no name.

    Raises:
        DatasetError: When the file is not a table of this format, naming every mistake in it.
    """
    source = job.existing_source()
    path = source / job.options.file if source.is_dir() else source
    if not path.is_file():
        fix = f"Put a table with the columns {', '.join(REQUIRED)} there, or name yours in the option `file`"
        raise DatasetError("no such file", where=str(path), fix=fix)
    problems = Problems(path, fix="Correct the table; nothing of it is read while it has mistakes")
    rows = read_rows(path, _separator(path), REQUIRED, problems, known=COLUMNS)
    images = find_images(path.parent, rows, "image", problems)
    _check_cells(rows, problems)
    samples = list(_samples(rows, images, job.language))
    _check_names(samples, rows, problems)
    problems.raise_if_any()
    yield from samples


def _separator(path: Path) -> str:
    """The one that makes most known columns of the header."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        header = file.readline()

    def columns(separator: str) -> int:
        found = next(csv.reader([header], delimiter=separator), [])
        return len({column.strip().lower() for column in found} & set(COLUMNS))

    return max(SEPARATORS, key=columns)


def _check_cells(rows: list[Row], problems: Problems) -> None:
    for row in rows:
        if row.cells["image"].lower().endswith(".pdf"):
            problems.add(f"{row.where}, column 'image'", "is a PDF; make pictures of its pages (`pdftoppm -png`)")
        if not row.cells["question"].strip():
            problems.add(f"{row.where}, column 'question'", "is empty")
        answer_type = row.cells.get("answer_type", "").strip()
        if answer_type and answer_type not in ANSWER_TYPES:
            said = f"there is no type {answer_type!r}; {nearest(answer_type, ANSWER_TYPES)}"
            problems.add(f"{row.where}, column 'answer_type'", said)


def _samples(rows: list[Row], images: dict[str, str], language: str) -> Iterator[Sample]:
    asked: Counter[str] = Counter()
    for row in rows:
        cells = {name: cell.strip() for name, cell in row.cells.items()}
        # One that does not exist is a mistake that is reported with the others.
        image = images.get(row.cells["image"], cells["image"] or "?")
        asked[image] += 1
        yield Sample(
            sample_id=cells.get("id") or f"{image}#{asked[image]}",
            doc_id=cells.get("document") or image,
            doc_type=cells.get("doc_type", ""),
            field=cells.get("field") or cells["question"],
            subset=cells.get("subset", ""),
            question=cells["question"],
            references=(cells["answer"],) if cells["answer"] else (),
            answer_type=cells.get("answer_type") or "text",
            images=(image,),
            language=language,
        )


def _check_names(samples: list[Sample], rows: list[Row], problems: Problems) -> None:
    first: dict[str, Row] = {}
    for sample, row in zip(samples, rows, strict=True):
        earlier = first.setdefault(sample.sample_id, row)
        if earlier is not row:
            problems.add(f"{row.where}, column 'id'", f"{sample.sample_id!r} also names {earlier.where}")
