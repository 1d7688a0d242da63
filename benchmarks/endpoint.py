"""What asking an endpoint costs beyond a bare client: span, server's business, processor time, memory, start-up.

The endpoint is `vlmbench mock-endpoint` in a process of its own. `floor` is a bare aiohttp client that sends the same
requests and writes the answers' lines; `vlmbench` is the worker as the host starts it, with its journal; `--peers` adds
other programs, each installed at fixed versions into a virtual environment of its own and driven by `peers/ask_*.py`.
All are processes of their own, measured in the same way; they take turns.

Run: python benchmarks/endpoint.py [--images FOLDER] [--rounds N] [--only NAME] [--peers [PEER ...]]
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from PIL import Image

from vlmbench_sdk import Request, Retry
from vlmbench_sdk.job import JOB, JOURNAL, REQUESTS, Job

HERE = Path(__file__).parent


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


COLUMNS = (
    "span s", "of floor", "samples/s", "busy %", "start-up s", "finish s", "CPU ms each", "MB", "answered", "failed",
    "requests", "answered twice", "ended",
)  # fmt: skip
MEDIANS = ("span_s", "startup_s", "finish_s", "rss_mb", "busy")
ASKED = (
    ("of floor", "400 images, equal times", 1.1),
    ("of floor", "400 images, long tails", 1.1),
    ("CPU ms", "400 images, equal times", 5),
    ("samples/s", "2,000 small", 1500),
    ("startup_s", "400 images, equal times", 1),
    ("rss_mb", "400 images, equal times", 150),
    ("of floor", "400 small, 10 % faults", 1.5),
)
"""Figure, case and bound of what the project set out to reach."""
PEERS = {
    "inspect-ai": ("inspect-ai==0.3.285", "openai==3.52.0"),
    "evalscope": ("evalscope==1.14.1",),
    "lmms-eval": ("lmms-eval==0.7.3", "torch==2.13.0"),
}
"""What is installed for each; the driver is `peers/ask_PEER.py`."""
INSTALL_S = 600


@dataclass(frozen=True)
class Took:
    """One run of one client."""

    startup_s: float
    """From its start to its first request."""
    span_s: float
    """From the first request to the end of the last answer, by the endpoint's clock."""
    finish_s: float
    """From the last answer to its end."""
    cpu_s: float
    rss_mb: float
    """Of its largest process."""
    busy: float
    answered: int
    """Samples that the endpoint answered in full."""
    failed: str
    """Samples that the client wrote down as failed; empty where it writes no journal."""
    requests: int
    again: int
    ended: str


class Unmeasured(Exception):  # noqa: N818 - not an error of this script: the reason stands in the table
    """A client that cannot be installed, or that asked nothing."""


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


def installed(peer: str) -> Path:
    """A peer's interpreter, from an environment that is made once under the cache folder.

    Raises:
        Unmeasured: It could not be installed.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "vlmbench-benchmarks" / peer
    python, done = folder / "bin" / "python", folder / "installed.txt"
    wanted = "\n".join(PEERS[peer])
    if done.is_file() and done.read_text(encoding="utf-8") == wanted:
        return python
    print(f"installing {wanted.splitlines()} into {folder}", file=sys.stderr, flush=True)
    uv = str(Path(sys.executable).with_name("uv"))
    install = ["pip", "install", "--python", str(python), "--overrides", str(HERE / "peers" / "without.txt")]
    for command in (["venv", "--clear", "--python", sys.executable, str(folder)], [*install, *PEERS[peer]]):
        try:
            ran = subprocess.run([uv, *command], capture_output=True, text=True, timeout=INSTALL_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unmeasured(f"not installed: {error}") from error
        if ran.returncode:
            raise Unmeasured(f"not installed: {' '.join(ran.stderr.split())[:300]}")
    done.write_text(wanted, encoding="utf-8")
    return python


def command_of(client: str, work: Path) -> list[str]:
    """How a client is started."""
    job = str(work / JOB)
    if client == "vlmbench":
        return [sys.executable, "-m", "vlmbench_sdk.runner", job]
    if client == "floor":
        return [sys.executable, str(HERE / "endpoint_floor.py"), job]
    return [str(installed(client)), str(HERE / "peers" / f"ask_{client.replace('-', '_')}.py"), job]


def timed(client: str, case: Case, images: Sequence[Path], limit_s: float) -> Took:
    """Let one client ask everything.

    Raises:
        Unmeasured: It cannot be installed, or asked nothing.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, mock(case) as url:
        work = Path(folder)
        prepare(case, images, url, work)
        command = command_of(client, work)
        # What peers keep between runs would answer the next one: each run finds empty caches.
        fresh = {name: str(work / name.lower()) for name in ("HF_HOME", "XDG_DATA_HOME", "MODELSCOPE_CACHE")}
        with (work / "said.txt").open("wb") as said:
            started = time.monotonic()
            process = subprocess.Popen(
                command, cwd=work, env={**os.environ, **fresh}, stdout=said, stderr=said, start_new_session=True
            )
            stop = threading.Timer(limit_s, os.killpg, (process.pid, signal.SIGKILL))
            stop.start()
            _, status, used = os.wait4(process.pid, 0)
            stop.cancel()
            ended = time.monotonic()
        with urllib.request.urlopen(url.removesuffix("/v1") + "/stats") as answer:  # noqa: S310 - our own
            seen = json.load(answer)
        code = os.waitstatus_to_exitcode(status)
        end = f"exit code {code}"
        if code:
            lines = (work / "said.txt").read_text(encoding="utf-8", errors="replace").splitlines()
            last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
            end = f"stopped after {limit_s:g} s" if code == -signal.SIGKILL else f"{end}: {last[:200]}"
        if not seen["answered"]:
            raise Unmeasured(f"no sample was answered, {end}")
        journal = work / JOURNAL
        rows = [json.loads(line) for line in journal.read_bytes().splitlines()] if journal.is_file() else []
    return Took(
        startup_s=seen["first_s"] - started,
        span_s=seen["span_s"],
        finish_s=ended - seen["first_s"] - seen["span_s"],
        cpu_s=used.ru_utime + used.ru_stime,
        rss_mb=used.ru_maxrss / 1024,
        busy=seen["busy_s"] / (int(case.mock[1]) * seen["span_s"]),
        answered=seen["answered"] - seen["answered_again"],
        requests=seen["requests"],
        again=seen["answered_again"],
        failed=str(sum(row["status"] not in {"ok", "empty"} for row in rows)) if rows else "",
        ended=end.replace("|", "/"),
    )


