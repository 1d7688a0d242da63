"""Reader of SROIE (Huang et al., ICDAR 2019 competition on scanned receipts): img/, key/ and box/ by stem."""

import json
from collections.abc import Iterator
from pathlib import Path

from vlmbench_documents.boxes import page_text
from vlmbench_documents.options import SroieOptions
from vlmbench_documents.sources import Mistakes, read_object
from vlmbench_sdk import DatasetError, ReadJob, Sample

QUESTIONS = {
    "company": "What is the name of the company that issued this receipt?",
    "date": "What is the date of this receipt?",
    "address": "What is the address of the company that issued this receipt?",
    "total": "What is the total amount of this receipt?",
}
ANSWER_TYPES = {"company": "text", "date": "date", "address": "text", "total": "money"}
JSON_QUESTION = (
    "Read the company, date, address and total of this receipt. "
    "Answer with one JSON object with the keys company, date, address and total."
)
PAGE_QUESTION = "Write down all text of this receipt, line by line, from top to bottom."


def read(job: ReadJob[SroieOptions]) -> Iterator[Sample]:
    """Read the receipts in order of their stems; a field without gold is not asked for.

    Raises:
        DatasetError: With every picture that lacks its key or box file, every key file that lacks its
            picture or is not an object of texts, and every box line that cannot be read.
    """
    source = job.existing_source()
    pictures = {path.stem: path for path in sorted((source / "img").glob("*.jpg"))}
    if not pictures:
        raise DatasetError(
            "has no pictures in img/*.jpg",
            where=str(source),
            fix="Name the folder that holds img/ and key/ as `source`",
        )
    mistakes = Mistakes(str(source))
    samples: list[Sample] = []
    for path in sorted((source / "key").glob("*.json")):
        if path.stem not in pictures:
            mistakes.add(f"key/{path.name}", f"has no picture img/{path.stem}.jpg")
    for stem in pictures:
        base = Sample(
            sample_id=stem,
            doc_id=stem,
            split=job.split,
            doc_type="receipt",
            images=(f"img/{stem}.jpg",),
            language=job.language or "en",
        )
        if job.options.ask == "page_text":
            samples.extend(_page_sample(source, base, mistakes))
        else:
            samples.extend(_key_samples(source, base, job.options.ask == "json", mistakes))
    mistakes.raise_if_any()
    yield from samples


def _key_samples(source: Path, base: Sample, as_json: bool, mistakes: Mistakes) -> list[Sample]:  # noqa: FBT001
    path = source / "key" / f"{base.doc_id}.json"
    if not path.is_file():
        mistakes.add(f"img/{base.doc_id}.jpg", f"has no key/{path.name}")
        return []
    values: dict[str, str] = {}
    for field, value in read_object(path, mistakes).items():
        if field not in QUESTIONS or not isinstance(value, str):
            mistakes.add(f"key/{path.name}, {field}", f"{value!r} is not a text of {', '.join(QUESTIONS)}")
        elif value.strip():
            values[field] = value
    if as_json:
        return [_json_sample(base, values)] if values else []
    return [
        base.model_copy(
            update={
                "sample_id": f"{base.doc_id}-{field}",
                "field": field,
                "question": question,
                "references": (values[field],),
                "answer_type": ANSWER_TYPES[field],
            }
        )
        for field, question in QUESTIONS.items()
        if field in values
    ]


def _json_sample(base: Sample, values: dict[str, str]) -> Sample:
    return base.model_copy(
        update={
            "sample_id": f"{base.doc_id}-key_fields",
            "field": "key_fields",
            "question": JSON_QUESTION,
            "references": (json.dumps(values, ensure_ascii=False),),
            "answer_type": "json",
        }
    )


def _page_sample(source: Path, base: Sample, mistakes: Mistakes) -> list[Sample]:
    path = source / "box" / f"{base.doc_id}.csv"
    if not path.is_file():
        mistakes.add(f"img/{base.doc_id}.jpg", f"has no box/{path.name}")
        return []
    return [
        base.model_copy(
            update={
                "sample_id": f"{base.doc_id}-page_text",
                "field": "page_text",
                "question": PAGE_QUESTION,
                "references": (page_text(path, mistakes),),
                "answer_type": "page_text",
            }
        )
    ]
