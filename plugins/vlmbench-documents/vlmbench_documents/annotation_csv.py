"""Reader of the original project's `annotation.csv`.

Columns: data_index, split, image_path, question, answer, doc_class, question_type, answer_bbox. Every cell is
text: `0044`, `NA` and `None` stay what they are. An empty answer says that the field is absent.
"""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from vlmbench_documents.options import AnnotationCsvOptions
from vlmbench_documents.sources import Mistakes, image_problem, read_text
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

Row = dict[str, str]


def read(job: ReadJob[AnnotationCsvOptions]) -> Iterator[Sample]:
    """Read the rows of the job's split, or of all splits when the split is `all`.

    Rows are numbered as a spreadsheet numbers them: the header is row 1.

    Raises:
        DatasetError: With every mistake of the file; also when no row is left to read.
    """
    source = job.existing_source()
    path = source / job.options.file if source.is_dir() else source
    mistakes = Mistakes(str(path))
    rows = _rows(path, job.options.separator, mistakes)
    mistakes.raise_if_any()
    chosen = {number: row for number, row in rows.items() if job.split in ("all", row["split"])}
    _check_ids(rows, mistakes)
    for number, row in chosen.items():
        problem = image_problem(job.folder, row["image_path"])
        if problem is not None:
            mistakes.add(f"row {number}, column image_path", problem)
    mistakes.raise_if_any()
    if not chosen:
        splits = ", ".join(sorted({row["split"] for row in rows.values()})) or "none, the table is empty"
        raise DatasetError(
            f"has no rows of split {job.split!r}",
            where=str(path),
            fix=f"Set `split` in the dataset's entry to `all` or to one it has: {splits}",
        )
    yield from (_sample(row, job.language) for row in chosen.values())


def _rows(path: Path, separator: str, mistakes: Mistakes) -> dict[int, Row]:
    """Return rows by number; mistakes in the table's shape are noted."""
    table = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=separator, strict=True)
    rows: dict[int, Row] = {}
    number = 1
    try:
        header = next(table, [])
        if not _header_fits(header, separator, mistakes):
            return {}
        for number, cells in enumerate(table, start=2):
            if not cells:
                continue
            if len(cells) != len(header):
                mistakes.add(
                    f"row {number}",
                    f"has {len(cells)} cells, the header has {len(header)} (first cell {cells[0]!r})",
                )
                continue
            rows[number] = dict(zip(header, cells, strict=True))
    except csv.Error as error:
        mistakes.add(f"row {number + 1}, line {table.line_num}", f"is not a CSV row ({error})")
    return rows


def _header_fits(header: list[str], separator: str, mistakes: Mistakes) -> bool:
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        mistakes.add(
            "row 1",
            f"lacks the columns {', '.join(missing)}; with separator {separator!r} it has: {', '.join(header)}",
        )
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        mistakes.add("row 1", f"names columns twice: {', '.join(repeated)}")
    return not missing and not repeated


def _check_ids(rows: dict[int, Row], mistakes: Mistakes) -> None:
    first_rows: dict[str, int] = {}
    for number, row in rows.items():
        sample_id = row["data_index"]
        if not sample_id:
            mistakes.add(f"row {number}, column data_index", "is empty")
        elif sample_id in first_rows:
            mistakes.add(
                f"row {number}, column data_index",
                f"{sample_id!r} is already the id of row {first_rows[sample_id]}",
            )
        first_rows.setdefault(sample_id, number)


def _sample(row: Row, language: str) -> Sample:
    attributes = {name: value for name, value in row.items() if name not in COLUMNS}
    if row["answer_bbox"]:
        attributes["bbox"] = row["answer_bbox"]
    return Sample(
        sample_id=row["data_index"],
        doc_id=row["image_path"],
        split=row["split"],
        doc_type=row["doc_class"],
        field=row["question_type"],
        question=row["question"],
        references=(row["answer"],),
        images=(row["image_path"],),
        language=language,
        attributes=attributes,
    )
