"""Who may use which GPU now: leases over all processes of this machine, which end with their holders.

A GPU is two files that are never removed:

- `own` is locked by the process that launches the worker, from the decision to the worker's end;
- `busy` is locked by the worker's supervisor, and so lives as long as whoever really uses the GPU, even when the
  launching process was killed.

It is free when neither is locked. The kernel drops the locks of a process that ends in any way, so that nothing is
left to clean up. Who needs only a share of a GPU locks both files together with others, which keeps those out who
need the whole, and alone as many of its 60 slots as the share is worth, each two such files again: halves, thirds,
quarters, fifths and every multiple of 5 % are exact, other shares are rounded up. `shared` is another name of `busy`
and tells the supervisor to lock it so. Decisions are made under one guard file, in the order in which processes
began to wait.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vlmbench_assets.gpus.discovery import Gpu
from vlmbench_assets.gpus.lock_files import (
    guarded,
    is_locked,
    let_go,
    lock_folder,
    locked_at_once,
    make_shared_folder,
    open_shared,
)
from vlmbench_assets.gpus.waiting import Queue

SLOTS = 60
EXACT = 1e-6
"""0.55 of 60 is a little more than 33 in floating point."""
TRY_EVERY_S = 0.1
SAY_EVERY_S = 30.0
ALL_SLOTS = tuple(f".{slot:02}" for slot in range(SLOTS))
LONGEST_NOTE = 4096
ORPHAN = "a worker whose host is gone; it ends by itself"


@dataclass(frozen=True, slots=True)
class Need:
    """What one worker wants."""

    count: int
    """How many GPUs."""
    among: tuple[Gpu, ...]
    """Those it may be given."""
    share: float = 1.0
    """How much of each."""
    what: str = ""
    """Whom it is for, as others are told who wait."""

    @property
    def slots(self) -> int:
        """Slots of each GPU."""
        return math.ceil(self.share * SLOTS - EXACT)

    @property
    def whole(self) -> bool:
        """Whether it leaves nothing for others."""
        return self.slots == SLOTS

    def __str__(self) -> str:
        """Name it as people do."""
        share = "" if self.whole else f"{self.share * 100:.0f} % of "
        return f"{share}{self.count} GPU{'s' if self.count > 1 else ''}"


class Lease:
    """GPUs that a worker may use until it is given back."""

    def __init__(self, gpus: tuple[Gpu, ...], owned: list[int], busy: tuple[Path, ...]) -> None:
        """Take over locked files."""
        self.gpus = gpus
        self.busy = busy
        """What the worker's supervisor locks."""
        self._owned = owned

    @property
    def ids(self) -> tuple[str, ...]:
        """What programs call the GPUs by."""
        return tuple(gpu.id for gpu in self.gpus)

    def give_back(self) -> None:
        """Give the GPUs back; a worker that still runs keeps them until it ends."""
        while self._owned:
            let_go(self._owned.pop())


