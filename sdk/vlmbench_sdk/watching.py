"""Make sure that a model saw the images whose digests stand in its answers' lineage."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from vlmbench_sdk.records import Request

_State = tuple[int, int, int, int]


class ImageWatch:
    """Checks the images of requests, reading each file once unless the file system says that it changed."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: dict[str, tuple[_State, str]] = {}

    def problem(self, request: Request) -> str:
        """Say what is wrong with a request's images; empty when they are what the dataset was read with.

        Asked before a request is handed to the model and again when its answer is there, so that an image that
        changed in between is seen, also when it was changed back.
        """
        for path, wanted in _images(request):
            try:
                if self._digest(Path(path)) != wanted:
                    return f"image {Path(path).name} is not the one that the dataset was read with; run again"
            except OSError as error:
                return f"image {Path(path).name} cannot be read ({error.strerror})"
        return ""

    def changed(self, request: Request) -> str:
        """Say which image changed since `problem` looked; empty when none did."""
        for path, _ in _images(request):
            before = self._known.get(path)
            if before is not None and before[0] != _state(Path(path)):
                return f"image {Path(path).name} changed while the model was asked; run again"
        return ""

    def _digest(self, path: Path) -> str:
        state = _state(path)
        before = self._known.get(str(path))
        if before is None or before[0] != state:
            before = (state, hashlib.sha256(path.read_bytes()).hexdigest())
            self._known[str(path)] = before
        return before[1]


def _images(request: Request) -> Iterator[tuple[str, str]]:
    """Every image that the model is shown, with its digest: those of the examples too."""
    yield from zip(request.images, request.image_sha256, strict=False)
    for each in request.examples:
        yield from zip(each.images, each.image_sha256, strict=False)


def _state(path: Path) -> _State:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0, 0)
    # The change time cannot be set back, so an image that was changed and restored is seen too.
    return (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
