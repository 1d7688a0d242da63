"""What the journal costs: answers per second of the echo model with and without it, and how much reaches the disk.

The floor beside it is the same worker loop (`ask_all`) that throws its answers away. `paced` answers arrive as those of
an endpoint that gives 200 a second, whatever happens between them.

Run: python benchmarks/journal.py [ANSWERS]
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from unittest.mock import patch

from vlmbench_echo.backend import Echo
from vlmbench_echo.plugin import EchoOptions
from vlmbench_sdk import Answer, ModelSettings, Request
from vlmbench_sdk.asking import ask_all
from vlmbench_sdk.journal import Answered, JournalWriter

PER_SECOND = 200
PACED = 1000
TEXT = "a line of text as it stands on a receipt, " * 5


class Paced(Echo):
    """Gives each answer when it is due, not when it was asked."""

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer at a fixed rate."""
        started = time.perf_counter()
        for index, answer in enumerate(super().answer(requests)):
            time.sleep(max(0.0, started + index / PER_SECOND - time.perf_counter()))
            yield answer


def requests(count: int) -> list[Request]:
    """So many requests."""
    return [Request(sample_id=f"s{index}", images=(), prompt=TEXT, digest="d" * 64) for index in range(count)]


def answered(answer: Answer) -> Answered:
    """An answer as the worker journals it."""
    return Answered(
        **answer.model_dump(),
        answered_at="2026-01-01T00:00:00.000+00:00",
        model_digest="m" * 64,
        question_digest="q" * 64,
    )


def timed(model: Echo, count: int, keep: Callable[[Answered], object]) -> tuple[float, float]:
    """Wall and CPU seconds of asking everything."""
    model.load()
    wall, cpu = time.perf_counter(), time.process_time()
    for answer in ask_all(model, requests(count)):  # type: ignore[arg-type]
        keep(answered(answer))
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(kind: type[Echo], count: int, folder: Path) -> None:
    """Print the rows of one model, without and with the journal."""
    for journal in (False, True):
        model = kind(EchoOptions(), ModelSettings(name="echo"))
        path = folder / f"{kind.__name__}.jsonl"
        with patch("os.fsync", side_effect=os.fsync) as synced:
            if journal:
                with JournalWriter(path) as writer:
                    wall, cpu = timed(model, count, writer.append)
            else:
                wall, cpu = timed(model, count, lambda _answer: None)
        size = path.stat().st_size / 1e6 if journal else 0.0
        name = f"{'paced' if kind is Paced else 'echo'}, {'journal' if journal else 'none'}"
        print(f"{name:16} {count:8} {count / wall:10.0f} {1e6 * cpu / count:12.0f} {size:8.2f} {synced.call_count:8}")


def main() -> None:
    """Measure at full speed, and paced."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    print(f"{'':16} {'answers':>8} {'answers/s':>10} {'CPU us each':>12} {'MB':>8} {'fsyncs':>8}")
    with tempfile.TemporaryDirectory(dir=".") as folder:
        measure(Echo, count, Path(folder))
        measure(Paced, PACED, Path(folder))


if __name__ == "__main__":
    main()
