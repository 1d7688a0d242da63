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


def line_of(installed: Distribution) -> Line:
    """The line that installs elsewhere what the host has: the same folder, file or version.

    Raises:
        EnvironmentUnavailableError: When the folder or file that it was installed from is gone.
    """
    origin = installed.read_text("direct_url.json")
    name = installed.name
    if origin is None:
        text = f"{name}=={installed.version}"
        return Line(name, text, text)
    url = json.loads(origin)["url"]
    if urlparse(url).scheme != "file":
        return Line(name, f"{name} @ {url}", f"{name} @ {url}")
    source = Path(unquote(urlparse(url).path))
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
