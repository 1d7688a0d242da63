"""What tests of the host share: writing registry entries and datasets."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
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