def measure(
    case: Case, images: Sequence[Path], chosen: argparse.Namespace, missing: Mapping[str, str]
) -> dict[str, float]:
    """Print a row for each client; return the figures of ours."""
    peers = [] if case.stream else chosen.peers
    took: dict[str, list[Took]] = {client: [] for client in ("floor", "vlmbench", *peers)}
    reasons = dict(missing)
    for _ in range(chosen.rounds):
        for client in took:
            try:
                if client not in reasons:
                    took[client].append(timed(client, case, images, chosen.limit_s))
            except Unmeasured as error:
                reasons[client] = str(error)
    ours: dict[str, float] = {}
    for client, found in took.items():
        if client in reasons:
            print(
                f"| {case.name} | {client} |{' |' * (len(COLUMNS) - 1)} {reasons[client].replace('|', '/')} |",
                flush=True,
            )
            continue
        figures = {part: median(getattr(each, part) for each in found) for part in MEDIANS}
        figures["of floor"] = median(
            each.span_s / floor.span_s for each, floor in zip(found, took["floor"], strict=True)
        )
        figures["samples/s"] = median(each.answered / each.span_s for each in found)
        figures["CPU ms"] = median(1000 * each.cpu_s / each.answered for each in found)
        last = found[-1]
        print(
            f"| {case.name} | {client} | {figures['span_s']:.2f} | {figures['of floor']:.2f} | "
            f"{figures['samples/s']:,.0f} | {100 * figures['busy']:.0f} | {figures['startup_s']:.2f} | "
            f"{figures['finish_s']:.2f} | {figures['CPU ms']:.2f} | {figures['rss_mb']:.0f} | {last.answered} | "
            f"{last.failed} | {last.requests} | {last.again} | {last.ended} |",
            flush=True,
        )
        if client == "vlmbench":
            ours = figures
    return ours


def judge(found: dict[str, dict[str, float]]) -> None:
    """Print what was asked for beside what came out."""
    print("\n| asked of vlmbench | in | at most (-) or least (+) | measured | |\n|---|---|--:|--:|---|")
    for figure, case, bound in ASKED:
        if case in found:
            value = found[case][figure]
            reached = value <= bound if figure != "samples/s" else value >= bound
            sign = "+" if figure == "samples/s" else "-"
            print(
                f"| {figure} | {case} | {sign} {bound:,g} | {value:,.2f} | {'reached' if reached else 'NOT reached'} |"
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
    parser.add_argument("--peers", nargs="*", choices=tuple(PEERS), help="other programs beside it; alone: all of them")
    parser.add_argument("--samples", type=int, help="at most so many a case: to see that it works, not for figures")
    parser.add_argument("--limit-s", type=float, default=300, help="then a client is stopped")
    chosen = parser.parse_args()
    chosen.peers = list(PEERS) if chosen.peers == [] else chosen.peers or []
    print(f"| what | client | {' | '.join(COLUMNS)} |\n|---|---|{'--:|' * (len(COLUMNS) - 1)}---|")
    missing: dict[str, str] = {}
    for peer in chosen.peers:
        try:
            installed(peer)
        except Unmeasured as error:
            missing[peer] = str(error)
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        images = sorted(chosen.images.glob("*.jpg"))[:80] if chosen.images else drawn(Path(folder))
        for case in CASES:
            if chosen.only in case.name:
                asked = replace(case, samples=min(case.samples, chosen.samples or case.samples))
                found[case.name] = measure(asked, images, chosen, missing)
    if not chosen.samples:
        judge(found)


if __name__ == "__main__":
    main()
