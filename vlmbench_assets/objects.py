"""Content-addressed copies of what was published: the history that differences are worked out from."""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vlmbench_assets.files import write_atomically
from vlmbench_assets.lineage import digest_bytes
from vlmbench_sdk import WorkspaceError

FAST = 1
"""Compression level: tables of digests shrink to a third already, at a tenth of the time of the best."""


@dataclass(frozen=True, slots=True)
class Objects:
    """The folder `data/objects/`."""

    root: Path

    def path(self, digest: str) -> Path:
        """Where an object lies."""
        return self.root / digest[:2] / f"{digest}.gz"

    def put(self, content: bytes) -> str:
        """Keep some content once; return its SHA-256."""
        digest = digest_bytes(content)
        path = self.path(digest)
        # A copy that was damaged on the disk is made anew.
        if self.get(digest) is None:
            # Without a time stamp, so that equal contents are equal files.
            write_atomically(path, gzip.compress(content, FAST, mtime=0))
        return digest

    def get(self, digest: str) -> bytes | None:
        """What has this digest; None when it was never kept, was pruned, or is damaged."""
        path = self.path(digest)
        if not path.exists():
            return None
        try:
            content = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error):
            return None
        return content if digest_bytes(content) == digest else None

    def need(self, digest: str, what: str) -> bytes:
        """What has this digest.

        Raises:
            WorkspaceError: When it is not there; names what is missing.
        """
        content = self.get(digest)
        if content is None:
            raise WorkspaceError(
                f"{what} is not in the history any more",
                where=str(self.path(digest)),
                fix="`vlmbench gc` may have pruned it; compare later materialisations",
            )
        return content

    def all(self) -> Iterator[Path]:
        """Every object's file."""
        yield from self.root.glob("??/*.gz")
