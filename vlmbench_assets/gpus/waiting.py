"""The queue of those who wait for GPUs: numbered tickets, each a file locked by who waits."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from vlmbench_assets.gpus.lock_files import is_locked, let_go, locked_at_once, open_shared

LONGEST_TICKET = 1 << 16
TICKET = re.compile(r"[0-9]{12}")


class Queue:
    """One waiter's view of the queue. Everything here is done under the guard that decisions are made under.

    Only those who want some of the same GPUs wait for each other. Whoever came first is served first, also when
    what it wants takes longer to become free than what others want: nobody waits for ever.
    """

    def __init__(self, folder: Path, keys: Sequence[str]) -> None:
        """Look at the queue of a folder, on behalf of one who wants some of these GPUs."""
        self._folder = folder
        self._keys = frozenset(keys)
        self._ticket: Path | None = None
        self._held = -1

    def is_first(self) -> bool:
        """Whether nobody waits who came earlier and wants one of the same GPUs."""
        return next(self._before(), None) is None

    def ahead(self) -> int:
        """How many wait who came earlier."""
        return sum(1 for _ in self._before())

    def stand(self) -> None:
        """Stand at its end, unless in the queue already."""
        if self._ticket is not None:
            return
        last = max((int(path.name) for path in self._tickets()), default=0)
        self._ticket = self._folder / f"{last + 1:012}"
        self._held = open_shared(self._ticket)
        locked_at_once(self._held)
        os.pwrite(self._held, json.dumps(sorted(self._keys)).encode(), 0)

    def leave(self) -> None:
        """Leave it, served or not."""
        if self._ticket is not None:
            self._ticket.unlink(missing_ok=True)
            let_go(self._held)
            self._ticket = None

    def _before(self) -> Iterator[Path]:
        for path in self._tickets():
            if self._ticket is not None and path.name >= self._ticket.name:
                return
            if not is_locked(path):
                # Of a process that was killed; another user's can only be left lying.
                with suppress(PermissionError):
                    path.unlink()
            elif self._keys & _keys(path):
                yield path

    def _tickets(self) -> list[Path]:
        return sorted(path for path in self._folder.iterdir() if TICKET.fullmatch(path.name))


def _keys(ticket: Path) -> set[str]:
    """What a ticket asks for; nothing where it is malformed, as any user may write one."""
    held = open_shared(ticket)
    try:
        keys = json.loads(os.pread(held, LONGEST_TICKET, 0) or b"[]")
    except ValueError:
        return set()
    finally:
        os.close(held)
    return {key for key in keys if isinstance(key, str)} if isinstance(keys, list) else set()
