"""The documentation: the tutorial runs, links resolve, commands exist, reference pages are fresh."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import REPOSITORY, Run
from vlmbench_assets.cli.main import cli

PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("plugins/*/*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_the_tutorial_runs(vlmbench: Run, tmp_path: Path) -> None:
    text = (REPOSITORY / "docs/tutorial/first_benchmark.md").read_text(encoding="utf-8")
    output = ""
    for language, body in BLOCK.findall(text):
        if body.startswith("# file: "):
            first, _, content = body.partition("\n")
            path = tmp_path / first.removeprefix("# file: ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        elif language == "console":
            for line in body.splitlines():
                command, *arguments = shlex.split(line)
                assert command == "vlmbench"
                output += vlmbench(*arguments, cwd=tmp_path, check=0).stdout
    assert "exact_match 0.250" in output


def test_reference_pages_are_fresh() -> None:
    command = [sys.executable, "docs/generate.py", "--check"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_links_and_commands_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)\)", text):
        if "://" not in target and not target.startswith("data:"):
            assert (page.parent / target).exists(), f"{page}: {target}"
    targets = set(re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", text)) <= targets
    assert set(re.findall(r"`vlmbench ([a-z-]+)", text)) <= {*cli.commands}


def test_no_tracked_file_names_a_machine() -> None:
    machine = re.compile(r"(?<![\w.}])/(work|root)/|python" + r"hosted|//py" + r"pi\.")
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        path = REPOSITORY / name
        if path.is_file():
            found = machine.search(path.read_text(encoding="utf-8", errors="replace"))
            assert found is None, f"{name}: {found}"
