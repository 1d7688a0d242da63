"""Read the original project's `annotation.csv` and its images.

Columns `data_index;split;image_path;question;answer;doc_class;question_type;answer_bbox`, in any order;
other columns become attributes. Everything is text: answers 0044, NA and None stay as they are, and an
empty answer means that the document does not have the field.
"""

from collections import defaultdict
from collections.abc import Iterator

from vlmbench_documents.csv_table import Row, find_images, read_rows
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
    rows = read_rows(path, job.options.separator, COLUMNS, problems)
    chosen = [row for row in rows if job.split in ALL_SPLITS or row.cells["split"] == job.split]
    images = find_images(path.parent, rows, "image_path", problems)
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


def _sample_ids(rows: list[Row], options: AnnotationCsvOptions, problems: Problems) -> list[str]:
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
    rows_by_id: dict[str, list[Row]] = defaultdict(list)
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


def _sample(row: Row, sample_id: str, image: str, job: ReadJob[AnnotationCsvOptions]) -> Sample:
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
