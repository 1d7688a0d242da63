"""One process of `vlmbench run --jobs`: ``python -m vlmbench_assets.cell_process WORKSPACE DESCRIPTOR``.

It reads orders from standard input, runs one cell after another, and writes news to the descriptor. When standard
input ends in the middle of a cell, whoever gave the order is gone, and it stops as by Ctrl-C.
"""

import os
import queue
import signal
import sys
import threading
from pathlib import Path

from vlmbench_assets.bench import open_bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.jobs import CellNews, CellOrder
from vlmbench_assets.make.answers import Asking
from vlmbench_assets.runs import CellRunner
from vlmbench_assets.workspace import Workspace

INTERRUPTED = 130


def main() -> int:
    """Serve until there are no more orders."""
    root, descriptor = Path(sys.argv[1]), int(sys.argv[2])
    # Python leaves it out where it was ignored, as in a shell's background job.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    orders: queue.SimpleQueue[CellOrder | None] = queue.SimpleQueue()
    busy, once = threading.Event(), _Once()
    threading.Thread(target=_read, args=(orders, busy, once), daemon=True).start()

    def tell(news: CellNews) -> None:
        try:
            os.write(descriptor, news.model_dump_json().encode() + b"\n")
        except BrokenPipeError:
            once.interrupt()

    def samples(_cell: Cell, done: int, total: int) -> None:
        tell(CellNews(kind="samples", done=done, total=total))

    def waits(_cell: Cell, text: str) -> None:
        tell(CellNews(kind="waits", text=text))

    try:
        runner = CellRunner(open_bench(Workspace(root), samples, waits))
        try:
            while (order := orders.get()) is not None:
                asking = Asking(limit=order.limit, again=order.again, keep_errors=order.keep_errors)
                outcome = runner.run(order.cell, order.stages, asking)
                busy.clear()
                tell(CellNews(kind="ended", text=outcome.reason))
        finally:
            runner.close()
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


class _Once:
    """Interrupts this process as Ctrl-C does, and never twice: a second time would cut the cleanup off."""

    def __init__(self) -> None:
        self._left = threading.Semaphore(1)

    def interrupt(self) -> None:
        if self._left.acquire(blocking=False):
            os.kill(os.getpid(), signal.SIGINT)


def _read(orders: "queue.SimpleQueue[CellOrder | None]", busy: threading.Event, once: _Once) -> None:
    for line in sys.stdin.buffer:
        busy.set()
        orders.put(CellOrder.model_validate_json(line))
    orders.put(None)
    if busy.is_set():
        once.interrupt()


if __name__ == "__main__":
    sys.exit(main())
