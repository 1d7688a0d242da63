"""The digest of a dataset's source: names and bytes of its files, and nothing else about them.

Files are read again only when the file system says that they may have changed; what it says (size, times,
inode) decides about reading, never about the digest.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from vlmbench_assets.files import write_atomically
from vlmbench_assets.lineage import digest_file, digest_json
from vlmbench_sdk import WorkspaceError

NOT_DATA = frozenset({".git", ".venv", ".dagster", "__pycache__", ".ipynb_checkpoints"})
"""Folders that tools make, and no dataset lies in."""
Known = dict[str, list[object]]
"""By file name: what the file system said of it, and the SHA-256 it had then."""


def source_digest(source: Path | None, cache: Path, skip: Path) -> str:
    """Digest of a file, or of all files below a folder.

    Args:
        source: The resolved source; None or missing gives an empty string.
        cache: File that remembers digests; only saves time.
        skip: A folder that does not count, as the results of this project may lie in a source.
    """
    if source is None or not source.exists():
        return ""
    known = _read(cache)
    found: Known = {}
    for name, path in sorted(_files(source, skip)):
        try:
            state = _state(path)
        except FileNotFoundError:
            # A dangling link, or a file that was just removed.
            continue
        before = known.get(name)
        found[name] = before if before is not None and before[:-1] == state else [*state, digest_file(path)]
    if found != known:
        # A cache that cannot be written only costs time.
        with suppress(OSError, WorkspaceError):
            write_atomically(cache, json.dumps(found).encode())
    return digest_json([[name, entry[-1]] for name, entry in found.items()])


def _files(source: Path, skip: Path) -> Iterator[tuple[str, Path]]:
    if source.is_file():
        yield source.name, source
        return
    seen: set[str] = set()
    # Linked folders count, because a reader may show pictures in them; each once, or a circle would never end.
    for folder, names, files in os.walk(source, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            names.clear()
            continue
        seen.add(real)
        names[:] = [name for name in names if name not in NOT_DATA and Path(folder, name) != skip]
        for name in files:
            path = Path(folder, name)
            yield path.relative_to(source).as_posix(), path


def _state(path: Path) -> list[object]:
    # The change time cannot be set back, so an edit that keeps size and modification time is seen too.
    found = path.stat()
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _read(cache: Path) -> Known:
    try:
        found = json.loads(cache.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
