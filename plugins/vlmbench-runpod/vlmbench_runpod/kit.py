"""What a pod installs: requirements resolved here, for the pod's platform and by hash, and wheels of local code."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, requires, version
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlparse

from uv import find_uv_bin

from vlmbench_runpod.link import in_base
from vlmbench_runpod.plugin import RunPodOptions
from vlmbench_runpod.scripts import SETUP, setup_script
from vlmbench_sdk import EnvironmentUnavailableError

PLATFORM = "x86_64-manylinux_2_28"
"""RunPod's machines are x86-64 with Linux."""
LOG_LINES = 15
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Kit:
    """Everything that goes into a pod before the work does."""

    requirements: str
    """Pinned lines with hashes."""
    wheels: tuple[Path, ...]
    setup: str
    digest: str
    """Of the resolved software, without the SDK and the plugin, which stand in the lineage by themselves."""
    packages: dict[str, str]

    def files(self) -> Iterator[tuple[PurePosixPath, Path | bytes]]:
        """The files and where they go."""
        yield in_base("requirements.txt"), self.requirements.encode()
        yield SETUP, self.setup.encode()
        for wheel in self.wheels:
            yield in_base("wheels") / wheel.name, wheel
        # Our own uv where it runs there too; elsewhere the pod takes the image's, or installs it.
        if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
            yield in_base("uv"), Path(find_uv_bin())


def digest(*parts: object) -> str:
    """A short digest of some JSON."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def known_digest(cache: Path, options: RunPodOptions, names: Sequence[str]) -> str:
    """Digest of the resolved software where it was resolved before; empty elsewhere."""
    path = _resolved(cache, options, names)
    return _digest_of(path.read_text(encoding="utf-8"), options) if path.exists() else ""


def make_kit(cache: Path, options: RunPodOptions, names: Sequence[str], where: str) -> Kit:
    """Build wheels of local distributions, and resolve all that they and the entry need, once.

    Raises:
        EnvironmentUnavailableError: When that fails, with the end of uv's words.
    """
    folder = cache / "runpod" / "wheels"
    wheels = tuple(wheel for name in names if (wheel := _wheel(distribution(name), folder, where)))
    path = _resolved(cache, options, names)
    if not path.exists():
        _resolve(path, options, names, wheels, where)
    text = path.read_text(encoding="utf-8")
    return Kit(
        requirements=text,
        wheels=wheels,
        setup=setup_script(options.python, version("uv"), image_packages=options.image_packages),
        digest=_digest_of(text, options),
        packages={**dict(_PINNED.findall(text)), **{name: version(name) for name in names}},
    )


def _digest_of(requirements: str, options: RunPodOptions) -> str:
    pinned = sorted(_PINNED.findall(requirements))
    return digest(options.image, options.python, options.image_packages, pinned)


def _resolved(cache: Path, options: RunPodOptions, names: Sequence[str]) -> Path:
    """Where the resolved requirements of these lines are; a local distribution counts by what it requires."""
    needed = [(name, version(name), sorted(requires(name) or ())) for name in sorted(names)]
    key = digest(sorted(set(options.requirements)), options.python, PLATFORM, needed)
    return cache / "runpod" / "resolved" / f"{key}.txt"


def _resolve(path: Path, options: RunPodOptions, names: Sequence[str], wheels: Sequence[Path], where: str) -> None:
    local = {wheel.name.partition("-")[0].replace("_", "-"): wheel for wheel in wheels}
    ours = (f"{name} @ {local[name].as_uri()}" if name in local else f"{name}=={version(name)}" for name in names)
    lines = [*options.requirements, *ours]
    command = ["pip", "compile", "--quiet", "--no-header", "--no-annotate", "--generate-hashes"]
    command += ["--python-version", options.python, "--python-platform", PLATFORM]
    command += [word for name in local for word in ("--no-emit-package", name)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        listed, out = Path(folder, "requirements.in"), Path(folder, "requirements.txt")
        listed.write_text("\n".join(lines) + "\n", encoding="utf-8")
        _uv([*command, "--output-file", str(out), str(listed)], where, "Correct the environment's `requirements`")
        out.replace(path)


def _wheel(installed: Distribution, folder: Path, where: str) -> Path | None:
    """A wheel of what was installed from a folder or file; None for what comes from the index."""
    origin = installed.read_text("direct_url.json")
    if origin is None:
        return None
    facts = json.loads(origin)
    parts = urlparse(str(facts["url"]))
    source = Path(unquote(parts.path))
    if parts.scheme != "file":
        raise EnvironmentUnavailableError(
            f"{installed.name} was installed from {parts.scheme}, which a pod may not reach",
            where=where,
            fix="Install it from a folder, a wheel or the index",
        )
    if source.suffix == ".whl":
        return source
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as made:
        _uv(["build", "--quiet", "--wheel", "--out-dir", made, str(source)], where, f"Make {source} buildable")
        [wheel] = Path(made).glob("*.whl")
        # The same version may hold other code by now; its own folder keeps two builds apart.
        kept = folder / hashlib.sha256(wheel.read_bytes()).hexdigest()[:16] / wheel.name
        kept.parent.mkdir(exist_ok=True)
        shutil.move(wheel, kept)
    return kept


def _uv(arguments: Sequence[str], where: str, fix: str) -> None:
    # uv must not take the host's active environment for the one it works on.
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run([find_uv_bin(), *arguments], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-LOG_LINES:])
        raise EnvironmentUnavailableError(f"`uv {' '.join(arguments[:2])}` failed:\n{tail}\n", where=where, fix=fix)
