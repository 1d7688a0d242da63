"""Lock files that several users of a machine share, in a folder where everybody may write."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vlmbench_assets.files import cannot_write

LOCKS_VARIABLE = "VLMBENCH_GPU_LOCKS"
"""Environment variable that moves the folder with the locks of GPUs. All who share a machine's GPUs must use the same
one, on a file system of that machine."""
FOLDER = "vlmbench-gpus"
EVERYBODY = 0o1777


def lock_folder() -> Path:
    """The folder of this machine's locks; the same one whoever asks.

    Neither a user's runtime folder nor `TMPDIR`: two processes must not disagree about it because one of them
    was started by another user, by cron or from a session that has ended.

    Raises:
        WorkspaceError: When it cannot be made.
    """
    named = os.environ.get(LOCKS_VARIABLE)
    shared = Path("/run/lock")
    open_to_all = shared.is_dir() and shared.stat().st_mode & EVERYBODY == EVERYBODY
    folder = Path(named) if named else (shared if open_to_all else Path("/tmp")) / FOLDER  # noqa: S108 - see above
    make_shared_folder(folder)
    return folder


def make_shared_folder(folder: Path) -> None:
    """Make a folder in which everybody may make files.

    Raises:
        WorkspaceError: When it cannot be made.
    """
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return
    except OSError as error:
        raise cannot_write(folder, error) from error
    folder.chmod(EVERYBODY)


def open_shared(path: Path) -> int:
    """Open a lock file for reading and writing, and make it where there is none.

    Raises:
        WorkspaceError: When it cannot be opened.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        try:
            # Not with O_CREAT at once: in such a folder the kernel refuses that for another user's file
            # (fs.protected_regular).
            return os.open(path, flags)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise cannot_write(path, error) from error
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            continue
        except OSError as error:
            raise cannot_write(path, error) from error
        os.fchmod(descriptor, 0o666)
        return descriptor


def locked_at_once(descriptor: int, *, shared: bool = False) -> bool:
    """Lock an open file, alone or together with others, unless somebody holds it who does not allow that."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def let_go(descriptor: int) -> None:
    """Unlock a file and close it; unlocked first, because a fork may hold it open too."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def is_locked(path: Path, *, shared: bool = False) -> bool:
    """Whether somebody holds a lock file now, alone where `shared` is asked for."""
    descriptor = open_shared(path)
    try:
        return not locked_at_once(descriptor, shared=shared)
    finally:
        os.close(descriptor)


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Hold a lock for the few milliseconds that a decision takes."""
    descriptor = open_shared(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        let_go(descriptor)
