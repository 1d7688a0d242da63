"""Open files that somebody else may have put there: plain files only, never through a link."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

LONGEST_TAIL = 1 << 16
"""Bytes of a log that are looked at for its last lines."""


def open_plain(path: Path) -> BinaryIO:
    """Open a file for reading.

    Raises:
        OSError: When it is not there, or is a link, a pipe, a device or a folder.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a plain file")
    return os.fdopen(descriptor, "rb")


def read_plain(path: Path, largest: int = 16 << 20) -> bytes:
    """Read a file of at most `largest` bytes.

    Raises:
        OSError: When `open_plain` refuses it, or it is larger.
    """
    with open_plain(path) as file:
        content = file.read(largest + 1)
    if len(content) > largest:
        raise OSError(f"{path} is larger than {largest} bytes")
    return content


def last_lines(log: Path, lines: int) -> str:
    """The end of a log, as text; empty where there is no such plain file."""
    try:
        with open_plain(log) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LONGEST_TAIL))
            text = file.read()
    except OSError:
        return ""
    return "\n".join(text.decode("utf-8", "replace").splitlines()[-lines:])
