"""A hostile model in a container: nothing leaves its box, and the host says what happened."""

import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.cells import answer, bench_of
from tests.engines.support import IMAGE
from tests.support import write_yaml
from vlmbench_sdk import WorkerError

pytestmark = pytest.mark.engine("docker")
SECRET = "do-not-tell"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hostile plugin, installed as somebody would have."""
    folder = tmp_path_factory.mktemp("site")
    source = Path(__file__).parent / "hostile"
    command = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--target", str(folder), str(source)]
    subprocess.run(command, check=True)
    return folder


@pytest.fixture(autouse=True)
def _setting(site: Path, monkeypatch: pytest.MonkeyPatch, shared: Path) -> None:
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("VLMBENCH_CACHE", str(shared))
    monkeypatch.setenv("HOST_SECRET", SECRET)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret.txt"
    file.write_text(SECRET, encoding="utf-8")
    return file


@pytest.fixture
def server() -> Iterator[str]:
    """Something on the host that listens on every address."""
    httpd = HTTPServer(("0.0.0.0", 0), BaseHTTPRequestHandler)  # noqa: S104 - the box must not reach it
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"172.17.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


def attack(root: Path, name: str, target: str = "", limits: str = "", entry: str = "") -> str:
    """Let it try, and return what it said it found."""
    write_yaml(root, "environments/box", f"kind: docker\noptions: {{image: '{IMAGE}'{limits}}}\n{entry}")
    options = f"{{attack: {name}, target: '{target}'}}"
    write_yaml(root, "models/bad", f"plugin: hostile\nenvironment: box\noptions: {options}\n")
    answer(root, "bad", "tiny")
    bench = bench_of(root)
    return (bench.store.table("answers", "tiny", "bad")).read_text(encoding="utf-8")


def test_it_reads_no_file_of_the_host(workspace: Path, secret: Path) -> None:
    found = attack(workspace, "read_files", str(secret))
    assert SECRET not in found
    assert f"{secret}: No such file" in found
    assert "docker.sock: No such file" in found
    assert "/etc/shadow: Permission denied" in found
    assert "registries" not in found


def test_it_sees_no_variable_that_it_was_not_given(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIVEN", "given to it")
    found = attack(workspace, "read_environment", entry="env: [GIVEN]\n")
    assert SECRET not in found
    assert "given to it" in found


def test_it_reaches_nobody(workspace: Path, server: str) -> None:
    found = attack(workspace, "reach_network", server)
    assert "open" not in found
    assert found.count("unreachable") >= 3


def test_it_cannot_fork_without_end(workspace: Path) -> None:
    assert "Resource temporarily unavailable" in attack(workspace, "fork", limits=", pids: 64")


def test_it_meets_its_own_memory_limit(workspace: Path) -> None:
    with pytest.raises(WorkerError, match="the worker needed more than its 256m of memory"):
        attack(workspace, "fill_memory", limits=", memory: 256m")


def test_it_fills_no_disk_but_its_own_share(workspace: Path) -> None:
    found = attack(workspace, "fill_scratch", limits=", tmp: 64m, shm: 32m")
    assert "/tmp: No space left on device" in found
    assert found.count("Read-only file system") >= 3
    with pytest.raises(WorkerError, match=r"wrote more than 0\.1 GiB into its folder"):
        attack(workspace, "fill_disk", entry="disk_gib: 0.1\n")


def test_its_links_are_not_followed(workspace: Path, secret: Path) -> None:
    with pytest.raises(WorkerError) as caught:
        attack(workspace, "put_links", str(secret))
    assert SECRET not in str(caught.value)
    assert secret.read_text(encoding="utf-8") == SECRET
    log = (workspace / "data/answers/bad/tiny/worker.log").read_text(encoding="utf-8")
    assert "result.json: linked" in log
    assert "pipes/messages.jsonl" in log
    # And the next run of a good model in the same place is not led astray either.
    write_yaml(workspace, "models/bad", "plugin: echo\noptions: {answer: '{field}'}\n")
    with pytest.raises(WorkerError, match="not a plain file"):
        answer(workspace, "bad", "tiny")
    assert secret.read_text(encoding="utf-8") == SECRET


def test_what_it_prints_and_answers_is_bounded(workspace: Path) -> None:
    attack(workspace, "answer_for_others")
    assert (workspace / "data/answers/bad/tiny/worker.log").stat().st_size <= 65 << 20
    with pytest.raises(WorkerError, match=r"the answer has 1073741824 characters, more than 1000000"):
        attack(workspace, "answer_much", limits=", memory: 8g")
    assert not (workspace / "data/answers/bad/tiny/work").is_symlink()
