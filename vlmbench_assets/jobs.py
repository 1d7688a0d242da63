"""Run several cells at once, each in a process of its own that serves one cell after another."""

import os
import selectors
import subprocess
import sys
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.store import AssetName
from vlmbench_sdk.records import Record

STOP_S = 120.0
"""How long processes may take to stop their workers and say so, before they are killed. A scheduler that does not
answer takes a minute and more; what is killed earlier leaves its job to end by itself."""
SAY_AFTER_S = 5.0
"""After how long a person is told what takes so long."""
AT_ONCE = 1 << 16


class CellOrder(Record):
    """What a process is told to do: one line on its standard input."""

    model: str
    dataset: str
    stages: tuple[AssetName, ...]
    limit: int | None = None
    again: bool = False
    keep_errors: bool = False

    @property
    def cell(self) -> Cell:
        """The cell to run."""
        return Cell(model=self.model, dataset=self.dataset)


class CellNews(Record):
    """What a process tells: one line each, on a pipe of its own."""

    kind: Literal["samples", "waits", "ended"]
    done: int = 0
    total: int = 0
    text: str = ""
    """What it waits for, or why the cell failed."""


@dataclass(frozen=True, slots=True)
class CellEnd:
    """How a cell ended."""

    cell: Cell
    reason: str
    """Why it failed; empty when it did not."""


def run_at_once(bench: Bench, orders: Sequence[CellOrder], jobs: int) -> Generator[CellEnd, None, None]:
    """Run cells, so many at once, and say how each ended as it ends; whatever ends the iteration stops them.

    Args:
        bench: The workspace; told of progress.
        orders: What to run, in the order to begin with.
        jobs: How many processes at most.
    """
    waiting = deque(orders)
    with _Processes(bench, min(jobs, len(orders))) as processes:
        while waiting or processes.busy:
            while waiting and processes.has_room:
                processes.give(waiting.popleft())
            yield from processes.listen()


class _CellProcess:
    """One process, and the cell that it is at."""

    def __init__(self, root: Path) -> None:
        ours, theirs = os.pipe()
        command = [sys.executable, "-m", "vlmbench_assets.cell_process", str(root), str(theirs)]
        self._process = subprocess.Popen(
            command,
            # Its end tells the process that this one is gone.
            stdin=subprocess.PIPE,
            # What this command prints must stay whole for programs.
            stdout=sys.__stderr__.fileno() if sys.__stderr__ else None,
            pass_fds=(theirs,),
            # Ctrl-C in a terminal reaches this process only, which ends the other's standard input: one
            # interruption, where a signal besides would be a second one that cuts the cleanup off.
            start_new_session=True,
        )
        os.close(theirs)
        self.pipe = ours
        self.order: CellOrder | None = None
        self._rest = b""

    def give(self, order: CellOrder) -> None:
        """Tell it what to do; where it has ended, `news` says so."""
        self.order = order
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.write(order.model_dump_json().encode() + b"\n")
                self._process.stdin.flush()

    def news(self) -> list[CellNews] | None:
        """What it has told since; None when it has ended."""
        found = os.read(self.pipe, AT_ONCE)
        if not found:
            return None
        *lines, self._rest = (self._rest + found).split(b"\n")
        return [CellNews.model_validate_json(line) for line in lines]

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def status(self) -> int:
        """The exit status of a process that ended."""
        return self._process.wait()

    def let_go(self) -> None:
        """Give it no more orders; at a cell, it stops as by Ctrl-C."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()

    def close(self) -> None:
        """Make it end, where it has not."""
        self.let_go()
        if self.runs:
            self._process.kill()
        self._process.wait()
        os.close(self.pipe)


class _Processes:
    """All processes of a run."""

    def __init__(self, bench: Bench, most: int) -> None:
        self._bench, self._most = bench, most
        self._all: list[_CellProcess] = []
        self._selector = selectors.DefaultSelector()

    @property
    def busy(self) -> list[_CellProcess]:
        """Those that are at a cell."""
        return [each for each in self._all if each.order is not None]

    @property
    def has_room(self) -> bool:
        """Whether another cell can begin."""
        return len(self.busy) < self._most

    def give(self, order: CellOrder) -> None:
        """Give a cell to a process that has nothing to do, or to a new one."""
        idle = next((each for each in self._all if each.order is None), None)
        if idle is None:
            idle = _CellProcess(self._bench.workspace.root)
            self._all.append(idle)
            self._selector.register(idle.pipe, selectors.EVENT_READ, idle)
        idle.give(order)

    def listen(self) -> Iterator[CellEnd]:
        """Wait until one tells something."""
        for key, _ in self._selector.select():
            process: _CellProcess = key.data
            news = process.news()
            if news is None:
                yield from self._lost(process)
            for each in news or ():
                if end := self._heard(process, each):
                    yield end

    def _heard(self, process: _CellProcess, news: CellNews) -> CellEnd | None:
        if process.order is None:
            return None
        cell = process.order.cell
        if news.kind == "samples":
            self._bench.progress(cell, news.done, news.total)
        elif news.kind == "waits":
            self._bench.waits(cell, news.text)
        else:
            process.order = None
            return CellEnd(cell, news.text)
        return None

    def _lost(self, process: _CellProcess) -> Iterator[CellEnd]:
        """A process ended by itself, which it should not."""
        self._selector.unregister(process.pipe)
        self._all.remove(process)
        order, status = process.order, process.status()
        process.close()
        if order is not None:
            yield CellEnd(order.cell, f"its process ended with status {status}; what was answered is kept")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for process in self._all:
            process.let_go()
        try:
            self._wait()
        finally:
            for process in self._all:
                process.close()
            self._selector.close()

    def _wait(self) -> None:
        began, told = time.monotonic(), False
        while running := [each for each in self._all if each.runs]:
            passed = time.monotonic() - began
            if passed > STOP_S:
                return
            if passed > SAY_AFTER_S and not told:
                told = True
                for each in running:
                    if each.order is not None:
                        self._bench.waits(each.order.cell, f"its worker is being stopped; that may take {STOP_S:g} s")
            # What they tell is read all along: a full pipe would hold them up.
            for key, _ in self._selector.select(0.1):
                if not os.read(key.fd, AT_ONCE):
                    self._selector.unregister(key.fileobj)
            if not self._selector.get_map():
                time.sleep(0.02)
