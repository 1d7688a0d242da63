"""The `docker` environment with a real engine: the same answers, nothing left behind, every error a sentence."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cells import answer, bench_of, make_everything
from tests.engines.support import IMAGE
from tests.support import Run, journal_of, write_source, write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.environments.docker.engine import docker_client
from vlmbench_assets.environments.docker.environment import DockerEnvironment, remove_abandoned
from vlmbench_assets.environments.options import DockerOptions
from vlmbench_assets.staleness import Judge
from vlmbench_sdk import EnvironmentUnavailableError, Launch, WorkerError
from vlmbench_sdk.processes import process_identity

pytestmark = pytest.mark.engine("docker")
TIMINGS = {"latency_ms", "ttft_ms", "answered_at"}


@pytest.fixture(autouse=True)
def _shared_cache(monkeypatch: pytest.MonkeyPatch, shared: Path) -> None:
    monkeypatch.setenv("VLMBENCH_CACHE", str(shared))


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    yield
    assert containers() == []


def containers() -> list[str]:
    found = docker_client().containers.list(all=True, filters={"label": "vlmbench=worker"})
    return [str(each.name) for each in found if each.labels["vlmbench.pid"] == str(os.getpid())]


def write_box(root: Path, options: str = "", name: str = "box") -> None:
    write_yaml(root, f"environments/{name}", f"kind: docker\noptions: {{image: '{IMAGE}'{options}}}\n")


def write_echo(root: Path, options: str = "", environment: str = "box", name: str = "echo") -> None:
    text = f"plugin: echo\nenvironment: {environment}\noptions: {{answer: '{{sample_id}} {{field}}'{options}}}\n"
    write_yaml(root, f"models/{name}", text)


def table(root: Path, model: str) -> list[dict[str, str]]:
    lines = (root / f"data/answers/{model}/tiny/answers.csv").read_text(encoding="utf-8").splitlines()
    names = lines[0].split(",")
    digest = {"sample_digest"}  # carries the environment
    rows = (dict(zip(names, line.split(","), strict=True)) for line in lines[1:])
    return [{name: value for name, value in row.items() if name not in TIMINGS | digest} for row in rows]


def wait_for(what: Callable[[], bool], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.05)


def test_the_same_answers_as_anywhere_and_nothing_stays(workspace: Path, vlmbench: Run) -> None:
    write_box(workspace)
    write_echo(workspace)
    write_echo(workspace, environment="process", name="plain")
    write_yaml(workspace, "benchmarks/b", "models: [echo, plain]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    # The two differ in what the question's lineage says of them, and in nothing else.
    vlmbench("run", check=0)
    assert table(workspace, "echo") == table(workspace, "plain")
    cell = workspace / "data/answers/echo/tiny"
    assert {path.owner() for path in cell.rglob("*")} == {cell.owner()}
    manifest = json.loads((cell / "manifest.json").read_bytes())
    assert manifest["facts"]["environment"]["kind"] == "docker"
    assert manifest["lineage"]["environment"].startswith("docker ")
    assert manifest["lineage"]["environment lock"]
    assert "dagster" not in manifest["facts"]["environment"]["packages"]
    assert "model echo: 4 of 4 answered" in (cell / "worker.log").read_text(encoding="utf-8")
    vlmbench("plan", check=0)


def test_an_image_that_moved_makes_its_cells_stale(workspace: Path) -> None:
    client = docker_client()
    name = f"vlmbench/moving:{os.getpid()}"
    client.images.get(IMAGE).tag(name)
    try:
        write_yaml(workspace, "environments/box", f"kind: docker\noptions: {{image: '{name}'}}\n")
        write_echo(workspace)
        answer(workspace, "echo", "tiny")
        judged = Judge(bench_of(workspace)).cell(Cell("echo", "tiny"))
        assert judged.assets["answers"].state == "fresh"
        box = client.containers.create(IMAGE, ["true"])
        box.commit(*name.split(":"))
        box.remove()
        (reason,) = Judge(bench_of(workspace)).cell(Cell("echo", "tiny")).assets["answers"].reasons[:1]
        assert reason.startswith("environment docker ")
    finally:
        client.images.remove(name, force=True)


def test_two_stacks_that_conflict_side_by_side_in_one_benchmark(workspace: Path) -> None:
    versions = ("4.57.1", "5.23.0")
    for version in versions:
        write_box(workspace, f", requirements: [transformers=={version}]", f"box{version}")
        write_echo(workspace, environment=f"box{version}", name=f"echo{version}")
    names = ", ".join(f"echo{version}" for version in versions)
    write_yaml(workspace, "benchmarks/b", f"models: [{names}]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    make_everything(workspace)
    store = bench_of(workspace).store
    made = [store.manifest("answers", "tiny", f"echo{version}") for version in versions]
    packages = [json.loads(json.dumps(each.facts["environment"]))["packages"] for each in made if each]
    assert [each["transformers"] for each in packages] == list(versions)
    assert packages[0]["huggingface_hub"] != packages[1]["huggingface_hub"]
    assert len({each.lineage["environment lock"] for each in made if each}) == 2


def test_a_failing_install_names_the_package(workspace: Path) -> None:
    write_box(workspace, ", requirements: [packaging==0.0.0.1]")
    write_echo(workspace)
    with pytest.raises(EnvironmentUnavailableError, match=r"packaging==0\.0\.0\.1") as caught:
        answer(workspace, "echo", "tiny")
    log = Path(os.environ["VLMBENCH_CACHE"], "boxes/box.log")
    assert str(log) in str(caught.value)
    assert "packaging" in log.read_text(encoding="utf-8")


def test_exit_status_and_signals_are_named(workspace: Path) -> None:
    write_box(workspace)
    write_echo(workspace, ", exit_on: s2, exit_code: 7")
    with pytest.raises(WorkerError, match="the worker ended with exit status 7"):
        answer(workspace, "echo", "tiny")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("image: 'vlmbench/nowhere:1'", "the image vlmbench/nowhere:1 is not on this machine"),
        (f"image: '{IMAGE}', python: python9", "No interpreter found"),
    ],
)
def test_what_is_missing_is_named(workspace: Path, options: str, words: str) -> None:
    write_yaml(workspace, "environments/box", f"kind: docker\noptions: {{{options}}}\n")
    write_echo(workspace)
    with pytest.raises(EnvironmentUnavailableError, match=words):
        answer(workspace, "echo", "tiny")


def test_gpus_without_the_nvidia_runtime_are_one_sentence(tmp_path: Path) -> None:
    environment = DockerEnvironment(DockerOptions(image=IMAGE), name="box", cache=Path(os.environ["VLMBENCH_CACHE"]))
    prepared = environment.prepare(("vlmbench-sdk", "vlmbench-echo"), lambda _line: None)
    work = tmp_path / "work"
    work.mkdir()
    launch = Launch(arguments=("-V",), work=work, log=tmp_path / "worker.log", gpus=("0",))
    with pytest.raises(EnvironmentUnavailableError, match="the NVIDIA runtime is missing"):
        environment.launch(prepared, launch)


def test_an_engine_that_is_away_is_one_sentence(
    workspace: Path, tmp_path: Path, vlmbench: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    write_box(workspace)
    write_echo(workspace)
    said = vlmbench("run", check=1)
    assert "the Docker engine does not answer" in said.stdout + said.stderr
    assert "Traceback" not in said.stdout + said.stderr


def start_run(workspace: Path, log: Path) -> "subprocess.Popen[bytes]":
    """A cell that takes long, asked until its first answer is there."""
    write_box(workspace)
    write_echo(workspace, ", latency_ms: 200")
    write_source(workspace, 200)
    journal = journal_of(workspace, "echo")
    with log.open("wb") as output:
        command = [sys.executable, "-m", "vlmbench_assets.cli", "run"]
        process = subprocess.Popen(command, cwd=workspace, stdout=output, stderr=output)
    wait_for(lambda: (journal.exists() and journal.stat().st_size > 0) or process.poll() is not None)
    assert process.poll() is None, log.read_text(encoding="utf-8")
    return process


def own_containers(process: "subprocess.Popen[bytes]") -> list[str]:
    found = docker_client().containers.list(all=True, filters={"label": f"vlmbench.pid={process.pid}"})
    return [str(each.status) for each in found]


def test_ctrl_c_stops_the_container_at_once(workspace: Path, tmp_path: Path) -> None:
    process = start_run(workspace, tmp_path / "log")
    assert own_containers(process) == ["running"]
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert own_containers(process) == []


def test_kill_9_of_the_host_ends_the_worker_and_the_next_run_goes_on(workspace: Path, tmp_path: Path) -> None:
    process = start_run(workspace, tmp_path / "log")
    process.kill()
    process.wait()
    wait_for(lambda: "running" not in own_containers(process), 30)
    assert process_identity(process.pid) == ""
    remove_abandoned()
    assert own_containers(process) == []
    write_echo(workspace)
    journal = journal_of(workspace, "echo")
    assert len(journal.read_bytes().splitlines()) >= 1
    write_echo(workspace, ", latency_ms: 0")
    made = answer(workspace, "echo", "tiny")
    assert made.facts["samples"] == 200
