"""Folders of pictures with a file of labels beside each."""

import json
from pathlib import Path

from pydantic import JsonValue, TypeAdapter, ValidationError

from vlmbench_documents.options import CordOptions, SroieOptions
from vlmbench_documents.problems import Problems
from vlmbench_sdk import DatasetError, ReadJob

_OBJECT: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])


def subfolder(job: ReadJob[SroieOptions] | ReadJob[CordOptions], *names: str) -> Path:
    """Return the first of the named folders that the source has.

    Raises:
        DatasetError: When it has none of them.
    """
    source = job.existing_source()
    for name in names:
        if (source / name).is_dir():
            return source / name
    raise DatasetError(
        f"there is no folder {' or '.join(map(repr, names))} in it",
        where=str(source),
        fix="Set the dataset's `source` to the folder that contains it",
    )


def read_object(path: Path, problems: Problems) -> dict[str, JsonValue]:
    """Read a file that is one JSON object; note a mistake and return nothing where it is not."""
    try:
        return _OBJECT.validate_python(json.loads(path.read_text(encoding="utf-8-sig")))
    except UnicodeDecodeError as error:
        problems.add(path.name, f"byte {error.start} is not UTF-8 ({error.reason})")
    except json.JSONDecodeError as error:
        problems.add(path.name, f"line {error.lineno}: not JSON ({error.msg})")
    except ValidationError:
        problems.add(path.name, "not a JSON object")
    return {}
