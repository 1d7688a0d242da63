"""`venv`: a virtual environment per requirement list, made once by uv and shared by all cells."""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import Distribution, distribution
from pathlib import Path

from uv import find_uv_bin

from vlmbench_assets.environments.in_use import keep_in_use
from vlmbench_assets.environments.installed import PYTHON
from vlmbench_assets.environments.lines import origin_of
from vlmbench_assets.environments.local import launch_local
from vlmbench_assets.environments.options import VenvOptions
from vlmbench_assets.environments.ready import read_ready, write_ready
from vlmbench_assets.files import locked
from vlmbench_assets.lineage import digest_json
from vlmbench_sdk import Check, Environment, EnvironmentUnavailableError, Handle, Launch, Prepared

LOG_LINES = 15


class VenvEnvironment(Environment[VenvOptions]):
    """Isolation of Python dependencies on this machine."""

    def identity(self, distribution: str) -> str:  # noqa: ARG002 - its version stands in the lineage by itself
        """The entry's requirements, in any order, and the Python version."""
        wanted = {"requirements": sorted(set(self.options.requirements)), "python": self.options.python or PYTHON}
        return f"venv {digest_json(wanted)[:16]}"

    def lock(self, distributions: tuple[str, ...]) -> str:
        """Digest of the installed versions, where the environment was made before."""
        made = read_ready(self._folder(self._lines(distributions)))
        return made.digest if made else ""

    def prepare(self, distributions: tuple[str, ...], say: Callable[[str], None]) -> Prepared:
        """Make the environment unless one with the same contents is there.

        Two preparers at once are safe: the second waits and finds it ready. One that was killed half-way
        left no `environment.json`; its remains are thrown away.
        """
        lines = self._lines(distributions)
        python = self.options.python or sys.executable
        folder = self._folder(lines)
        with locked(folder.with_suffix(".lock")):
            made = read_ready(folder)
            if made is None:
                say(f"environment {self.name}: installing {', '.join(self.options.requirements) or 'the SDK'}")
                made = write_ready(folder, self._build(folder, lines, python, distributions))
            keep_in_use(folder)
        return made

    def check(self, *, gpus: bool) -> list[Check]:  # noqa: ARG002 - GPUs are leased, whatever is installed
        """Look for uv, and for the Python that the entry names."""
        try:
            uv = find_uv_bin()
        except FileNotFoundError:
            return [Check(what="uv is missing", ok=False, fix="Install it beside vlmbench: `pip install uv`")]
        found = _quiet(uv, "--version")
        checks = [Check(what=found.stdout.strip() or "uv does not start", ok=found.returncode == 0, fix="Reinstall uv")]
        python = self.options.python
        if python:
            here = _quiet(uv, "python", "find", "--no-project", python)
            what = f"Python {python}{f' ({here.stdout.strip()})' if here.returncode == 0 else ' is not installed'}"
            fix = "Install it, or have uv get it: `vlmbench env build` does where the network allows"
            checks.append(Check(what=what, ok=here.returncode == 0, fix=fix))
        return checks

    def launch(self, prepared: Prepared, launch: Launch) -> Handle:
        """Start the worker with the environment's interpreter."""
        return launch_local(prepared.python, launch)

    def _lines(self, distributions: tuple[str, ...]) -> list[str]:
        """Requirement lines: the entry's own, and the host's SDK and plugin."""
        return [*self.options.requirements, *(requirement_of(distribution(name)) for name in distributions)]

    def _folder(self, lines: list[str]) -> Path:
        python = self.options.python or sys.executable
        wanted = {"requirements": sorted(lines), "python": [python, platform.python_version()]}
        return self.cache / "environments" / digest_json(wanted)[:24]

    def _build(self, folder: Path, lines: list[str], python: str, ours: tuple[str, ...]) -> Prepared:
        shutil.rmtree(folder, ignore_errors=True)
        self._uv("venv", "--python", python, str(folder))
        inside = str(folder / "bin" / "python")
        listed = folder / "requirements.txt"
        listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
        # Compiled now, because the run step may find the folder read-only and would compile each time.
        self._uv("pip", "install", "--python", inside, "--compile-bytecode", "-r", str(listed))
        found = json.loads(self._uv("pip", "list", "--python", inside, "--format", "json"))
        packages = {str(item["name"]): str(item["version"]) for item in found}
        version = self._run([inside, "-c", "import platform; print(platform.python_version())"]).strip()
        # The SDK and the plugin stand in the lineage by themselves, or change no answer.
        others = {name: version for name, version in packages.items() if name not in ours}
        digest = digest_json({"python": version.rpartition(".")[0], "packages": others})[:16]
        return Prepared(digest=digest, python=inside, packages=packages)

    def _uv(self, *arguments: str) -> str:
        return self._run([find_uv_bin(), *arguments])

    def _run(self, command: list[str]) -> str:
        # uv must not take the host's active environment for the one it works on.
        env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
        done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, check=False)
        if done.returncode != 0:
            log = self.cache / "environments" / f"{self.name}.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(done.stdout + done.stderr, encoding="utf-8")
            tail = "\n".join(done.stderr.strip().splitlines()[-LOG_LINES:])
            raise EnvironmentUnavailableError(
                f"`{' '.join(command[1:3])}` failed:\n{tail}\n",
                where=f"environment {self.name}",
                fix=f"Correct its `requirements`; the whole log is in {log}",
            )
        return done.stdout


def _quiet(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def requirement_of(installed: Distribution) -> str:
    """The line that installs into the environment what the host has: the same folder, file or version."""
    origin = origin_of(installed)
    # An editable one follows its source from then on, as in the host.
    return f"-e {origin.path}" if origin.path and origin.editable else origin.text
