"""The `apptainer` environment with a real Apptainer and a real image: answers, walls, ends, and messages."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.cells import answer
from tests.engines.support import (
    IMAGE,
    answered_as_in_process,
    answers_of,
    ended,
    launch_of,
    start_host,
    until,
)
from tests.support import journal_of, write_source, write_yaml
from vlmbench_assets.environments.apptainer import ApptainerEnvironment, explain
from vlmbench_assets.environments.apptainer_image import Image, program
from vlmbench_assets.environments.apptainer_options import ApptainerOptions
from vlmbench_sdk import EnvironmentUnavailableError, Handle, Outcome

pytestmark = pytest.mark.engine("apptainer")
WORKER = ("vlmbench-sdk", "vlmbench-echo")
WAITS = "Path(work, 'ready').touch(); time.sleep(600)"
OWN = f"kind: apptainer\noptions: {{image: '{IMAGE}'}}\n"


class Start:
    """Starts workers in the image, and leaves none behind."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self._started: list[Handle] = []

    def __call__(self, folder: Path, body: str, options: ApptainerOptions | None = None, **secrets: str) -> Handle:
        environment = ApptainerEnvironment(options or ApptainerOptions(image=IMAGE), name="own", cache=self.cache)
        prepared = environment.prepare(WORKER, print)
        self._started.append(environment.launch(prepared, launch_of(folder, body, secrets=secrets)))
        return self._started[-1]

    def end(self) -> None:
        for handle in self._started:
            handle.cancel()


@pytest.fixture
def start(shared: Path) -> Iterator[Start]:
    starter = Start(shared)
    yield starter
    starter.end()


@pytest.fixture
def tiny_image() -> Iterator[str]:
    """An image of almost nothing, which is converted in half a second."""
    name = f"vlmbench/tiny-{os.getpid()}"
    archive = subprocess.run(["tar", "-c", "-C", "/etc", "hostname"], capture_output=True, check=True).stdout
    subprocess.run(["docker", "import", "-", name], input=archive, capture_output=True, check=True)
    yield name
    subprocess.run(["docker", "rmi", "--force", name], capture_output=True, check=False)


def processes_with(text: str) -> list[int]:
    """Processes whose command line or environment holds a text."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if text.encode() in (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


def test_a_cell_is_answered_as_in_process(workspace: Path, shared: Path) -> None:
    answered_as_in_process(workspace, shared, OWN)


def test_the_worker_sees_its_folder_and_nothing_else(start: Start, tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w").write_text("1", encoding="utf-8")
    (tmp_path / "other.csv").write_text("of another cell", encoding="utf-8")
    body = f"""
print(Path({str(tmp_path / "weights/w")!r}).read_text(), os.getcwd() == str(work), os.environ.get("PYENV_ROOT", ""))
print(Path({str(tmp_path / "other.csv")!r}).exists(), Path({str(Path(__file__))!r}).exists(), os.listdir(Path.home()))
for path in ({str(tmp_path / "weights/x")!r}, "/etc/x", "/opt/vlmbench/x", {str(tmp_path / "x")!r}):
    try:
        Path(path).write_text("escaped")
    except OSError as error:
        print(error.strerror)
Path("mine").write_text("kept")
"""
    options = ApptainerOptions(image=IMAGE, readable=(str(tmp_path / "weights"),))
    handle = start(tmp_path / "cell", body, options)
    assert ended(handle).kind == "ok", handle.log_tail()
    lines = handle.log_tail().splitlines()
    assert lines[:5] == ["1 True ", "False False []", *["Read-only file system"] * 3]
    assert not (tmp_path / "x").exists()
    made = tmp_path / "cell" / "work" / "mine"
    assert (made.read_text(encoding="utf-8"), made.stat().st_uid) == ("kept", os.getuid())


@pytest.mark.parametrize(("network", "said"), [("none", "[Errno 101] Network is unreachable"), ("host", "reached")])
def test_a_worker_has_no_network_unless_told(start: Start, tmp_path: Path, network: str, said: str) -> None:
    body = """
import socket
try:
    socket.create_connection(SERVER, timeout=5)
    print("reached")
except OSError as error:
    print(error)
try:
    socket.create_connection(("192.0.2.1", 9), timeout=0.3)
except OSError as error:
    print(error)
