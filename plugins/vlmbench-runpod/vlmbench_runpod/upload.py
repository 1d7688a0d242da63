"""Which of the host's files a worker needs in its pod."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from vlmbench_runpod.scripts import PULL, PULL_SCRIPT
from vlmbench_sdk import Launch
from vlmbench_sdk.job import JOB, PIPES, REQUESTS
from vlmbench_sdk.plain_files import read_plain

_SENT = (JOB, REQUESTS, f"{PIPES}/context.json")
"""What the host put there for this run. Earlier answers stay here, and so does whatever else an earlier worker left:
a link that it made must not send a file of the host to a rented machine."""
LARGEST = 1 << 30


def work_files(launch: Launch) -> Iterator[tuple[PurePosixPath, Path | bytes]]:
    """What the host put into the worker's folder, the pictures that it asks about, and folders without any, whole.

    A dataset's folder may be far larger than the few pictures of a run, so those that no request names stay here.
    """
    yield PULL, PULL_SCRIPT.encode()
    ours = {}
    for name in _SENT:
        path = launch.work / name
        with suppress(FileNotFoundError):
            ours[name] = read_plain(path, LARGEST)
            yield PurePosixPath(path), ours[name]
    named = _pictures(ours.get(REQUESTS, b""))
    for folder in launch.readable:
        asked = sorted(path for path in named if path.is_relative_to(folder))
        for path in asked or _files_in(folder):
            yield PurePosixPath(path), path


def _pictures(requests: bytes) -> set[Path]:
    asked = [json.loads(line) for line in requests.splitlines()]
    shown = [each for request in asked for each in (request, *request.get("examples", ()))]
    return {Path(image) for each in shown for image in each.get("images", ())}


def _files_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path
