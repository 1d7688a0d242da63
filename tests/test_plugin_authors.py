"""`vlmbench plugin`: a plugin of each kind is written, passes its own test, and its mistakes are told in sentences."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import REPOSITORY, Run
from vlmbench_assets.authors.new import kinds

KINDS = ("environment", "metric", "model", "normalizer", "reader", "registries")


def findings(vlmbench: Run, folder: Path, status: int) -> dict[str, tuple[str, str]]:
    done = vlmbench("plugin", "test", str(folder), "--json", check=status)
    return {each["what"]: (each["state"], each["says"]) for each in json.loads(done.stdout)}


def made(vlmbench: Run, parent: Path, kind: str) -> Path:
    vlmbench("plugin", "new", "my-own", "--kind", kind, "--dir", str(parent), check=0)
    return parent / "vlmbench-my-own"


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_there_is_a_template_for_each_of_these_kinds() -> None:
    assert set(KINDS) <= set(kinds())


@pytest.mark.parametrize("kind", kinds())
def test_a_new_plugin_passes_its_own_test(kind: str, vlmbench: Run, tmp_path: Path) -> None:
    folder = made(vlmbench, tmp_path, kind)
    found = findings(vlmbench, folder, 0)
    assert len(found) >= 2
    assert "@" not in "".join(str(path) for path in folder.rglob("*"))
    # What is written keeps to this project's own rules.
    settings = ["--config", str(REPOSITORY / "pyproject.toml")]
    for command in (["check", "--ignore", "D,S101,I001"], ["format", "--check"]):
        line = [sys.executable, "-m", "ruff", *command, "--no-cache", *settings, str(folder)]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_a_model_takes_a_dozen_lines_and_entries_none(vlmbench: Run, tmp_path: Path) -> None:
    folder = made(vlmbench, tmp_path / "a", "model")
    source = "".join(path.read_text(encoding="utf-8") for path in folder.glob("src/*/*.py"))
    code = re.sub(r'""".*?"""', "", source, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 13
    toml = (folder / "pyproject.toml").read_text(encoding="utf-8")
    assert len([line for line in toml.splitlines() if line.strip()]) <= 9
    assert not list(made(vlmbench, tmp_path / "b", "registries").rglob("*.py"))


def test_a_name_that_cannot_be_is_refused(vlmbench: Run, tmp_path: Path) -> None:
    done = vlmbench("plugin", "new", "My Model", "--dir", str(tmp_path), check=1)
    assert "lower case" in done.stderr
    made(vlmbench, tmp_path, "model")
    done = vlmbench("plugin", "new", "vlmbench-my-own", "--dir", str(tmp_path), check=1)
    assert "is there already" in done.stderr
    done = vlmbench("plugin", "test", str(tmp_path), check=1)
    assert "there is no pyproject.toml" in done.stderr


def test_broken_promises_are_told_in_sentences(vlmbench: Run, tmp_path: Path) -> None:
    folder = made(vlmbench, tmp_path, "model")
    module = folder / "src/vlmbench_my_own"
    replace(module / "backend.py", "return request.prompt.split()[0]", "raise ValueError(request.sample_id)")
    replace(
        module / "plugin.py", "from pathlib import Path", "from pathlib import Path\n\nimport vlmbench_my_own.backend"
    )
    found = findings(vlmbench, folder, 1)
    state, says = found["module vlmbench_my_own.plugin"]
    assert state == "failed"
    assert "it imports the backend vlmbench_my_own.backend, and so would every command" in says
    state, says = found["model my_own, entry my-own"]
    assert state == "failed"
    assert "answers no request" in says
    assert found["its own tests"][0] == "failed"


def test_a_model_is_checked_with_its_environments_requirements(vlmbench: Run, tmp_path: Path) -> None:
    folder = made(vlmbench, tmp_path, "model")
    module = folder / "src/vlmbench_my_own"
    replace(module / "backend.py", "from vlmbench_sdk import", "import packaging\nfrom vlmbench_sdk import")
    replace(module / "backend.py", "return request.prompt.split()[0]", "return packaging.__version__")
    entry = module / "registries/models/my-own.yaml"
    entry.write_text(entry.read_text(encoding="utf-8") + "environment: my-own\n", encoding="utf-8")
    place = module / "registries/environments/my-own.yaml"
    place.parent.mkdir()
    place.write_text("kind: venv\noptions: {requirements: [packaging==24.0]}\n", encoding="utf-8")
    replace(folder / "tests/test_my_own.py", '["What"]', '["24.0"]')
    found = findings(vlmbench, folder, 0)
    assert "answers each of 4 requests" in found["model my_own, entry my-own"][1]
    assert found["its own tests"][0] == "ok"


def test_mistakes_in_shipped_entries_are_found(vlmbench: Run, tmp_path: Path) -> None:
    folder = made(vlmbench, tmp_path, "registries")
    entry = folder / "src/vlmbench_my_own/registries/models/my-own.yaml"
    replace(entry, "plugin: echo", "plugin: echo\noptions: {anwser: x}")
    state, says = findings(vlmbench, folder, 1)["its registry entries"]
    assert state == "failed"
    assert "my-own.yaml:3" in says
    assert "did you mean `answer`" in says


def test_installed_plugins_are_listed(vlmbench: Run) -> None:
    listed = {each["plugin"]: each for each in json.loads(vlmbench("plugin", "list", "--json", check=0).stdout)}
    assert listed["echo"]["distribution"] == "vlmbench-echo"
    assert listed["echo"]["hooks"] == "models: echo"
    assert "registries" in listed["ocr"]["hooks"]
