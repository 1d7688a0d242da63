"""What the journal costs: answers per second through the worker's loop with and without it, and what reaches the disk.

`none` is `ask_all` alone, whose answers are thrown away; `journal` is what the worker does (stamp, checksum, append, a
sync for each group); `sync each` forces every answer to the disk by itself, as the journal does not.
At full speed the model is `echo`. The endpoint keeps N requests in flight, each of which takes N/200 s, and gets the
next request only when its last answer was taken: 200 answers a second, less what the loop keeps it waiting.

Run: python benchmarks/journal.py [--answers N] [--rounds N] [--folder WHERE]
"""

import argparse
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import cast
from unittest.mock import patch

from vlmbench_echo.backend import Echo
from vlmbench_echo.plugin import EchoOptions
from vlmbench_sdk import Answer, Model, ModelSettings, Options, Request
from vlmbench_sdk.asking import ask_all
from vlmbench_sdk.job import Job
from vlmbench_sdk.journal import journal_line
from vlmbench_sdk.runner import _journal_answers, _stamp

PER_SECOND = 200
IN_FLIGHT = (1, 16)
SECONDS = 5
"""How long each round of the endpoint takes."""
TEXT = "a line of text as it stands on a receipt, " * 5
JOB = Job(model="echo", plugin="echo", digest="d" * 64)


class Endpoint(Echo):
    """A server with a fixed latency, asked by a client that keeps so many requests in flight."""

    in_flight = 1

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Give each answer when it is due, and take a request for it."""
        waiting, latency = iter(requests), self.in_flight / PER_SECOND
        started = time.perf_counter()
        # Their requests come one after another, as they do once a client has run for a while.
        taken = islice(waiting, self.in_flight)
        asked = deque((started + (index + 1) / PER_SECOND, request) for index, request in enumerate(taken))
        while asked:
            due, request = asked.popleft()
            time.sleep(max(0.0, due - time.perf_counter()))
            yield Answer(sample_id=request.sample_id, answer=TEXT, latency_ms=latency * 1000)
            asked.extend((time.perf_counter() + latency, each) for each in islice(waiting, 1))


@dataclass(frozen=True)
class Took:
    """What asking everything took."""

    wall_s: float
    cpu_s: float
    bytes: int
    syncs: int


Loop = Callable[[Model[Options], Sequence[Request], Path], object]


def none(model: Model[Options], requests: Sequence[Request], _journal: Path) -> None:
    """Throw the answers away."""
    for _answer in ask_all(model, requests, JOB.retry):
        pass


def journal(model: Model[Options], requests: Sequence[Request], journal: Path) -> None:
    """What the worker does."""
    _journal_answers(JOB, model, list(requests), journal)


def sync_each(model: Model[Options], requests: Sequence[Request], journal: Path) -> None:
    """Append the same lines, each forced to the disk before the next is asked."""
    with journal.open("ab") as file:
        for answer in ask_all(model, requests, JOB.retry):
            file.write(journal_line(_stamp(answer, JOB.digest, "q" * 64)))
            file.flush()
            os.fsync(file.fileno())


def timed(loop: Loop, model: Echo, count: int, folder: Path) -> Took:
    """Ask everything once."""
    requests = [Request(sample_id=f"s{index}", images=(), prompt=TEXT, digest="q" * 64) for index in range(count)]
    path = folder / "journal.jsonl"
    path.unlink(missing_ok=True)
    model.load()
    with patch("os.fsync", side_effect=os.fsync) as synced:
        wall, cpu = time.perf_counter(), time.process_time()
        loop(cast("Model[Options]", model), requests, path)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Took(wall, cpu, path.stat().st_size if path.exists() else 0, synced.call_count)


def measure(name: str, model: Echo, count: int, rounds: int, folder: Path) -> None:
    """Print the rows of one model. The loops take turns, so that what else the machine does meets all of them."""
    loops: dict[str, Loop] = {"none": none, "journal": journal, "sync each": sync_each}
    took: dict[str, list[Took]] = {kind: [] for kind in loops}
    for _ in range(rounds):
        for kind, loop in loops.items():
            took[kind].append(timed(loop, model, count, folder))
    for kind, found in took.items():
        wall, cpu = (median(getattr(each, part) for each in found) for part in ("wall_s", "cpu_s"))
        cost = median(each.wall_s / floor.wall_s - 1 for each, floor in zip(found, took["none"], strict=True))
        print(
            f"{name:24} {kind:10} {count:8} {count / wall:10.1f} {100 * cost:9.2f} {1e6 * cpu / count:12.0f}"
            f" {found[0].bytes / count:12.0f} {median(each.syncs for each in found):7.0f}",
            flush=True,
        )


def main() -> None:
    """Measure at full speed, and an endpoint of 200 answers a second."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--answers", type=int, default=5000, help="answers at full speed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, default=Path(), help="where the journal is written: the disk matters")
    given = parser.parse_args()
    settings = ModelSettings(name="echo")
    head = f"{'model':24} {'loop':10} {'answers':>8} {'answers/s':>10} {'costs %':>9} {'CPU us each':>12}"
    print(f"{head} {'bytes each':>12} {'fsyncs':>7}")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        measure("echo, full speed", Echo(EchoOptions(), settings), given.answers, given.rounds, Path(folder))
        for number in IN_FLIGHT:
            endpoint = Endpoint(EchoOptions(), settings)
            endpoint.in_flight = number
            name = f"{PER_SECOND}/s, {number} in flight"
            measure(name, endpoint, PER_SECOND * SECONDS, given.rounds, Path(folder))


if __name__ == "__main__":
    main()
