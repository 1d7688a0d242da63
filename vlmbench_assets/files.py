"""Write files so that a reader never sees half of one, whatever happens to the writer."""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from vlmbench_sdk import WorkspaceError


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to a temporary name beside `path`, force it to the disk, and rename it into place.

    Raises:
        WorkspaceError: When the disk is full or the folder cannot be written; `path` is then what it was.
    """
    try:
        make_folder(path.parent)
        _write(path, content)
        sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def open_lock(path: Path) -> BinaryIO:
    """Open a file to lock it, and make it where there is none.

    Raises:
        WorkspaceError: When its folder cannot be written.
    """
    try:
        make_folder(path.parent)
        return path.open("ab")
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file; a second holder waits, and a holder that was killed holds it no longer."""
    with open_lock(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are missing, so that they survive a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def cannot_write(path: Path, error: OSError) -> WorkspaceError:
    """Say why something cannot be written."""
    return WorkspaceError(
        f"it cannot be written ({os.strerror(error.errno or 0)})",
        where=str(path),
        fix="Make room or give the right to write, and run again; what was there before is untouched",
    )


def _write(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files only their owner can read; results are for everybody the folder is for.
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def sync_folder(folder: Path) -> None:
    """Force a folder's entries to the disk, so that a rename survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
