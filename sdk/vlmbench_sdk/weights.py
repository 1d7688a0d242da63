"""Where weights come from: a folder of this machine, or a pinned commit of the hub."""

import hashlib
import re
from pathlib import Path
from typing import Annotated

from pydantic import Field

from vlmbench_sdk.errors import ModelError
from vlmbench_sdk.records import Record

Source = Annotated[str, Field(pattern=r"^(~?/.+|\w[\w.-]*/\w[\w.-]*)$")]
"""An absolute folder, or `owner/name` on the hub."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_BLOCK = 1 << 22


class Found(Record):
    """Weights that may be loaded."""

    name: str
    """What the library is given: a path, or `owner/name`."""
    revision: str | None = None
    """Commit on the hub; null for a folder."""
    digest: str = ""
    """Digest of a folder's files; empty for the hub, whose commit says it all."""

    @property
    def local(self) -> bool:
        """Whether it is a folder, so that nothing may be fetched."""
        return self.revision is None


def unpinned(source: str, revision: str, key: str) -> str:
    """Say that a source on the hub has no commit; empty for a folder, and where it has one."""
    if source.startswith(("/", "~")) or _COMMIT.fullmatch(revision):
        return ""
    found = f"{key} {revision!r} is not a commit" if revision else f"{key} is required"
    return (
        f"{found}: {source} is on the hub, where a name or a branch changes its weights without notice; set `{key}` to "
        "the 40 hexadecimal digits of the commit, which the model's page lists under Files"
    )


def find(source: str, revision: str, *, where: str, key: str = "revision") -> Found:
    """Check where weights come from before anything heavy is imported.

    Args:
        source: A folder or `owner/name`.
        revision: The pinned commit; for a folder empty, or the digest that it must have.
        where: Whom a message is about.
        key: The key that pins it, for messages.

    Raises:
        ModelError: When the folder is missing or another one, or a commit is not pinned.
    """
    if not source.startswith(("/", "~")):
        if says := unpinned(source, revision, key):
            raise ModelError(says, where=where)
        return Found(name=source, revision=revision)
    folder = Path(source).expanduser()
    if not folder.is_dir():
        raise ModelError(
            f"the folder {source} does not exist for the worker",
            where=where,
            fix="Correct the path; a container sees it when its environment lists it under `readable`",
        )
    digest = digest_of(folder)
    if revision and revision != digest:
        raise ModelError(
            f"the files in {source} have the digest {digest}, not {revision}",
            where=where,
            fix=f"Put the right weights there, or set `{key}: {digest}`",
        )
    return Found(name=str(folder), digest=digest)


def digest_of(folder: Path) -> str:
    """Digest of names and bytes of all files in a folder: 40 hexadecimal digits, as a commit has."""
    whole = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        content = hashlib.sha256()
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                content.update(block)
        whole.update(f"{path.relative_to(folder).as_posix()}\0{content.hexdigest()}\n".encode())
    return whole.hexdigest()[:40]
