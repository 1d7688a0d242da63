"""What an environment costs a cell: from asking for a worker to its end, cold and warm, beside a bare `docker run`.

The worker is the real one, with one request to the echo model. Cold is with an empty cache (the packages themselves
may be in uv's); warm is the median of several launches, preparing included. Engines that are not here are left out.

Run: python benchmarks/environments.py [ROUNDS] [--image NAME]
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engines.mini_slurm import MiniSlurm
from vlmbench_assets.environments.apptainer import ApptainerEnvironment
from vlmbench_assets.environments.apptainer_options import ApptainerOptions
from vlmbench_assets.environments.docker.environment import DockerEnvironment
from vlmbench_assets.environments.options import DockerOptions, VenvOptions
from vlmbench_assets.environments.process import ProcessEnvironment
from vlmbench_assets.environments.slurm import SlurmEnvironment
from vlmbench_assets.environments.slurm_options import SlurmOptions
from vlmbench_assets.environments.venv import VenvEnvironment
from vlmbench_sdk import Launch, NoOptions, Request
from vlmbench_sdk.job import JOB, REQUESTS, Job

Engine = ProcessEnvironment | VenvEnvironment | DockerEnvironment | ApptainerEnvironment | SlurmEnvironment
DISTRIBUTIONS = ("vlmbench-sdk", "vlmbench-echo")


def one_cell(environment: Engine, root: Path) -> float:
    """Seconds from preparing to the worker's end."""
    work = Path(tempfile.mkdtemp(dir=root)) / "work"
    work.mkdir()
    (work / JOB).write_text(Job(model="echo", plugin="echo").model_dump_json(), encoding="utf-8")
    asked = Request(sample_id="s", images=(), prompt="?")
    (work / REQUESTS).write_text(asked.model_dump_json() + "\n", encoding="utf-8")
    started = time.perf_counter()
    prepared = environment.prepare(DISTRIBUTIONS, lambda _line: None)
    arguments = ("-m", "vlmbench_sdk.runner", str(work / JOB))
    handle = environment.launch(prepared, Launch(arguments=arguments, work=work, log=work.with_name("worker.log")))
    outcome = handle.wait(300)
    took = time.perf_counter() - started
    assert outcome is not None, handle.log_tail()
    assert outcome.kind == "ok", (outcome, handle.log_tail())
    return took


def bare(command: list[str], rounds: int) -> list[float]:
    """Seconds of a command, once for each round."""
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        found.append(time.perf_counter() - started)
    return found


@contextmanager
def slurm(folder: Path) -> Iterator[None]:
    """A private cluster, found through the environment."""
    cluster = MiniSlurm(folder)
    try:
        cluster.start()
        os.environ.update(cluster.env)
        yield
    finally:
        cluster.stop()


def row(name: str, cold: float | None, warm: list[float]) -> None:
    """Print one line."""
    shown = "" if cold is None else f"{cold:.2f}"
    print(f"{name:32} {shown:>8} {statistics.median(warm):8.2f} {min(warm):8.2f} {max(warm):8.2f}", flush=True)


def measure(name: str, make: Callable[[Path], Engine], root: Path, rounds: int) -> None:
    """Measure one kind, with a cache of its own."""
    cache = Path(tempfile.mkdtemp(dir=root))
    cold = one_cell(make(cache), root)
    row(name, cold, [one_cell(make(cache), root) for _ in range(rounds)])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", nargs="?", type=int, default=9)
    parser.add_argument("--image", default="vlmbench/base:bookworm")
    given = parser.parse_args()
    print(f"{'one cell, seconds':32} {'cold':>8} {'warm':>8} {'least':>8} {'most':>8}")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        root.chmod(0o755)
        measure("process", lambda cache: ProcessEnvironment(NoOptions(), name="p", cache=cache), root, given.rounds)
        measure("venv", lambda cache: VenvEnvironment(VenvOptions(), name="v", cache=cache), root, given.rounds)
        if shutil.which("docker"):
            row("bare docker run true", None, bare(["docker", "run", "--rm", given.image, "true"], given.rounds))
            options = DockerOptions(image=given.image)
            measure("docker", lambda cache: DockerEnvironment(options, name="d", cache=cache), root, given.rounds)
        if shutil.which("apptainer"):
            image = ApptainerOptions(image=given.image)
            measure("apptainer", lambda cache: ApptainerEnvironment(image, name="a", cache=cache), root, given.rounds)
        if shutil.which("slurmctld"):
            with slurm(root / "cluster"):
                job = SlurmOptions()
                measure("slurm", lambda cache: SlurmEnvironment(job, name="s", cache=cache), root, given.rounds)


if __name__ == "__main__":
    main()
