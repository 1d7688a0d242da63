"""Which of the host's files a worker needs in its pod."""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from vlmbench_runpod.scripts import PULL, PULL_SCRIPT
from vlmbench_sdk import Launch
from vlmbench_sdk.job import JOURNAL, REQUESTS, RESULT
from vlmbench_sdk.usage import USAGE

_OWN = frozenset({JOURNAL, RESULT, USAGE})
"""What a worker writes; earlier answers stay on the host."""


def work_files(launch: Launch) -> Iterator[tuple[PurePosixPath, Path | bytes]]:
    """The worker's folder, the pictures that it is asked about, and folders that hold none of them, whole.

    A dataset's folder may be far larger than the few pictures of a run, so those that no request names stay here.
    """
    yield PULL, PULL_SCRIPT.encode()
    for path in _files_in(launch.work):
        if path.parent != launch.work or path.name not in _OWN:
            yield PurePosixPath(path), path
    named = _pictures(launch.work / REQUESTS)
    for folder in launch.readable:
        asked = sorted(path for path in named if path.is_relative_to(folder))
        for path in asked or _files_in(folder):
            yield PurePosixPath(path), path


def _pictures(requests: Path) -> set[Path]:
    if not requests.exists():
        return set()
    with requests.open("rb") as lines:
        asked = [json.loads(line) for line in lines]
    shown = [each for request in asked for each in (request, *request.get("examples", ()))]
    return {Path(image) for each in shown for image in each.get("images", ())}


def _files_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path
