"""What tests share: engines, an echo workspace, and running the command."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ENGINES = {"tesseract": "tesseract", "chromium": "chromium"}
REPOSITORY = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests whose engine is missing; fail them where engines are required, as in CI."""
    required = os.environ.get("VLMBENCH_REQUIRE_ENGINES", "").split(",")
    for item in items:
        for marker in item.iter_markers("engine"):
            name = str(marker.args[0])
            if shutil.which(ENGINES[name]) is None and name not in required:
                item.add_marker(pytest.mark.skip(reason=f"the program `{ENGINES[name]}` is not installed"))


@pytest.fixture(autouse=True)
def _own_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VLMBENCH_WORKSPACE", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A workspace with one echo model, one dataset of four samples, and one benchmark."""
    root = tmp_path / "workspace"
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


def write_yaml(root: Path, name: str, text: str) -> None:
    """Write a registry entry."""
    path = root / "registries" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_source(root: Path, samples: int) -> None:
    """Write a `jsonl` dataset: sample i asks for field f0 or f1; the gold is the field's name, every third one not."""
    import json

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


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def vlmbench(workspace: Path, tmp_path: Path) -> Run:
    """Run the command as a user does, in a process of its own, on the workspace."""

    def run(*arguments: str, cwd: Path | None = None, check: int | None = None) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "VLMBENCH_CACHE": str(tmp_path / "cache"), "PYTHONWARNINGS": "default"}
        done = subprocess.run(
            [sys.executable, "-m", "vlmbench_assets.cli", *arguments],
            cwd=cwd or workspace,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if check is not None:
            assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run
