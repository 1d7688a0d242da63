"""Answers of the original project: `id;model_answer`, `sample_id;model_answer` or `sample_id;answer`.

`id` is the row of `annotation.csv`, counted from 0 (dataset_iterator/vqa_dataset_runner.py); that row's picture and
question say which sample it is, so that another split or order of the dataset does no harm.
"""

import re
from pathlib import Path

from vlmbench_exchange.reading import Mistakes, check_header, read_rows, refuse
from vlmbench_sdk import ImportedLog, ImportJob, NoOptions, Prediction

ANNOTATION = "annotation.csv"
ANNOTATION_COLUMNS = ("image_path", "question", "answer", "doc_class", "question_type")
Rows = list[tuple[str, dict[str, str]]]


def read(job: ImportJob[NoOptions]) -> ImportedLog:
    """Read a file of answers.

    Raises:
        ExchangeError: When it is none, or its ids name no row of the dataset's annotation.csv.
    """
    rows = read_rows(job.file, ";", ())
    header = list(rows[0][1]) if rows else []
    if "id" not in header:
        column = "answer" if "answer" in header else "model_answer"
        check_header(job.file, header, ("sample_id", column))
        by_id = tuple(_by_id(where, row, column) for where, row in rows)
        return ImportedLog(predictions=by_id, tool="VLMHyperBench", match="id")
    check_header(job.file, header, ("id", "model_answer"))
    annotation = _annotation(job.file, job.source)
    mistakes = Mistakes(job.file)
    found = [_by_row(where, row, annotation, mistakes) for where, row in rows]
    mistakes.raise_if_any()
    return ImportedLog(predictions=tuple(each for each in found if each), tool="VLMHyperBench")


def _by_id(where: str, row: dict[str, str], column: str) -> Prediction:
    answer = row[column]
    return Prediction(where=where, sample_id=row["sample_id"], answer=answer, status="ok" if answer else "empty")


def _annotation(file: Path, source: Path | None) -> Rows:
    path = source / ANNOTATION if source and source.is_dir() else source
    if path is None or not path.is_file():
        raise refuse(
            file,
            f"its ids are rows of an {ANNOTATION}, and the dataset's source has none",
            "Import it for a dataset with `reader: annotation_csv`",
        )
    return read_rows(path, ";", ANNOTATION_COLUMNS)


def _by_row(where: str, row: dict[str, str], annotation: Rows, mistakes: Mistakes) -> Prediction | None:
    # A column of numbers with a gap in it was written as 3.0 (pandas).
    number = row["id"].removesuffix(".0")
    if not re.fullmatch("[0-9]{1,9}", number) or int(number) >= len(annotation):
        said = f"{row['id'][:20]!r} is no row of {ANNOTATION}, which has {len(annotation)}"
        mistakes.add(f"{where}, column 'id'", said)
        return None
    asked, answer = annotation[int(number)][1], row["model_answer"]
    return Prediction(
        where=where,
        images=(asked["image_path"],),
        question=asked["question"],
        field=asked["question_type"],
        doc_type=asked["doc_class"],
        gold=(asked["answer"],) if asked["answer"] else (),
        answer=answer,
        status="ok" if answer else "empty",
    )
