"""Write files so that a reader never sees half of one, whatever happens to the writer."""

import fcntl
import os
import stat
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def folder_held(folder: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a folder itself; a holder that was killed holds it no longer.

    Raises:
        BlockingIOError: When another holds it, and there is to be no waiting.
    """
    handle = os.open(folder, _FOLDER)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it where they are missing, so that they survive a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def remove_tree(path: Path) -> None:
    """Remove whatever is at a path: a folder with all that is in it, a file, a link (not what it points to), nothing.

    Folders inside folders are moved up before they are emptied, so that a tree of any depth takes two descriptors
    and no recursion: `shutil.rmtree` of Python 3.11 ends in RecursionError at 1,000 levels, and a path has 4,096 bytes.

    Raises:
        OSError: When something cannot be removed.
    """
    try:
        is_folder = stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return
    if not is_folder:
        path.unlink()
        return
    _let_in(str(path), None)
    top = os.open(path, _FOLDER)
    try:
        while found := _entries(top):
            for name, is_folder in found:
                if is_folder:
                    _hoist_and_remove(top, name)
                else:
                    os.unlink(name, dir_fd=top)
    finally:
        os.close(top)
    path.rmdir()


_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def _hoist_and_remove(top: int, name: str) -> None:
    _let_in(name, top)
    folder = os.open(name, _FOLDER, dir_fd=top)
    try:
        for inner, is_folder in _entries(folder):
            if is_folder:
                _let_in(inner, folder)
                os.rename(inner, uuid.uuid4().hex, src_dir_fd=folder, dst_dir_fd=top)
            else:
                os.unlink(inner, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)


def _entries(folder: int) -> list[tuple[str, bool]]:
    """Names in a folder, and whether each is a folder; links are not."""
    with os.scandir(folder) as entries:
        return [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]


def _let_in(name: str, parent: int | None) -> None:
    # A folder may have been closed against its owner; moving it elsewhere asks for the right to write as well.
    with suppress(PermissionError):
        os.chmod(name, 0o700, dir_fd=parent)


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
