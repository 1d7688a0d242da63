"""The software in a box: installed once by uv inside the container image, and only mounted after that.

It is a folder of the cache, named after all that it is made from, and lies at the same path in every box; so it can
be written aside and renamed. Engines differ in one thing only: how a command is run in the image.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import distribution
from pathlib import Path

from uv import find_uv_bin

from vlmbench_assets.environments.in_use import LOCK, keep_in_use
from vlmbench_assets.environments.lines import Line, line_of
from vlmbench_assets.environments.ready import read_ready, write_ready
from vlmbench_assets.files import locked
from vlmbench_assets.lineage import digest_json
from vlmbench_sdk import EnvironmentUnavailableError, Prepared

INSIDE = "/opt/vlmbench"
"""Where the installed software lies in every box."""
PYTHON_INSIDE = f"{INSIDE}/venv/bin/python"
LOG_LINES = 15
_TOOLS = "/opt/vlmbench-tools"
_PASSED_ON = (
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
    *("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX_STRATEGY", "UV_OFFLINE"),
)
"""How this machine reaches the package index; needed while installing, and gone afterwards."""
_ABOUT = """
import json, platform
from importlib.metadata import distributions
packages = {each.name: each.version for each in distributions()}
print(json.dumps({"python": platform.python_version(), "packages": dict(sorted(packages.items()))}))
"""


@dataclass(frozen=True, slots=True)
class Bind:
    """A folder or file of this machine that is seen in the box."""

    source: Path
    inside: str
    writable: bool = False


@dataclass(frozen=True, slots=True)
class BoxCommand:
    """A command to run in the image with network, as the user of this process, with a writable `/tmp`."""

    argv: tuple[str, ...]
    binds: tuple[Bind, ...]
    env: Mapping[str, str] = field(default_factory=dict)


RunInBox = Callable[[BoxCommand], "subprocess.CompletedProcess[str]"]
"""How an engine runs a command in its image: to its end, with what it printed as text; raises
`EnvironmentUnavailableError` only when the box itself cannot be entered."""


class PreparedBox(Prepared):
    """What was installed, and where it lies on this machine."""

    folder: str
    """What an engine mounts read-only at `INSIDE`."""


@dataclass(frozen=True, slots=True)
class Box:
    """What a box's software is made from."""

    name: str
    """The registry entry's name, for messages."""
    cache: Path
    base: str
    """Digest of the image's contents."""
    requirements: tuple[str, ...]
    distributions: tuple[str, ...]
    """The SDK and the model's plugin, installed as the host has them."""
    python: str = ""
    """Python version or path inside the image; empty takes the image's own."""
    image_packages: bool = False
    """Whether the worker also sees the packages of the image's interpreter."""

    def lock(self) -> str:
        """Digest of what is installed, where it was made before; else empty."""
        made = read_ready(self._folder(self._ours()))
        return made.digest if made else ""

    def _folder(self, ours: list[Line]) -> Path:
        wanted = {
            "base": self.base,
            "python": self.python,
            "image_packages": self.image_packages,
            "requirements": sorted(self.requirements),
            "ours": sorted(line.key for line in ours),
        }
        return self.cache / "boxes" / digest_json(wanted)[:24]

    def prepare(self, run: RunInBox, say: Callable[[str], None]) -> PreparedBox:
        """Install unless that was done before; the second of two at once waits and finds it ready.

        Raises:
            EnvironmentUnavailableError: When something cannot be installed, with the end of uv's log.
        """
        ours = self._ours()
        folder = self._folder(ours)
        with locked(folder.with_suffix(".lock")):
            made = read_ready(folder)
            if made is None:
                say(f"environment {self.name}: installing {', '.join(self.requirements) or 'the SDK'} in its image")
                made = self._make(folder, ours, run)
            keep_in_use(folder)
        return PreparedBox(**made.model_dump(), folder=str(folder))

    @property
    def _downloads(self) -> Path:
        return self.cache / "boxes" / "uv" / self.name

    def _ours(self) -> list[Line]:
        return [line_of(distribution(name)) for name in self.distributions]

    def _make(self, folder: Path, ours: list[Line], run: RunInBox) -> Prepared:
        aside, sources = folder.with_suffix(".new"), folder.with_suffix(".sources")
        for each in (folder, aside, sources):
            shutil.rmtree(each, ignore_errors=True)
            if each is not folder:
                each.mkdir(parents=True)
        try:
            lines = [*self.requirements, *(line.seen_in(sources, f"{_TOOLS}/sources") for line in ours)]
            if self._folder(self._ours()) != folder:
                raise EnvironmentUnavailableError(
                    "the source of the SDK or of a plugin was edited while it was copied",
                    where=f"environment {self.name}",
                    fix="Run again",
                )
            with locked(self._downloads.with_suffix(LOCK)):
                made = write_ready(aside, self._install(lines, aside, sources, run))
            aside.rename(folder)
            return made
        finally:
            shutil.rmtree(sources, ignore_errors=True)
            shutil.rmtree(aside, ignore_errors=True)

    def _install(self, lines: list[str], aside: Path, sources: Path, run: RunInBox) -> Prepared:
        (sources / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        binds, env = self._tools(aside, sources)

        def do(*argv: str) -> str:
            return self._checked(run(BoxCommand(argv, binds, env)), argv)

        uv = f"{_TOOLS}/uv"
        chosen = ("--python", self.python) if self.python else ()
        shared = ("--system-site-packages",) if self.image_packages else ()
        do(uv, "venv", "--quiet", *chosen, *shared, f"{INSIDE}/venv")
        # Compiled now, because the run step finds the folder read-only and would compile each time. Sources of a
        # uv workspace name its other members by their place in it, which is not there in the box.
        listed = f"{_TOOLS}/sources/requirements.txt"
        options = ("--python", PYTHON_INSIDE, "--compile-bytecode", "--no-sources")
        do(uv, "pip", "install", *options, "-r", listed)
        about = json.loads(do(PYTHON_INSIDE, "-I", "-c", _ABOUT))
        # The SDK and the plugin stand in the lineage by themselves, or change no answer.
        others = {name: version for name, version in about["packages"].items() if name not in self.distributions}
        minor = about["python"].rpartition(".")[0]
        digest = digest_json({"base": self.base, "python": minor, "packages": others})[:16]
        return Prepared(digest=digest, python=PYTHON_INSIDE, packages=about["packages"])

    def _tools(self, aside: Path, sources: Path) -> tuple[tuple[Bind, ...], dict[str, str]]:
        """What uv needs in the box, and its settings.

        Its cache is one of this entry only: what a package's build script leaves there reaches neither the host's
        own nor that of another entry.
        """
        downloads = self._downloads
        downloads.mkdir(parents=True, exist_ok=True)
        os.utime(downloads)
        binds = [
            Bind(aside, INSIDE, writable=True),
            Bind(sources, f"{_TOOLS}/sources", writable=True),
            Bind(downloads, f"{_TOOLS}/downloads", writable=True),
            Bind(Path(find_uv_bin()).resolve(), f"{_TOOLS}/uv"),
        ]
        env = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        env |= {
            "HOME": "/tmp",  # noqa: S108 - inside the box, where the image's home may be read-only
            "UV_CACHE_DIR": f"{_TOOLS}/downloads",
            # Links do not reach from one mount to another.
            "UV_LINK_MODE": "copy",
            "UV_NO_PROGRESS": "1",
            "UV_PYTHON_INSTALL_DIR": f"{INSIDE}/python",
            "UV_PYTHON_PREFERENCE": "system",
        }
        certificates = os.environ.get("SSL_CERT_FILE")
        if certificates and Path(certificates).is_file():
            env["SSL_CERT_FILE"] = f"{_TOOLS}/certificates.pem"
            binds.append(Bind(Path(certificates).resolve(), env["SSL_CERT_FILE"]))
        return tuple(binds), env

    def _checked(self, done: "subprocess.CompletedProcess[str]", argv: tuple[str, ...]) -> str:
        if done.returncode == 0:
            return done.stdout
        log = self.cache / "boxes" / f"{self.name}.log"
        log.write_text(done.stdout + done.stderr, encoding="utf-8")
        tail = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-LOG_LINES:])
        raise EnvironmentUnavailableError(
            f"`{' '.join([Path(argv[0]).name, *argv[1:3]])}` failed in its image:\n{tail}\n",
            where=f"environment {self.name}",
            fix=f"Correct its `requirements`, `python` or `image`; the whole log is in {log}",
        )


def made_from(*, base: str, requirements: tuple[str, ...], python: str) -> str:
    """Digest of what an entry asks for, for `Environment.identity`; the same on every machine.

    Args:
        base: Digest of the image's contents.
        requirements: The entry's own lines, in any order.
        python: As the entry says.
    """
    return digest_json({"base": base, "requirements": sorted(set(requirements)), "python": python})[:16]
