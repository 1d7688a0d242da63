"""What was made for environments is in use for as long as a host lives that prepared it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from vlmbench_assets.files import open_lock

LOCK, USED = ".lock", ".used"
"""Suffixes of the files beside what was made: locked while it is made, and together with others while it is used."""
_HELD: dict[Path, int] = {}


def keep_in_use(made: Path) -> None:
    """Keep `vlmbench env prune` from what was made until this process ends; called while its lock is held.

    The time of the folder or file is the mark of use that prune goes by.
    """
    if made not in _HELD:
        with open_lock(made.with_suffix(USED)) as file:
            # Never waits: prune locks it only while it holds the other lock.
            fcntl.flock(file, fcntl.LOCK_SH)
            # The lock is that of both descriptors, and goes with the last one.
            _HELD[made] = os.dup(file.fileno())
    os.utime(made)


@contextmanager
def nobodys(made: Path) -> Iterator[bool]:
    """Hold what was made, alone, so that it may be thrown away; say whether that is so."""
    with ExitStack() as files:
        yield all(_locked(files.enter_context(open_lock(made.with_suffix(suffix)))) for suffix in (LOCK, USED))


def _locked(file: BinaryIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
