"""Progress in the terminal: a bar per cell where there is one, a line now and then where there is not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

if TYPE_CHECKING:
    from vlmbench_assets.catalog import Cell
    from vlmbench_assets.runs import CellOutcome

LINE_EVERY_S = 10.0


class TerminalProgress:
    """What `vlmbench run` shows while it runs; on standard error, so that output stays clean."""

    def __init__(self) -> None:
        """Start nothing yet; `showing` does."""
        self._console = Console(stderr=True)
        self._bars: Progress | None = None
        self._bar: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}
        self._said_at: dict[str, float] = {}
        self._cells = self._ended = 0

    @contextmanager
    def showing(self, cells: int) -> Iterator[None]:
        """Show progress over so many cells."""
        self._cells = cells
        if not self._console.is_terminal:
            yield
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as self._bars:
            yield

    def samples(self, cell: "Cell", done: int, total: int) -> None:
        """Samples of a cell that are done."""
        now, name = time.monotonic(), str(cell)
        if done == 0 or name not in self._started:
            self._started[name] = self._said_at[name] = now
        rate = done / (now - self._started[name]) if now > self._started[name] else 0.0
        if self._bars is not None:
            if name not in self._bar:
                self._bar[name] = self._bars.add_task(name, total=total, rate="")
            self._bars.update(self._bar[name], completed=done, rate=f"{rate:.1f}/s")
        elif done and now - self._said_at[name] >= LINE_EVERY_S:
            self._said_at[name] = now
            left = (total - done) / rate
            click.echo(f"  {cell}: {done} of {total} samples, {rate:.1f}/s, {left:.0f} s left", err=True)

    def line(self, cell: "Cell", text: str) -> None:
        """What a cell waits for."""
        self._console.print(f"{cell}: {text}", markup=False, highlight=False, soft_wrap=True)

    def cell_done(self, outcome: "CellOutcome") -> None:
        """A cell ended."""
        self._ended += 1
        if self._bars is not None and str(outcome.cell) in self._bar:
            self._bars.remove_task(self._bar.pop(str(outcome.cell)))
        said = "failed" if outcome.reason else "done"
        text = f"[{self._ended}/{self._cells}] {outcome.cell}: {said}"
        self._console.print(text, style="red" if outcome.reason else None, markup=False, highlight=False)
