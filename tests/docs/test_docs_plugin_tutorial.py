"""The plugin tutorial, as it stands: its wheel is installed into a running host of its own, and uninstalled again."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.support import REPOSITORY, free_port, served

PAGE = REPOSITORY / "docs/tutorial/write_a_plugin.md"
PART = re.compile(r"^```(\w+)\n(.*?)^```$|^<!-- reload: (with|without) (\S+) -->$", re.DOTALL | re.MULTILINE)
FIRST_LINE = "# file: "
WAIT_S = 120
LOCATION = "vlmbench"
RELOAD = (
    'mutation { reloadRepositoryLocation(repositoryLocationName: "vlmbench") { __typename '
    "... on WorkspaceLocationEntry { loadStatus locationOrLoadError { __typename } } } }"
)
PARTITIONS = "{ assetNodes { assetKey { path } partitionKeysByDimension { name partitionKeys } } }"
HISTORY = '{ assetOrError(assetKey: {path: ["report"]}) { ... on Asset { assetMaterializations { partition } } } }'


class Host:
    """A throwaway host: a virtual environment of its own with this project in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / "host"
        keep = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        self.env = {
            **keep,
            "VIRTUAL_ENV": str(self.venv),
            "PATH": os.pathsep.join([str(self.venv / "bin"), str(Path(find_uv_bin()).parent), os.environ["PATH"]]),
            "VLMBENCH_CACHE": str(root / "cache"),
            # Elsewhere commands may be told not to write it, and would compile 2,500 modules each.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(root / "compiled"),
        }
        self.run("uv", "venv", "--quiet", "--python", sys.executable, str(self.venv))
        listed = str(REPOSITORY / "requirements.txt")
        self.run("uv", "pip", "install", "--quiet", "--require-hashes", "-r", listed)
        folders = [REPOSITORY, REPOSITORY / "sdk"]
        folders += [REPOSITORY / "plugins" / f"vlmbench-{name}" for name in ("documents", "echo", "metrics", "ocr")]
        editable = [part for folder in folders for part in ("-e", str(folder))]
        self.run("uv", "pip", "install", "--quiet", "--no-deps", *editable)

    def run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.root, env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    @contextmanager
    def ui(self, *command: str) -> Iterator[str]:
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        with served([*command, "--port", str(port)], f"{address}/server_info", self.root, self.env):
            yield address


def ask(address: str, query: str) -> dict[str, object]:
    request = urllib.request.Request(  # noqa: S310
        f"{address}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=WAIT_S) as response:  # noqa: S310
        answer = json.load(response)
    assert "errors" not in answer, answer
    data: dict[str, object] = answer["data"]
    return data


def models_in(address: str) -> set[str]:
    """The partitions of `answers` in the dimension of models."""
    nodes = json.loads(json.dumps(ask(address, PARTITIONS)["assetNodes"]))
    answers = next(node for node in nodes if node["assetKey"]["path"] == ["answers"])
    dimension = next(each for each in answers["partitionKeysByDimension"] if each["name"] == "model")
    return set(dimension["partitionKeys"])


def reload_until(address: str, model: str, *, there: bool) -> None:
    reloaded = json.loads(json.dumps(ask(address, RELOAD)["reloadRepositoryLocation"]))
    assert reloaded["locationOrLoadError"]["__typename"] == "RepositoryLocation", reloaded
    end = time.monotonic() + WAIT_S
    while (model in models_in(address)) is not there:
        assert time.monotonic() < end, models_in(address)
        time.sleep(0.2)


def test_the_tutorial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    host = Host(tmp_path)
    parts = list(PART.finditer(PAGE.read_text(encoding="utf-8")))
    assert [part[3] for part in parts if part[3]] == ["with", "without"]
    said = perform(host, parts)
    assert "vlmbench-first-word 0.1.0: " in said["vlmbench plugin test"]
    assert "models: first_word; registries" in said["vlmbench plugin list"]
    orphan = next(line for line in said["vlmbench status"].splitlines() if line.startswith("first-word"))
    assert "orphaned" in orphan
    assert "it came with vlmbench-first-word 0.1.0, which is not installed" in orphan
    assert "first-word × receipts-en #1 → first-word × receipts-en #2" in said["vlmbench diff"]
    assert "first-word" in said["vlmbench report"]


def perform(host: Host, parts: "list[re.Match[str]]") -> dict[str, str]:
    """Write the page's files, run its commands, reload where it says so; return what the commands said."""
    said: dict[str, str] = {}
    for index, part in enumerate(parts):
        language, body = part[1], part[2] or ""
        if body.startswith(FIRST_LINE):
            name, _, content = body.removeprefix(FIRST_LINE).partition("\n")
            path = host.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        elif language == "console":
            for line in body.splitlines():
                command = shlex.split(line)
                if command[:2] == ["vlmbench", "ui"]:
                    with host.ui(*command) as address:
                        assert "first-word" not in models_in(address)
                        rest = perform_with_ui(host, parts[index + 1 :], address)
                    return {**said, **rest}
                said[" ".join(command[: 3 if command[1] == "plugin" else 2])] = host.run(*command)
    return said


def perform_with_ui(host: Host, parts: "list[re.Match[str]]", address: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for part in parts:
        if part[3]:
            reload_until(address, part[4], there=part[3] == "with")
        elif part[1] == "console":
            said.update(perform(host, [part]))
    history = json.dumps(ask(address, HISTORY))
    assert "first-word" in history, "Dagster lost the history of the uninstalled model"
    return said
