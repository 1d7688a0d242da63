"""Rules about the code itself: sizes, boundaries, hooks with users, light imports."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import REPOSITORY
from vlmbench_sdk import hookspecs
from vlmbench_sdk.plugins import load_plugins

MODULE_LINES = 350
FUNCTION_LINES = 60
P90_FUNCTION_LINES = 30
BOUNDARIES = {"asking.py", "conformance.py", "failing.py", "plugins.py", "score.py", "peer_process.py"}
"""Files that may catch everything: a worker's entry and its boundary around a model, loading plugins, naming a
scorer's sample, checking a plugin, what a peer raises."""
ROOTS = ("vlmbench_assets", "sdk/vlmbench_sdk", "plugins")


def sources() -> Iterator[Path]:
    for root in ROOTS:
        for path in sorted((REPOSITORY / root).rglob("*.py")):
            if "tests" not in path.relative_to(REPOSITORY).parts:
                yield path


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_modules_and_functions_stay_small() -> None:
    lengths = []
    for path in sources():
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MODULE_LINES, path
        for node in functions(path):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            lengths.append(length)
            assert length <= FUNCTION_LINES, f"{path}: {node.name} has {length} lines"
    assert sorted(lengths)[int(len(lengths) * 0.9)] <= P90_FUNCTION_LINES
    assert len((REPOSITORY / "definitions.py").read_text(encoding="utf-8").splitlines()) <= 25


def test_everything_is_caught_at_named_boundaries_only() -> None:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            broad = isinstance(node, ast.ExceptHandler) and (
                node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception")
            )
            assert not broad or path.name in BOUNDARIES, f"{path}: line {getattr(node, 'lineno', 0)}"


def test_dagster_modules_do_not_postpone_annotations() -> None:
    """Postponed annotations break `context:` and `config:` parameters of Dagster's decorators."""
    for path in sources():
        assert "from __future__ import annotations" not in path.read_text(encoding="utf-8"), path


def test_every_hook_has_a_user() -> None:
    used = {hook for hook, _ in load_plugins().owners}
    declared = {name for name in vars(hookspecs) if name.startswith("vlmbench_")}
    assert declared - used == {"vlmbench_registries"}
    assert load_plugins().registries


@pytest.mark.parametrize(
    ("arguments", "forbidden"),
    [
        (["-c", "import vlmbench_sdk.runner"], ["dagster", "pandas", "numpy", "yaml", "matplotlib"]),
        (
            ["-m", "vlmbench_assets.cli", "list", "models"],
            ["dagster", "pandas", "pandera", "numpy", "matplotlib", "PIL", "rapidfuzz", "jinja2"],
        ),
    ],
)
def test_what_must_start_quickly_imports_nothing_heavy(
    workspace: Path, arguments: list[str], forbidden: list[str]
) -> None:
    command = [sys.executable, "-X", "importtime", *arguments]
    done = subprocess.run(command, cwd=workspace, capture_output=True, text=True, check=True)
    imported = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert not imported & set(forbidden)
