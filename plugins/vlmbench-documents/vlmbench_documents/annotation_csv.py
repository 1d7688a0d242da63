"""Read the original project's `annotation.csv` and its images.

Columns `data_index;split;image_path;question;answer;doc_class;question_type;answer_bbox`, in any order;
other columns become attributes. Everything is text: answers 0044, NA and None stay as they are, and an
empty answer means that the document does not have the field.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from vlmbench_documents.image_paths import find_image
from vlmbench_documents.options import AnnotationCsvOptions
from vlmbench_documents.problems import Problems, nearest
from vlmbench_sdk import DatasetError, ReadJob, Sample

COLUMNS = (
    "data_index",
    "split",
    "image_path",
    "question",
    "answer",
    "doc_class",
    "question_type",
    "answer_bbox",
)
"""Columns that every annotation.csv has."""

ALL_SPLITS = frozenset({"", "all"})
"""Names of the split that leave no row out."""

_READ = frozenset(COLUMNS) - {"answer_bbox", "data_index"}


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the table."""

    number: int
    """Counted from 1, without the header."""
    line: int
    """Line of the file it starts on, counted from 1."""
    cells: dict[str, str]

    @property
    def where(self) -> str:
        return f"row {self.number} (line {self.line})"


def read(job: ReadJob[AnnotationCsvOptions]) -> Iterator[Sample]:
    """Read the rows of the job's split; the splits '' and 'all' leave no row out.

    Images are looked for relative to the table's folder, then in its `images` folder. Samples of one
    image share their `doc_id`.

    Raises:
        DatasetError: When the file is not a table of this format, naming every mistake in it.
    """
    source = job.existing_source()
    path = source / job.options.file if source.is_dir() else source
    if not path.is_file():
        raise DatasetError("no such file", where=str(path), fix="Set the option `file` to the table's name")
    problems = Problems(path, fix="Correct the table; nothing of it is read while it has mistakes")
    rows = _read_rows(path, job.options.separator, problems)
    chosen = [row for row in rows if job.split in ALL_SPLITS or row.cells["split"] == job.split]
    images = _find_images(path.parent, rows, problems)
    ids = _sample_ids(chosen, job.options, problems)
    problems.raise_if_any()
    if rows and not chosen:
        found = ", ".join(sorted({repr(row.cells["split"]) for row in rows}))
        raise DatasetError(
            f"no row has split {job.split!r}; found {found}",
            where=str(path),
            fix="Set the dataset's `split` to one of them, or to 'all'",
        )
    for row, sample_id in zip(chosen, ids, strict=True):
        yield _sample(row, sample_id, images[row.cells["image_path"]], job)


def _read_rows(path: Path, separator: str, problems: Problems) -> list[_Row]:
    rows: list[_Row] = []
    # The limit of 131072 characters a cell is the csv module's own and belongs to the whole process.
    old_limit = csv.field_size_limit(2**31 - 1)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows.extend(_checked_rows(file, separator, problems))
    except csv.Error as error:
        last = rows[-1].number if rows else 0
        rule = f"cells with quotes, newlines or {separator!r} are quoted (RFC 4180)"
        problems.add(f"after row {last}", f"{error}; {rule}")
    except UnicodeDecodeError as error:
        problems.add(f"byte {error.start}", f"not UTF-8 ({error.reason})")
    finally:
        csv.field_size_limit(old_limit)
    return rows


def _checked_rows(file: TextIO, separator: str, problems: Problems) -> Iterator[_Row]:
    reader = csv.reader(file, delimiter=separator, strict=True)
    header: list[str] = next(reader, [])
    missing = [column for column in COLUMNS if column not in header]
    for column in missing:
        problems.add("header", f"column {column!r} is missing; found {', '.join(map(repr, header)) or 'nothing'}")
    for column in sorted({column for column in header if header.count(column) > 1}):
        problems.add("header", f"column {column!r} appears more than once")
    if missing:
        return
    start = reader.line_num + 1
    number = 0
    for cells in reader:
        line, start = start, reader.line_num + 1
        if not cells:
            continue
        number += 1
        row = _Row(number, line, dict(zip(header, cells, strict=False)))
        if len(cells) == len(header):
            yield row
        else:
            problems.add(row.where, f"{len(cells)} cells instead of {len(header)}, the last one is {cells[-1]!r}")


def _find_images(folder: Path, rows: list[_Row], problems: Problems) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in rows:
        value = row.cells["image_path"]
        if value in found:
            continue
        try:
            found[value] = find_image(folder, value, ("", "images"))
        except ValueError as error:
            problems.add(f"{row.where}, column 'image_path'", str(error))
    return found


def _sample_ids(rows: list[_Row], options: AnnotationCsvOptions, problems: Problems) -> list[str]:
    """Name the samples, and report names that are empty or given twice."""
    if not rows:
        return []
    columns = options.id_columns
    for column in columns:
        if column not in rows[0].cells:
            problems.add(f"option id_columns, column {column!r}", nearest(column, rows[0].cells))
            return []
    if not columns:
        # The original's own sets repeat data_index for every field of a document.
        indices = {row.cells["data_index"] for row in rows}
        columns = ("data_index",) if len(indices) == len(rows) else ("data_index", "question_type")
    ids = [":".join(row.cells[column] for column in columns) for row in rows]
    rows_by_id: dict[str, list[_Row]] = defaultdict(list)
    for row, sample_id in zip(rows, ids, strict=True):
        rows_by_id[sample_id].append(row)
        if not row.cells[columns[0]]:
            problems.add(f"{row.where}, column {columns[0]!r}", "is empty and cannot name a sample")
    for sample_id, same in rows_by_id.items():
        if len(same) > 1:
            places = ", ".join(str(row.number) for row in same)
            problems.add(
                f"rows {places}, column {' and '.join(map(repr, columns))}",
                f"the same value {sample_id!r}; samples need names of their own (option `id_columns`)",
            )
    return ids


def _sample(row: _Row, sample_id: str, image: str, job: ReadJob[AnnotationCsvOptions]) -> Sample:
    cells = row.cells
    return Sample(
        sample_id=sample_id,
        doc_id=cells["image_path"],
        split=cells["split"],
        doc_type=cells["doc_class"],
        field=cells["question_type"],
        question=cells["question"],
        references=(cells["answer"],),
        answer_type=job.options.answer_types.get(cells["question_type"], "text"),
        images=(image,),
        language=job.language,
        attributes={name: cell for name, cell in cells.items() if name not in _READ},
    )
