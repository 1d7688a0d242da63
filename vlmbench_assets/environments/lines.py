"""How a distribution of the host gets into a box: by its version, or from a copy of its source."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution
from pathlib import Path
from urllib.parse import unquote, urlparse

from vlmbench_assets.lineage import digest_file, digest_json
from vlmbench_sdk import EnvironmentUnavailableError

_LEFT_OUT = ("__pycache__", "build", "dist", "node_modules")


@dataclass(frozen=True, slots=True)
class Line:
    """A requirement line in the making."""

    name: str
    key: str
    """Differs whenever what would be installed differs."""
    text: str
    """The line itself, where it is the same everywhere."""
    source: Path | None = None
    """Folder or file of this machine that it is installed from."""

    def seen_in(self, folder: Path, inside: str) -> str:
        """The line as uv needs it in the box; copies the source into `folder`, which is seen there as `inside`.

        A copy, because build backends write beside the source, and edits made meanwhile must not get in.
        """
        if self.source is None:
            return self.text
        if self.source.is_file():
            shutil.copyfile(self.source, folder / self.source.name)
            return f"{self.name} @ file://{inside}/{self.source.name}"
        for path in _files(self.source):
            target = folder / self.name / path.relative_to(self.source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        return f"{self.name} @ file://{inside}/{self.name}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the host has a distribution from."""

    text: str
    """The requirement line that names it."""
    path: Path | None = None
    """Folder or file of this machine, where it is one."""
    editable: bool = False


def origin_of(installed: Distribution) -> Origin:
    """Where a distribution was installed from: an index, where its version says all, or a place of its own."""
    found = installed.read_text("direct_url.json")
    if found is None:
        return Origin(f"{installed.name}=={installed.version}")
    facts = json.loads(found)
    url = facts["url"]
    if "vcs_info" in facts:
        url = f"{facts['vcs_info']['vcs']}+{url}@{facts['vcs_info']['commit_id']}"
    parts = urlparse(url)
    path = Path(unquote(parts.path)) if parts.scheme == "file" else None
    return Origin(f"{installed.name} @ {url}", path, bool(facts.get("dir_info", {}).get("editable")))


def line_of(installed: Distribution) -> Line:
    """The line that installs elsewhere what the host has: the same folder, file or version.

    Raises:
        EnvironmentUnavailableError: When the folder or file that it was installed from is gone.
    """
    name, origin = installed.name, origin_of(installed)
    source = origin.path
    if source is None:
        return Line(name, origin.text, origin.text)
    if not source.exists():
        raise EnvironmentUnavailableError(
            "what it was installed from is gone", where=f"{name}, {source}", fix="Install it again from where it is now"
        )
    if source.is_file():
        return Line(name, f"{name} {digest_file(source)}", "", source)
    files = {str(path.relative_to(source)): digest_file(path) for path in _files(source)}
    return Line(name, f"{name} {digest_json(files)}", "", source)


def _files(folder: Path) -> Iterator[Path]:
    """The files of a source folder, without what tools leave there."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in _LEFT_OUT or path.name.endswith(".egg-info"):
            continue
        if path.is_file():
            yield path
        elif path.is_dir() and not path.is_symlink() and not (path / "pyvenv.cfg").exists():
            yield from _files(path)