class Place:
    """One worker's place among those that wait for GPUs."""

    def __init__(self, need: Need, folder: Path | None = None) -> None:
        """Begin outside the queue."""
        self._need = need
        self._folder = folder or lock_folder()
        make_shared_folder(self._folder / "queue")
        self._queue = Queue(self._folder / "queue", [gpu.key for gpu in need.among])
        self._said: float | None = None

    def take(self) -> Lease | None:
        """Take the GPUs if it is this worker's turn and they are free; else stand in the queue."""
        with guarded(self._folder / "guard"):
            lease = self._take_now() if self._queue.is_first() else None
            if lease is None:
                self._queue.stand()
            else:
                self._queue.leave()
        return lease

    def line(self) -> str:
        """What to tell people, every half a minute; empty in between."""
        now = time.monotonic()
        if self._said is not None and now - self._said < SAY_EVERY_S:
            return ""
        self._said = now
        # Under the guard, because to look at a lock is to hold it for a moment.
        with guarded(self._folder / "guard"):
            holders = "; ".join(f"{gpu.id}: {self._holders(gpu)}" for gpu in self._need.among)
            ahead = self._queue.ahead()
        before = f", after {ahead} that came earlier" if ahead else ""
        return f"waits for {self._need}{before}; {holders}"

    def leave(self) -> None:
        """Wait no longer."""
        with guarded(self._folder / "guard"):
            self._queue.leave()

    def _take_now(self) -> Lease | None:
        """All the GPUs or none."""
        free = {gpu: self._free(gpu) for gpu in self._need.among}
        fitting = [gpu for gpu in self._need.among if len(free[gpu]) >= self._need.slots]
        # The fullest first, so that whole GPUs stay free for those who need whole ones.
        chosen = sorted(fitting, key=lambda gpu: len(free[gpu]))[: self._need.count]
        if len(chosen) < self._need.count:
            return None
        note = json.dumps({"what": self._need.what, "pid": os.getpid(), "since": time.time()}).encode()
        gpus = tuple(sorted(chosen, key=self._need.among.index))
        whole = self._need.whole
        names = [(gpu, "", not whole) for gpu in gpus]
        names += [(gpu, slot, False) for gpu in gpus if not whole for slot in free[gpu][: self._need.slots]]
        owned: list[int] = []
        busy = tuple(self._file(gpu, slot, "shared" if together else "busy") for gpu, slot, together in names)
        lease = Lease(gpus, owned, busy)
        try:
            for gpu, slot, together in names:
                owned.append(open_shared(self._file(gpu, slot, "own")))
                if not locked_at_once(owned[-1], shared=together):
                    # Only whoever does not ask the guard can have taken it since it was looked at.
                    lease.give_back()
                    return None
                if not together:
                    os.ftruncate(owned[-1], 0)
                    os.pwrite(owned[-1], note, 0)
        except BaseException:
            lease.give_back()
            raise
        return lease

    def _free(self, gpu: Gpu) -> list[str]:
        """The slots of a GPU that are free: all or none for whoever needs the whole."""
        shared = not self._need.whole
        if self._held(gpu, "", shared=shared):
            return []
        self._make_shared_name(gpu)
        return [slot for slot in ALL_SLOTS if not shared or not self._held(gpu, slot)]

    def _held(self, gpu: Gpu, slot: str, *, shared: bool = False) -> bool:
        return any(is_locked(self._file(gpu, slot, kind), shared=shared) for kind in ("own", "busy"))

    def _file(self, gpu: Gpu, slot: str, kind: str) -> Path:
        return self._folder / f"{gpu.key}{slot}.{kind}"

    def _make_shared_name(self, gpu: Gpu) -> None:
        # Not a symbolic link: the kernel does not follow another user's in such a folder (fs.protected_symlinks).
        with suppress(FileExistsError):
            os.link(self._file(gpu, "", "busy"), self._file(gpu, "", "shared"))

    def _holders(self, gpu: Gpu) -> str:
        if self._held(gpu, "", shared=True):
            return self._holder(gpu, "", shared=True)
        found = dict.fromkeys(self._holder(gpu, slot) for slot in ALL_SLOTS if self._held(gpu, slot))
        return ", ".join(found) or "free"

    def _holder(self, gpu: Gpu, slot: str, *, shared: bool = False) -> str:
        own = self._file(gpu, slot, "own")
        return _told(own) if is_locked(own, shared=shared) else ORPHAN


def _told(own: Path) -> str:
    """What the holder of a slot says of itself."""
    try:
        note = json.loads(own.read_bytes()[:LONGEST_NOTE])
        since = time.strftime("%H:%M", time.localtime(float(note["since"])))
        return f"{note['what']}, pid {note['pid']}, since {since}"
    except (OSError, ValueError, KeyError, TypeError):
        return "somebody"


@contextmanager
def leased(need: Need, say: Callable[[str], None], folder: Path | None = None) -> Iterator[Lease]:
    """Wait for GPUs and hold them."""
    place = Place(need, folder)
    lease = None
    try:
        while (lease := place.take()) is None:
            if line := place.line():
                say(line)
            time.sleep(TRY_EVERY_S)
        yield lease
    finally:
        place.leave()
        if lease is not None:
            lease.give_back()
