"""The how-to pages: every file in them is written, every plugin installed, every command run."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.support import REPOSITORY, Run

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FIRST_LINE = "# file: "


def write_files(page: Path, root: Path) -> list[list[str]]:
    """Write the page's files under `root`; return its commands."""
    commands = []
    for language, body in BLOCK.findall(page.read_text(encoding="utf-8")):
        if body.startswith(FIRST_LINE):
            name, _, content = body.removeprefix(FIRST_LINE).partition("\n")
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        elif language == "console":
            commands += [shlex.split(line) for line in body.splitlines()]
    return commands


def install(plugin: Path, site: Path) -> None:
    """Install a plugin's folder into a folder, as pip would into an environment."""
    command = [find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(plugin)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("add_a_dataset", ["letters", "cards", "chat", "notes"]),
        ("add_a_model", ["rapidocr-tiny", "first-word", "WHAT"]),
        ("add_a_metric", ["word_jaccard", "exact_match_loose", "parrot"]),
        ("choose_and_check_metrics", ["nearly_right", "Where peers disagree", "0.9615", "parrot"]),
        ("write_prompts", ["rules[0]", "doc_type is receipt", "system_in_user@1", "tuned on this very split"]),
        ("run_what_changed", ["never run", "nothing to do", "1 cell fresh"]),
        (
            "import_and_export",
            ["3 answers", "no answer in the file: 1 sample", "other-model", "2 cells exported"],
        ),
        ("publish_a_site", ["pictures: 1 made, 0 from before", "public/index.html"]),
        ("share_gpus", ["3 of 3 cells done", "large", "small", "many"]),
    ],
)
def test_a_how_to_runs(
    page: str, shown: list[str], vlmbench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, site = tmp_path / "mine", tmp_path / "site"
    monkeypatch.setenv("VLMBENCH_GPUS", "0,1")
    monkeypatch.setenv("VLMBENCH_GPU_LOCKS", str(tmp_path / "locks"))
    vlmbench("init", "mine", cwd=tmp_path, check=0)
    commands = write_files(REPOSITORY / "docs/how-to" / f"{page}.md", root)
    for project in sorted(root.glob("*/pyproject.toml")):
        install(project.parent, site)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(site), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]))
    # A user installs into the host's environment; the test keeps that clean and hands its folder to the worker.
    (root / "registries/environments/process.yaml").write_text("kind: process\nenv: [PYTHONPATH]\n", encoding="utf-8")
    output = ""
    for command, *arguments in commands:
        assert command == "vlmbench"
        done = vlmbench(*arguments, cwd=root)
        # A plan with something to do, and a cell with nothing to compare with yet, say so by their status.
        assert done.returncode == 0 or (arguments[0], done.returncode) in {("plan", 3), ("diff", 1)}, done.stderr
        output += done.stdout
    for each in shown:
        assert each in output


def test_a_dataset_of_each_how_to_kind_is_read(vlmbench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, site = tmp_path / "mine", tmp_path / "site"
    write_files(REPOSITORY / "docs/how-to/add_a_dataset.md", root)
    install(root / "letters", site)
    monkeypatch.setenv("PYTHONPATH", str(site))
    entries = {"models/parrot": "plugin: echo\n", "environments/process": "kind: process\nenv: [PYTHONPATH]\n"}
    names = ["cards", "chat", "letters", "notes"]
    entries["benchmarks/all"] = f"models: [parrot]\ndatasets: [{', '.join(names)}]\nmetrics: [exact_match]\n"
    for name, text in entries.items():
        path = root / "registries" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    vlmbench("run", "--benchmark", "all", cwd=root, check=0)
    for name in names:
        table = (root / "data/metrics/parrot" / name / "metrics.csv").read_text(encoding="utf-8")
        assert len(table.splitlines()) == (3 if name == "cards" else 2)
