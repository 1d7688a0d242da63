"""Check a plugin as users will have it: its wheel, in virtual environments with what its entries require.

The host never imports it. Each environment entry of `kind: venv` that its models or metrics name gets a virtual
environment of its own; what needs none is checked in one with the wheel and the SDK alone.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path

import tomllib
from uv import find_uv_bin

from vlmbench_assets.authors.entries import read_shipped
from vlmbench_assets.environments.venv import requirement_of
from vlmbench_sdk import PluginError
from vlmbench_sdk.conformance import Finding, Found, Order
from vlmbench_sdk.plugins import Plugins

SDK = "vlmbench-sdk"
LOG_LINES = 25
KINDS = ("plugin", "models", "datasets", "metrics", "normalizers", "environments", "charts")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found about a plugin."""

    distribution: str
    version: str
    offers: Mapping[str, tuple[str, ...]]
    findings: list[Finding] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many promises it breaks."""
        return sum(finding.state == "failed" for finding in self.findings)


def check_plugin(folder: Path, plugins: Plugins, say: Say) -> Checked:
    """Build a plugin's wheel, install it apart from the host, and check everything it offers.

    Args:
        folder: Where its pyproject.toml lies.
        plugins: What is installed on the host; its entries may refer to that.
        say: Called with a line for people when something takes time.

    Raises:
        PluginError: When it has no pyproject.toml, cannot be built or cannot be installed.
    """
    name = _distribution_name(folder)
    with tempfile.TemporaryDirectory(prefix="vlmbench-plugin-") as scratch:
        wheel = _build(folder, Path(scratch))
        say(f"built {wheel.name}")
        base = _Place(Path(scratch) / "plain", wheel, name)
        base.install([])
        found = base.run(Order(distribution=name))
        shipped = read_shipped(name, found, plugins)
        checked = Checked(name, found.version, found.offers, [*found.findings, *shipped.findings])
        if checked.failed:
            return checked
        here = [entry for entry, place in shipped.placed if not place]
        elsewhere = [entry for entry, place in shipped.placed if place]
        order = Order(distribution=name, kinds=KINDS, entries=tuple(here), elsewhere=tuple(elsewhere))
        checked.findings.extend(base.run(order).findings)
        places = [base]
        for environment, requirements in shipped.requirements.items():
            say(f"environment {environment}: installing {', '.join(requirements) or 'nothing more'}")
            places.append(_Place(Path(scratch) / f"in-{environment}", wheel, name))
            places[-1].install(requirements)
            entries = tuple(entry for entry, place in shipped.placed if place == environment)
            order = Order(distribution=name, kinds=("models", "metrics"), entries=entries, only_entries=True)
            checked.findings.extend(places[-1].run(order).findings)
        checked.findings.extend(shipped.left_out)
        if (folder / "tests").is_dir():
            say("running its own tests")
            checked.findings.append(places[min(1, len(places) - 1)].run_tests(folder))
    return checked


def _distribution_name(folder: Path) -> str:
    path = folder / "pyproject.toml"
    if not path.is_file():
        raise PluginError("there is no pyproject.toml", where=str(folder), fix="Name the folder of a plugin package")
    try:
        name = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {}).get("name")
    except tomllib.TOMLDecodeError as error:
        raise PluginError(f"it is not TOML ({error})", where=str(path)) from error
    if not isinstance(name, str):
        raise PluginError("it has no `project.name`", where=str(path))
    return name


def _build(folder: Path, scratch: Path) -> Path:
    out = scratch / "dist"
    _uv("the wheel cannot be built", str(folder), "build", "--quiet", "--wheel", "--out-dir", str(out), str(folder))
    return next(out.glob("*.whl"))


class _Place:
    """A virtual environment with the plugin in it."""

    def __init__(self, folder: Path, wheel: Path, name: str) -> None:
        self._folder = folder
        self._wheel = wheel
        self._name = name
        self._python = str(folder / "bin" / "python")

    def install(self, requirements: Sequence[str]) -> None:
        """Make it: the host's SDK, the wheel, and the requirements of an environment entry."""
        _uv(
            "its environment cannot be made",
            self._name,
            "venv",
            "--quiet",
            "--python",
            sys.executable,
            str(self._folder),
        )
        listed = self._folder / "requirements.txt"
        lines = [requirement_of(distribution(SDK)), str(self._wheel), *requirements]
        listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._pip("-r", str(listed))

    def run(self, order: Order) -> Found:
        """Run the SDK's conformance suite inside."""
        asked, told = self._folder / "order.json", self._folder / "found.json"
        asked.write_text(order.model_dump_json(), encoding="utf-8")
        told.unlink(missing_ok=True)
        done = self._python_runs("-m", "vlmbench_sdk.conformance", str(asked), str(told))
        if not told.exists():
            says = f"checking it ended the interpreter with exit status {done.returncode}:\n{_tail(done)}"
            return Found(findings=(Finding(what="checking", state="failed", says=says),))
        return Found.model_validate_json(told.read_bytes())

    def run_tests(self, folder: Path) -> Finding:
        """Run the plugin's own tests inside."""
        self._pip("pytest")
        done = self._python_runs(
            "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "tests", cwd=folder
        )
        last = done.stdout.strip().splitlines()[-1:] or ["no word"]
        says = last[0].strip("= ") if done.returncode == 0 else f"exit status {done.returncode}:\n{_tail(done)}"
        return Finding(what="its own tests", state="failed" if done.returncode else "ok", says=says)

    def _pip(self, *arguments: str) -> None:
        _uv("it cannot be installed", self._name, "pip", "install", "--quiet", "--python", self._python, *arguments)

    def _python_runs(self, *arguments: str, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        # -P and no PYTHONPATH: what is checked is what was installed, not what lies in the current folder.
        env = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
        env["PYTHONDONTWRITEBYTECODE"] = "1"
        command = [self._python, "-P", *arguments]
        return subprocess.run(
            command, env=env, cwd=cwd or self._folder, capture_output=True, text=True, errors="replace", check=False
        )


def _uv(what: str, where: str, *arguments: str) -> None:
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run([find_uv_bin(), *arguments], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PluginError(f"{what}:\n{_tail(done)}\n", where=where, fix="Correct its pyproject.toml or its entries")


def _tail(done: "subprocess.CompletedProcess[str]") -> str:
    return "\n".join((done.stdout + done.stderr).strip().splitlines()[-LOG_LINES:])
