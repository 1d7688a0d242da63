"""Predictions of VLMEvalKit: the dataset's own columns but `image`, and `prediction` (vlmeval/inference.py)."""

import csv
import io
import json
from collections.abc import Sequence

from vlmbench_exchange.carried import KEY, carried_text, stem, with_carried
from vlmbench_exchange.options import VlmEvalKitExportOptions
from vlmbench_exchange.reading import Mistakes, gold_of, gold_text, read_rows, refuse, texts_of
from vlmbench_exchange.xlsx import LONGEST_CELL, read_sheet, write_sheet
from vlmbench_sdk import ExchangeError, ExportJob, ImportedLog, ImportJob, NoOptions, Prediction, Row

NEEDED = ("index", "prediction")
COLUMNS = ("index", "image_path", "question", "answer", "category", "prediction", KEY)
FAILED = "Failed to obtain answer"
"""What it writes in place of an answer that it did not get (`INFER_FAIL_MSG` of vlmeval/smp/file.py)."""


def read(job: ImportJob[NoOptions]) -> ImportedLog:
    """Read a file of predictions.

    Raises:
        ExchangeError: When it is none, naming rows and columns.
    """
    if job.file.is_dir():
        raise refuse(job.file, "this is a folder", "Name the file of predictions in it: MODEL_DATASET.xlsx or .tsv")
    suffix = job.file.suffix.lower()
    if suffix not in {".xlsx", ".tsv"}:
        ends = f"ends in {suffix!r}, not" if suffix else "does not end in"
        raise refuse(job.file, f"its name {ends} .xlsx or .tsv", "Set PRED_FORMAT=tsv in VLMEvalKit")
    rows = read_sheet(job.file, NEEDED) if suffix == ".xlsx" else read_rows(job.file, "\t", NEEDED)
    mistakes = Mistakes(job.file)
    predictions = tuple(_prediction(where, row, mistakes, sheet=suffix == ".xlsx") for where, row in rows)
    mistakes.raise_if_any()
    return ImportedLog(predictions=predictions, tool="VLMEvalKit", model=job.file.stem)


def _prediction(where: str, row: dict[str, str], mistakes: Mistakes, *, sheet: bool) -> Prediction:
    answer, path = row["prediction"], row.get("image_path", "")
    if not row["index"]:
        mistakes.add(f"{where}, column 'index'", "is empty")
    failed = answer.startswith(FAILED) and not row.get(KEY)
    cut = sheet and len(answer) >= LONGEST_CELL
    found = Prediction(
        where=where,
        sample_id=row["index"],
        images=texts_of(path) or ((path,) if path else ()),
        question=row.get("question", ""),
        gold=gold_of(row.get("answer")),
        answer="" if failed else answer,
        status="error" if failed else "truncated" if cut else "ok" if answer else "empty",
        finish_reason="cell of a spreadsheet full" if cut else "",
        error=answer if failed else "",
    )
    found = with_carried(found, row.get(KEY, ""), mistakes)
    # What was written in place of no answer is none.
    return found.model_copy(update={"answer": ""}) if found.answer == _instead(found.status, found.error) else found


def write(job: ExportJob[VlmEvalKitExportOptions]) -> None:
    """Write one file for each cell; `category` is the field.

    Raises:
        ExchangeError: When an answer does not fit into a cell of a spreadsheet.
    """
    for cell in job.cells:
        samples = {str(row["sample_id"]): row for row in job.dataset(cell.dataset).samples}
        rows = [_row(samples[str(answer["sample_id"])], answer) for answer in cell.answers]
        path = job.out / f"{stem(cell.model, cell.dataset)}.{job.options.file}"
        try:
            path.write_bytes(write_sheet(COLUMNS, rows) if job.options.file == "xlsx" else _tsv(rows))
        except ValueError as error:
            nul = any("\0" in text for row in rows for text in row)
            fix = "Export as lmms_eval, evalscope or inspect_ai: JSON can" if nul else "Export with `--option file=tsv`"
            raise ExchangeError(str(error), where=f"{cell.model} × {cell.dataset}", fix=fix) from error


def _row(sample: Row, answer: Row) -> tuple[str, ...]:
    images, references = json.loads(str(sample["images"])), tuple(json.loads(str(sample["references"])))
    text = str(answer["answer"]) or _instead(str(answer["status"]), str(answer["error"]))
    return (
        str(sample["sample_id"]),
        images[0] if len(images) == 1 else repr(images),
        str(sample["question"]),
        gold_text(references),
        str(sample["field"]),
        text,
        carried_text(answer),
    )


def _instead(status: str, error: str) -> str:
    """What stands in place of an answer that there is not."""
    return f"{FAILED}: {error}" if status in {"error", "timeout"} else ""


def _tsv(rows: Sequence[tuple[str, ...]]) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter="\t", quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, row in enumerate(rows, start=1):
        if any("\0" in cell for cell in row):
            message = f"row {number} ({row[0]!r}) holds a NUL character, which this format cannot carry"
            raise ValueError(message)
        writer.writerow(row)
    return file.getvalue().encode("utf-8", "replace")
