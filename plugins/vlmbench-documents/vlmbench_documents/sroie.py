"""Read SROIE receipts (ICDAR 2019, task 3): `img/*.jpg`, `key/*.json`, and `box/*.csv` for page text.

Layout of https://github.com/zzzDavid/ICDAR-2019-SROIE; Huang et al., "ICDAR2019 Competition on Scanned
Receipt OCR and Information Extraction".
"""

import json
from collections.abc import Iterator
from pathlib import Path

from vlmbench_documents.folder_source import read_object, subfolder
from vlmbench_documents.image_paths import pictures
from vlmbench_documents.options import AnswerType, ReceiptField, SroieOptions
from vlmbench_documents.problems import Problems, nearest
from vlmbench_documents.reading_order import TextBox, page_text
from vlmbench_sdk import ReadJob, Sample

QUESTIONS: dict[ReceiptField, tuple[str, AnswerType]] = {
    "company": ("What is the name of the company that issued this receipt?", "text"),
    "date": ("What is the date of this receipt?", "date"),
    "address": ("What is the address of the company on this receipt?", "text"),
    "total": ("What is the total amount of this receipt?", "money"),
}
"""Question and answer type of each field."""

PAGE_QUESTION = "Write out all the text of this receipt, line by line."


def read(job: ReadJob[SroieOptions]) -> Iterator[Sample]:
    """Read one sample a receipt and field, or as the option `ask` says; `doc_id` is the file's stem.

    Raises:
        DatasetError: When pictures, keys or boxes are missing or broken, naming each file.
    """
    source = job.existing_source()
    problems = Problems(source, fix="Restore the files; nothing is read while there are mistakes")
    images = pictures(subfolder(job, "img"))
    keys = {path.stem: path for path in sorted(subfolder(job, "key").glob("*.json"))}
    _check_pairs(images, keys, problems)
    gold = {stem: _fields(path, problems) for stem, path in keys.items()}
    texts: dict[str, str] = {}
    if "page_text" in job.options.ask:
        boxes = subfolder(job, "box")
        texts = {stem: _page_text(boxes / f"{stem}.csv", problems) for stem in images}
    problems.raise_if_any()
    for stem, image in images.items():
        common = {
            "doc_id": stem,
            "split": job.split,
            "doc_type": "receipt",
            "images": (image.relative_to(source).as_posix(),),
            "language": job.language or "en",
        }
        for field, question, answer_type, reference in _asked(job.options, gold[stem], texts.get(stem, "")):
            yield Sample.model_validate(
                {
                    **common,
                    "sample_id": f"{stem}-{field}",
                    "field": field,
                    "question": question,
                    "answer_type": answer_type,
                    "references": (reference,),
                }
            )


def _check_pairs(images: dict[str, Path], keys: dict[str, Path], problems: Problems) -> None:
    for stem in sorted(images.keys() - keys.keys()):
        problems.add(f"img/{images[stem].name}", f"it has no key/{stem}.json")
    for stem in sorted(keys.keys() - images.keys()):
        problems.add(f"key/{stem}.json", f"it has no picture img/{stem}.jpg")


def _fields(path: Path, problems: Problems) -> dict[ReceiptField, str]:
    found: dict[ReceiptField, str] = {}
    values = read_object(path, problems)
    for key in values.keys() - QUESTIONS.keys():
        problems.add(f"key/{path.name}, key {key!r}", f"it is not known; {nearest(key, QUESTIONS)}")
    for field in QUESTIONS:
        value = values.get(field, "")
        if isinstance(value, str):
            found[field] = value
        else:
            problems.add(f"key/{path.name}, key {field!r}", f"{value!r} is not text")
    return found


def _page_text(path: Path, problems: Problems) -> str:
    """Join the transcripts of one box file: eight corner coordinates, then text with any commas in it."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        problems.add(f"box/{path.name}", "it does not exist, and `ask` names page_text")
        return ""
    except UnicodeDecodeError as error:
        problems.add(f"box/{path.name}", f"byte {error.start} is not UTF-8 ({error.reason})")
        return ""
    boxes: list[TextBox] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        *corners, text = line.split(",", 8)
        try:
            points = [float(corner) for corner in corners]
            left, right = min(points[0::2]), max(points[0::2])
            top, bottom = min(points[1::2]), max(points[1::2])
        except ValueError:
            points = []
            left = right = top = bottom = 0.0
        if len(points) == 8:
            boxes.append(TextBox(text, left, top, right, bottom))
        else:
            problems.add(f"box/{path.name}, line {number}", f"{line!r} is not eight numbers and a text")
    return page_text(boxes)


def _asked(
    options: SroieOptions, gold: dict[ReceiptField, str], text: str
) -> Iterator[tuple[str, str, AnswerType, str]]:
    """Yield field, question, answer type and reference of each sample of one receipt."""
    present = {field: gold[field] for field in options.fields if gold[field] or options.absent}
    if "fields" in options.ask:
        for field, value in present.items():
            question, answer_type = QUESTIONS[field]
            yield field, question, answer_type, value
    if "json" in options.ask:
        names = ", ".join(options.fields)
        question = f"Read this receipt. Answer with one JSON object with the keys {names}, and nothing else."
        yield "key_fields", question, "json", json.dumps(present, ensure_ascii=False)
    if "page_text" in options.ask:
        yield "page_text", PAGE_QUESTION, "page_text", text
