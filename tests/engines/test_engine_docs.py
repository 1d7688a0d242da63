"""The pages on Apptainer and Slurm: their files work, and their messages are those of the code."""

import re
from pathlib import Path

import pytest

from tests.cells import answer
from tests.engines.support import answers_of
from tests.support import REPOSITORY

FILE = re.compile(r"^```yaml\n# file: (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
MESSAGE = re.compile(r"^\| (`+) ?(.+?) ?\1 \|", re.MULTILINE)
# What a page writes where the code fills something in.
FILLED_IN = re.compile(r"NAME|\(…\)|\(NODE_FAIL\)|job N|'|`[\w -]+`")


def page(name: str) -> str:
    return (REPOSITORY / f"docs/how-to/{name}.md").read_text(encoding="utf-8")


@pytest.mark.engine("apptainer")
def test_the_page_on_apptainer_works(workspace: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works("run_in_apptainer", workspace, shared, monkeypatch)


@pytest.mark.engine("apptainer")
@pytest.mark.engine("slurm")
@pytest.mark.usefixtures("slurm")
def test_the_page_on_slurm_works(workspace: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works("run_in_slurm", workspace, shared, monkeypatch)


@pytest.mark.engine("docker")
def test_the_page_on_docker_works(workspace: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works("run_in_docker", workspace, shared, monkeypatch)


def test_the_page_on_venv_works(workspace: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    works("run_in_venv", workspace, shared, monkeypatch)


def works(name: str, workspace: Path, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLMBENCH_CACHE", str(shared))
    for path, text in FILE.findall(page(name)):
        (workspace / path).parent.mkdir(parents=True, exist_ok=True)
        (workspace / path).write_text(text, encoding="utf-8")
    answer(workspace, "parrot", "tiny")
    assert answers_of(workspace, "parrot")[0]["answer"] == "What is f0?"


@pytest.mark.parametrize("name", ["run_in_apptainer", "run_in_docker", "run_in_slurm", "run_in_venv"])
def test_messages_are_those_of_the_code(name: str) -> None:
    folders = (REPOSITORY / "vlmbench_assets/environments", REPOSITORY / "vlmbench_assets/work")
    sources = [path for folder in folders for path in folder.rglob("*.py")]
    code = "".join(path.read_text(encoding="utf-8") for path in sources)
    messages = [text for _, text in MESSAGE.findall(page(name).partition("## What can go wrong")[2])]
    assert len(messages) > (1 if name == "run_in_venv" else 5)
    for message in messages:
        for part in FILLED_IN.split(message):
            assert part.strip() in code, message
