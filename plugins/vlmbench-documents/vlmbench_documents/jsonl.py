"""Read a file of one JSON object a line: chat messages, images, and what to break scores down by."""

from collections.abc import Iterator
from pathlib import Path

from vlmbench_documents.image_paths import find_image
from vlmbench_documents.jsonl_line import Line, LineError, parse_line
from vlmbench_documents.options import JsonlOptions
from vlmbench_documents.problems import Problems
from vlmbench_sdk import DatasetError, ReadJob, Sample

_ALL_SPLITS = frozenset({"", "all"})


def read(job: ReadJob[JsonlOptions]) -> Iterator[Sample]:
    """Read the lines of the job's split; lines without `split` belong to every one.

    Raises:
        DatasetError: When lines are not as described, naming every mistake with its line and key.
    """
    path = _file(job)
    problems = Problems(path, fix="Correct the lines; nothing of the file is read while it has mistakes")
    samples: dict[str, tuple[int, Sample]] = {}
    for number, text in _lines(path, problems):
        try:
            line = parse_line(text)
            sample = _sample(line, path.parent, job)
        except LineError as error:
            for key, message in error.mistakes:
                problems.add(f"line {number}, key {key!r}" if key else f"line {number}", message)
            continue
        except ValueError as error:
            problems.add(f"line {number}", str(error))
            continue
        if line.split is not None and job.split not in _ALL_SPLITS and line.split != job.split:
            continue
        if sample.sample_id in samples:
            first = samples[sample.sample_id][0]
            same = f"the id {line.id!r} of" if line.id is not None else "the same question as"
            problems.add(f"line {number}", f"it has {same} line {first}")
            continue
        samples[sample.sample_id] = number, sample
    problems.raise_if_any()
    for _, sample in samples.values():
        yield sample


def _file(job: ReadJob[JsonlOptions]) -> Path:
    source = job.existing_source()
    if source.is_file():
        return source
    if job.options.file is not None:
        found = [source / job.options.file] if (source / job.options.file).is_file() else []
    else:
        found = sorted(source.glob("*.jsonl"))
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found) or "none"
    raise DatasetError(
        f"one file {job.options.file or '*.jsonl'!r} is needed in it; found {names}",
        where=str(source),
        fix="Set the option `file` to its name",
    )


def _lines(path: Path, problems: Problems) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, with their numbers from 1."""
    # Split at \n only: str.splitlines would also cut at U+2028, which JSON allows inside a string.
    for number, raw in enumerate(path.read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            problems.add(f"line {number}", f"byte {error.start} is not UTF-8 ({error.reason})")
            continue
        if text.strip():
            yield number, text


def _sample(line: Line, folder: Path, job: ReadJob[JsonlOptions]) -> Sample:
    """Make the sample of a line.

    Raises:
        ValueError: When its messages or images do not fit together, or an image is not there.
    """
    images = tuple(find_image(folder, path) for path in line.paths())
    return Sample(
        sample_id=line.sample_id(),
        doc_id="+".join(images) if line.doc_id is None else str(line.doc_id),
        split=job.split if line.split is None else line.split,
        subset=line.subset,
        doc_type=line.doc_type,
        field=line.field,
        question=line.question(),
        references=line.gold(),
        answer_type=line.answer_type,
        images=images,
        language=line.language or job.language,
        attributes=line.attributes,
    )
