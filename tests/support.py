"""What tests of the host share: writing registry entries and datasets."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from vlmbench_sdk.job import JOURNAL

REPOSITORY = Path(__file__).resolve().parents[1]
PHOENIX = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "vlmbench-ci/phoenix/bin")
"""Programs of the environment that `.ci/phoenix.sh` makes."""
POSTGRES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/usr/bin"))
"""Programs of the newest PostgreSQL, where Debian keeps those that are not on the path."""
Run = Callable[..., "subprocess.CompletedProcess[str]"]
"""The fixture `vlmbench`: runs the command and returns how it ended."""
SERVED_WITHIN_S = 120


def journal_of(root: Path, model: str, dataset: str = "tiny") -> Path:
    """The journal of a cell's answers."""
    return Path(root, "data", "answers", model, dataset, "work", JOURNAL)


@contextmanager
def disk_of(folder: Path, options: str) -> Iterator[Path]:
    """A small file system in memory at a folder, by options of `tmpfs`; tests that use it need the engine `mount`."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def free_port() -> int:
    """A port of this machine's own address that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def served(command: Sequence[str], url: str, folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """A server in a folder for as long as the block lasts, from when it answers at a URL; it and all that it starts."""
    log = folder / "served.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        end = time.monotonic() + SERVED_WITHIN_S
        while not _answers(url):
            assert process.poll() is None, log.read_text(encoding="utf-8")
            assert time.monotonic() < end, log.read_text(encoding="utf-8")
            time.sleep(0.2)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return True
    except (urllib.error.URLError, OSError):
        return False


def write_yaml(root: Path, name: str, text: str) -> None:
    """Write a registry entry."""
    path = root / "registries" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_source(root: Path, samples: int) -> None:
    """Write a `jsonl` dataset: sample i asks for field f0 or f1; the gold is the field's name, every third one not."""
    source = root / "source"
    source.mkdir(parents=True, exist_ok=True)
    (source / "page.png").write_bytes(b"not looked at by echo")
    lines = []
    for index in range(samples):
        field = f"f{index % 2}"
        lines.append(
            {
                "id": f"s{index}",
                "doc_id": f"d{index // 2}",
                "doc_type": "receipt",
                "field": field,
                "subset": "clean" if index % 4 < 2 else "blur",
                "language": "en",
                "images": ["page.png"],
                "messages": [
                    {"role": "user", "content": f"What is {field}?"},
                    {"role": "assistant", "content": "other" if index % 3 == 2 else field},
                ],
            }
        )
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (source / "samples.jsonl").write_text(text, encoding="utf-8")


def write_echo_workspace(root: Path) -> Path:
    """A workspace with one echo model, one dataset of four samples, and one benchmark."""
    write_yaml(root, "models/echo", "plugin: echo\noptions: {answer: '{field}'}\n")
    write_yaml(root, "datasets/tiny", "reader: jsonl\nsource: source\n")
    write_yaml(
        root,
        "benchmarks/b",
        "models: [echo]\ndatasets: [tiny]\nmetrics: [exact_match, anls, cer]\nheadline: exact_match\n"
        "dimensions: [overall, field, subset]\n",
    )
    write_source(root, 4)
    return root
