"""What asking an endpoint costs beyond a bare client: span, server's business, processor time, memory, start-up.

The endpoint is `vlmbench mock-endpoint` in a process of its own. `floor` is a bare aiohttp client that sends the same
requests and writes the answers' lines; `vlmbench` is the worker as the host starts it, with its journal.
Both are processes of their own; the columns take turns.

Run: python benchmarks/endpoint.py [--images FOLDER] [--rounds N] [--only NAME]
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from PIL import Image

from vlmbench_sdk import Request, Retry
from vlmbench_sdk.job import JOB, JOURNAL, REQUESTS, Job

CLIENT = Path(__file__).with_name("endpoint_floor.py")


@dataclass(frozen=True)
class Case:
    """One table row: what is asked, and how the endpoint behaves."""

    name: str
    samples: int
    in_flight: int
    mock: tuple[str, ...]
    images: bool = False
    stream: bool = False
    timeout_s: float = 30


EQUAL = ("--slots", "16", "--ttft-ms", "175", "--tpot-ms", "0")
FAULTS = ("--fault-rate", "0.1")
CASES = (
    Case("400 images, equal times", 400, 16, EQUAL, images=True),
    Case("400 images, long tails", 400, 16, (*EQUAL, "--spread", "1"), images=True),
    Case("400 images, streamed", 400, 16, (*EQUAL[:5], "2", "--answer", "word " * 20), images=True, stream=True),
    Case("2,000 small", 2000, 64, ("--slots", "64", "--ttft-ms", "0", "--tpot-ms", "0")),
    Case("2,000 small, streamed", 2000, 64, ("--slots", "64", "--ttft-ms", "0", "--tpot-ms", "0"), stream=True),
    Case("400 small, 10 % faults", 400, 16, (*EQUAL, *FAULTS), timeout_s=1),
    Case("400 small, 2 % never answer", 400, 16, (*EQUAL, "--poison-rate", "0.02"), timeout_s=1),
    Case("400 small, 2 % hang", 400, 16, (*EQUAL, "--poison-rate", "0.02", "--poison", "hang"), timeout_s=1),
    Case("400 small, 2 % are refused", 400, 16, (*EQUAL, "--poison-rate", "0.02", "--poison", "400"), timeout_s=1),
)


@dataclass(frozen=True)
class Took:
    """One run of one client."""

    wall_s: float
    cpu_s: float
    rss_mb: float
    span_s: float
    busy: float
    answered: int
    failed: int
    requests: int
    again: int


@contextmanager
def mock(case: Case) -> Iterator[str]:
    """Run the endpoint; give its address."""
    command = [sys.executable, "-u", "-m", "vlmbench_assets.cli", "mock-endpoint", "--port", "0", *case.mock]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().split()[3]
        finally:
            process.terminate()


def prepare(case: Case, images: Sequence[Path], url: str, work: Path) -> None:
    """Write what the host writes for a worker."""
    options = {
        "base_url": url,
        "model": "m",
        "concurrency": case.in_flight,
        "stream": case.stream,
        "timeout_s": case.timeout_s,
    }
    job = Job.model_validate({"model": "asked", "plugin": "openai", "options": options, "retry": Retry(first_s=0.25)})
    (work / JOB).write_text(job.model_dump_json(), encoding="utf-8")
    with (work / REQUESTS).open("w", encoding="utf-8") as lines:
        for index in range(case.samples):
            paths = (str(images[index // 5 % len(images)]),) if case.images else ()
            request = Request(sample_id=f"s{index}", images=paths, prompt=f"What is field {index}?", digest="q" * 64)
            lines.write(request.model_dump_json() + "\n")


def timed(client: str, case: Case, images: Sequence[Path], work: Path) -> Took:
    """Let one client ask everything."""
    for path in work.iterdir():
        path.unlink()
    with mock(case) as url:
        prepare(case, images, url, work)
        command = [str(CLIENT)] if client == "floor" else ["-m", "vlmbench_sdk.runner"]
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, *command, str(work / JOB)], stderr=subprocess.DEVNULL)
        _, _, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as answer:  # noqa: S310 - our own
            seen = json.load(answer)
    slots = int(case.mock[1])
    lines = [json.loads(line) for line in (work / JOURNAL).read_text(encoding="utf-8").splitlines()]
    ok = sum(line["status"] in {"ok", "empty"} for line in lines)
    return Took(
        wall_s=wall,
        cpu_s=used.ru_utime + used.ru_stime,
        rss_mb=used.ru_maxrss / 1024,
        span_s=seen["span_s"],
        busy=seen["busy_s"] / (slots * seen["span_s"]),
        answered=ok,
        failed=len(lines) - ok,
        requests=seen["requests"],
        again=seen["answered_again"],
    )


def measure(case: Case, images: Sequence[Path], rounds: int) -> None:
    """Print a row for each client."""
    took: dict[str, list[Took]] = {"floor": [], "vlmbench": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for client, found in took.items():
                found.append(timed(client, case, images, Path(folder)))
    ratios = [mine.span_s / floor.span_s for mine, floor in zip(took["vlmbench"], took["floor"], strict=True)]
    for client, found in took.items():
        span, wall, cpu, rss, busy = (
            median(getattr(each, part) for each in found) for part in ("span_s", "wall_s", "cpu_s", "rss_mb", "busy")
        )
        last = found[-1]
        print(
            f"| {case.name} | {client} | {span:.2f} | {median(ratios) if client == 'vlmbench' else 1:.2f} | "
            f"{case.samples / span:,.0f} | {100 * busy:.0f} | {wall - span:.2f} | {1000 * cpu / case.samples:.2f} | "
            f"{rss:.0f} | {last.answered} | {last.failed} | {last.requests} | {last.again} |",
            flush=True,
        )


def drawn(folder: Path) -> list[Path]:
    """Pictures of a receipt's size where no real ones are given: noise, which no encoding makes small."""
    rng, paths = random.Random(0), []  # noqa: S311 - noise
    for index in range(80):
        path = folder / f"{index}.jpg"
        Image.frombytes("L", (500, 1000), rng.randbytes(500_000)).save(path, quality=85)
        paths.append(path)
    return paths


def main() -> None:
    """Measure all cases."""
    parser = argparse.ArgumentParser()
    parser.add_argument(
        "--images", type=Path, help="folder of JPEG files; the first 80 are asked about five times each"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="part of the name of the cases to measure")
    chosen = parser.parse_args()
    print("| what | client | span s | of floor | samples/s | busy % | beside the span s | CPU ms each | MB |", end="")
    print(" answered | failed | requests | answered twice |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        images = sorted(chosen.images.glob("*.jpg"))[:80] if chosen.images else drawn(Path(folder))
        for case in CASES:
            if chosen.only in case.name:
                measure(case, images, chosen.rounds)


if __name__ == "__main__":
    main()