"""
    with socket.create_server(("127.0.0.1", 0)) as server:
        body = body.replace("SERVER", repr(server.getsockname()))
        options = ApptainerOptions.model_validate({"image": IMAGE, "network": network})
        handle = start(tmp_path, body, options)
        assert ended(handle).kind == "ok", handle.log_tail()
    lines = handle.log_tail().splitlines()
    assert ("reached" in lines) == (network == "host")
    assert said in lines


def test_exit_status_and_log_come_back(start: Start, tmp_path: Path) -> None:
    handle = start(tmp_path, "print('last words'); sys.exit(7)")
    outcome = ended(handle)
    assert (outcome.kind, outcome.exit_code, handle.log_tail()) == ("worker_error", 7, "last words")


def test_a_cancelled_worker_is_gone(start: Start, tmp_path: Path) -> None:
    handle = start(tmp_path, WAITS)
    until((tmp_path / "work/ready").exists)
    handle.cancel()
    assert ended(handle).kind == "cancelled"
    until(lambda: not processes_with(str(tmp_path / "work")))


def test_secrets_stand_in_no_command_line(start: Start, tmp_path: Path) -> None:
    body = f"Path(work, 'said').write_text(os.environ['WORD'])\n{WAITS}"
    handle = start(tmp_path, body, WORD="hush-" + "hush")
    until((tmp_path / "work/ready").exists)
    assert (tmp_path / "work/said").read_text(encoding="utf-8") == "hush-hush"
    assert not processes_with("hush-hush")
    handle.cancel()


def test_ctrl_c_and_kill_9_leave_no_worker(workspace: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLMBENCH_CACHE", str(shared))
    write_yaml(workspace, "environments/own", OWN)
    write_yaml(
        workspace, "models/echo", "plugin: echo\nenvironment: own\noptions: {answer: '{field}', latency_ms: 300}\n"
    )
    write_source(workspace, 200)
    journal = journal_of(workspace, "echo")

    def answered() -> int:
        return journal.read_bytes().count(b"\n") if journal.exists() else 0

    def more_than(count: int) -> bool:
        return answered() > count

    for number in (signal.SIGINT, signal.SIGKILL):
        before = answered()
        host = start_host(workspace, "echo")
        until(partial(more_than, before + 1))
        os.killpg(host.pid, number)
        host.communicate(timeout=60)
        until(lambda: not processes_with(str(journal.parent)), "the worker runs on without its host")
    before = answered()
    write_yaml(workspace, "models/echo", "plugin: echo\nenvironment: own\noptions: {answer: '{field}'}\n")
    answer(workspace, "echo", "tiny")
    assert len(answers_of(workspace, "echo")) == 200
    assert answered() == 200 > before


def test_two_stacks_stand_side_by_side_and_a_wrong_one_is_named(shared: Path) -> None:
    def prepared(*requirements: str) -> dict[str, str]:
        options = ApptainerOptions(image=IMAGE, requirements=requirements)
        return ApptainerEnvironment(options, name="own", cache=shared).prepare(WORKER, print).packages

    assert prepared("packaging==24.0")["packaging"] == "24.0"
    assert prepared("packaging==24.1")["packaging"] == "24.1"
    with pytest.raises(EnvironmentUnavailableError, match=r"packaging==0\.0\.0\.1") as caught:
        prepared("packaging==0.0.0.1")
    assert "environment own: `uv pip install` failed" in str(caught.value)
    assert "packaging==0.0.0.1" in (shared / "boxes/own.log").read_text(encoding="utf-8")


def test_an_image_is_converted_once_by_two_at_once(tmp_path: Path, tiny_image: str) -> None:
    image, said = Image(tiny_image, environment="own", cache=tmp_path), list[str]()
    digest = image.digest()
    both = [threading.Thread(target=image.sif, args=(digest, said.append)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert len(said) == 1
    assert sorted(path.suffix for path in (tmp_path / "images").iterdir()) == [".lock", ".sif", ".used"]
    archive = tmp_path / "image.tar"
    subprocess.run(["docker", "save", "--output", str(archive), tiny_image], check=True)
    sif = Image(f"docker-archive:{archive}", environment="own", cache=tmp_path).sif("sha256:0", print)
    assert Image(str(sif), environment="own", cache=tmp_path).digest().startswith("sha256:")


def test_a_conversion_that_fails_keeps_its_log(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar"
    broken.write_bytes(b"not an archive")
    image = Image(f"docker-archive:{broken}", environment="own", cache=tmp_path)
    with pytest.raises(EnvironmentUnavailableError, match=r"environment own: the image cannot be converted:\n"):
        image.sif(image.digest(), print)
    assert (tmp_path / "images/own.log").read_text(encoding="utf-8")
    assert not list((tmp_path / "images").glob("*.new"))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("no/such:image", "there is no image 'no/such:image' in the local Docker daemon. Build or pull it"),
        ("/no/such.sif", "/no/such.sif: the image file is missing. Copy it there"),
        ("docker-archive:/no/such.tar", "the image file is missing"),
    ],
)
def test_a_missing_image_is_named(tmp_path: Path, image: str, message: str) -> None:
    environment = ApptainerEnvironment(ApptainerOptions(image=image), name="own", cache=tmp_path)
    for ask in (lambda: environment.identity("vlmbench-echo"), lambda: environment.prepare(WORKER, print)):
        with pytest.raises(EnvironmentUnavailableError) as caught:
            ask()
        assert message in str(caught.value)
        assert "environment own" in str(caught.value)


def test_a_docker_daemon_that_is_away_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody")
    with pytest.raises(EnvironmentUnavailableError, match=r"the Docker daemon, .* does not answer"):
        Image(IMAGE, environment="own", cache=tmp_path).digest()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentUnavailableError, match=r"the program `docker`, .* is not installed"):
        Image(IMAGE, environment="own", cache=tmp_path).digest()


def test_without_apptainer_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "image.sif").write_bytes(b"an image")
    monkeypatch.setenv("PATH", str(tmp_path))
    environment = ApptainerEnvironment(ApptainerOptions(image=str(tmp_path / "image.sif")), name="own", cache=tmp_path)
    with pytest.raises(EnvironmentUnavailableError, match="environment own: the program `apptainer` is not installed"):
        environment.prepare(WORKER, print)


def test_a_file_that_is_no_image_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sif"
    broken.write_bytes(b"not an image")
    environment = ApptainerEnvironment(ApptainerOptions(image=str(broken)), name="own", cache=tmp_path)
    with pytest.raises(EnvironmentUnavailableError, match=r"environment own: Apptainer could not enter .*broken\.sif"):
        environment.prepare(WORKER, print)
    assert not list((tmp_path / "boxes").glob("*.new"))


def test_a_folder_that_is_not_there_is_named(start: Start, tmp_path: Path) -> None:
    handle = start(tmp_path, "pass", ApptainerOptions(image=IMAGE, readable=("/no/such/folder",)))
    outcome = ended(handle)
    assert outcome.kind == "environment_missing"
    assert "/no/such/folder" in outcome.detail


@pytest.mark.parametrize(
    ("log", "what"),
    [
        (
            "FATAL:   squashfuse_ll exited: fuse: failed to open /dev/fuse: Permission denied",
            "may not open /dev/fuse",
        ),
        (
            "FATAL:   while applying cgroups config: cannot use cgroups - cannot use systemd cgroups manager",
            "`memory` cannot be enforced",
        ),
        ("ERROR  : Failed to create user namespace: not allowed to create user namespace", "user namespaces"),
    ],
)
def test_apptainers_refusals_are_told_from_the_workers(log: str, what: str) -> None:
    refused = explain(Outcome(kind="worker_error", exit_code=255), log)
    assert refused.kind == "environment_missing"
    assert what in refused.detail
    assert explain(Outcome(kind="worker_error", exit_code=255), "Traceback").kind == "worker_error"
    assert explain(Outcome(kind="worker_error", exit_code=137), "", memory="1G").kind == "out_of_memory"


@pytest.mark.parametrize("image", ["", "image.sif", "docker-archive:image.tar"])
def test_paths_of_images_start_at_the_root(image: str) -> None:
    with pytest.raises(ValidationError):
        ApptainerOptions(image=image)


def test_doctor_looks_at_the_program_the_kernel_and_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def checks(image: str) -> dict[str, bool]:
        environment = ApptainerEnvironment(ApptainerOptions(image=image), name="own", cache=tmp_path)
        return {check.what: check.ok for check in environment.check(gpus=False)}

    (tmp_path / "some.sif").write_bytes(b"an image")
    found = checks(str(tmp_path / "some.sif"))
    assert any(what.startswith("apptainer version ") for what in found)
    assert any(what.startswith(f"image {tmp_path}/some.sif (sha256:") and ok for what, ok in found.items())
    assert checks(str(tmp_path / "none.sif"))["the image file is missing"] is False
    (tmp_path / "some.tar").write_bytes(b"an archive")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/apptainer").symlink_to(program("a test"))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    archive = checks(f"docker-archive:{tmp_path}/some.tar")
    assert any(what.startswith("mksquashfs, which converts the image") for what in archive)
    monkeypatch.setenv("PATH", "")
    assert list(checks("any")) == ["the program `apptainer` is not installed, nor is `singularity`"]
