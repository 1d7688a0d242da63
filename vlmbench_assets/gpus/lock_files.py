"""Lock files that several users of a machine share, in a folder where everybody may write."""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vlmbench_assets.files import cannot_write
from vlmbench_sdk import EnvironmentUnavailableError, WorkspaceError

LOCKS_VARIABLE = "VLMBENCH_GPU_LOCKS"
"""Environment variable that moves the folder with the locks of GPUs. All who share a machine's GPUs must use the same
one, on a file system of that machine."""
FOLDER = "vlmbench-gpus"
EVERYBODY = 0o1777
GUARD_PATIENCE_S = 60.0
"""How long to wait for a lock that is held for milliseconds."""
GUARD_TRY_EVERY_S = 0.005
MADE_WITHIN_S = 1.0


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
        WorkspaceError: When it cannot be made, or is there and not safe.
    """
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        _refuse_unsafe(folder)
        return
    except OSError as error:
        raise cannot_write(folder, error) from error
    folder.chmod(EVERYBODY)


def _refuse_unsafe(folder: Path) -> None:
    """Refuse a folder in which another user could exchange lock files, such as one made first in `/tmp`."""
    deadline = time.monotonic() + MADE_WITHIN_S
    while True:
        facts = folder.lstat()
        ours = facts.st_uid == os.geteuid()
        if stat.S_ISDIR(facts.st_mode) and (ours or stat.S_IMODE(facts.st_mode) & EVERYBODY == EVERYBODY):
            return
        if not stat.S_ISDIR(facts.st_mode) or time.monotonic() > deadline:
            raise WorkspaceError(
                "another user's folder or link stands where the locks of GPUs belong, and not everybody may share it",
                where=str(folder),
                fix=f"Have its owner do `chmod 1777` or remove it, or name another folder with {LOCKS_VARIABLE}",
            )
        # Another user is just making it: the mode comes a moment later.
        time.sleep(GUARD_TRY_EVERY_S)


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
def guarded(path: Path, patience_s: float = GUARD_PATIENCE_S) -> Iterator[None]:
    """Hold a lock for the few milliseconds that a decision takes.

    Raises:
        EnvironmentUnavailableError: When somebody else, such as a stopped process, holds it for very much longer.
    """
    descriptor = open_shared(path)
    try:
        deadline = time.monotonic() + patience_s
        while not locked_at_once(descriptor):
            if time.monotonic() > deadline:
                raise EnvironmentUnavailableError(
                    f"{_holder(descriptor)} has held the lock of all decisions about GPUs for {patience_s:g} s",
                    where=str(path),
                    fix=f"Continue or end that process, or move the locks of everybody with {LOCKS_VARIABLE}",
                )
            time.sleep(GUARD_TRY_EVERY_S)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        let_go(descriptor)


def _holder(descriptor: int) -> str:
    """Who says that it holds the guard; any user may write there."""
    note = os.pread(descriptor, 20, 0)
    return f"the process {int(note)}" if note.isdigit() else "another process"
