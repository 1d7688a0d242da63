"""Write the site: beside where it will be, and moved there once it is whole."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from vlmbench_assets.bench import Bench
from vlmbench_assets.files import cannot_write, folder_held, make_folder, remove_tree
from vlmbench_assets.page.as_html import style
from vlmbench_assets.site.gather import Gatherer
from vlmbench_assets.site.pictures import FOLDER, Images, Pictures, made_how
from vlmbench_assets.site.scripts import Later, script
from vlmbench_sdk import WorkspaceError

MARKER = "vlmbench-site.json"
"""By this file a folder is known as a site that may be replaced."""
OURS = frozenset({MARKER, "index.html", "static", "data", FOLDER, ".nojekyll"})
"""Everything that stands in a site's folder."""
FORMAT = 1
VERSION = "DATA-VERSION"
"""Where index.html says which data and static files it is for, so that no browser mixes old and new ones."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written."""

    files: int
    bytes: int
    pictures_made: int
    pictures_kept: int
    pictures_lost: int


def write_site(bench: Bench, out: Path, images: Images, say: Callable[[str], None]) -> Written:
    """Write the results of a workspace as a site.

    Args:
        bench: The workspace.
        out: The folder; a site that is there is replaced, anything else is not.
        images: Whether pictures of the images go with it, and how large.
        say: Where progress goes.

    Raises:
        WorkspaceError: When there is something at `out` that is no site, there are no results, or it cannot be written.
    """
    out = out.resolve()
    _refuse_what_is_not_ours(bench, out)
    marker = _marker(out)
    earlier = _Earlier(out, marker.get("pictures"), marker.get("made"))
    try:
        make_folder(out.parent)
        with _workplace(out) as made:
            written = _fill(bench, made, images, earlier, say)
            _swap(made, out)
        _clear(out)
    except OSError as error:
        raise cannot_write(out, error) from error
    return written


@dataclass(frozen=True, slots=True)
class _Earlier:
    """What of the site that is there need not be made again."""

    out: Path
    pictures: object
    """How its pictures were made."""
    made: object
    """By file, what it was made from."""

    def file(self, name: str, key: str) -> Path | None:
        """A file of data that would be the same now."""
        path = self.out / "data" / f"{name}.js"
        return path if isinstance(self.made, dict) and self.made.get(name) == key and path.is_file() else None


def _fill(bench: Bench, made: Path, images: Images, earlier: _Earlier, say: Callable[[str], None]) -> Written:
    how = made_how(images)
    pictures = Pictures(made, images, earlier.out / FOLDER if earlier.pictures == how else None)
    keys: dict[str, str] = {}
    digest = hashlib.sha256()
    shown, taken, lost = 0, 0, list[str]()
    data = made / "data"
    for name, value in Gatherer(bench, pictures).scripts():
        if name.endswith("/board"):
            say(name.split("/")[1])
        if name == "index" and isinstance(value, dict):
            if not value["datasets"]:
                raise WorkspaceError("there are no results to show", where=str(bench.workspace.root), fix=_RUN)
            shown, taken, lost = pictures.make(say)
            value = {**value, "lost": lost}
        if isinstance(value, Later):
            keys[name] = value.key
            kept = earlier.file(name, value.key)
            content = kept.read_bytes() if kept else script(name, value.make())
        else:
            content = script(name, value)
        digest.update(content)
        path = data / f"{name}.js"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    with as_file(files("vlmbench_assets.site") / "static") as static:
        shutil.copytree(static, made / "static", ignore=shutil.ignore_patterns("index.html"))
        page = (static / "index.html").read_text(encoding="utf-8")
    (made / "static" / "style.css").write_text(style(), encoding="utf-8")
    # Another release may write the same data with other scripts.
    for path in sorted((made / "static").iterdir()):
        digest.update(path.read_bytes())
    (made / "index.html").write_text(page.replace(VERSION, digest.hexdigest()[:16]), encoding="utf-8")
    # GitHub Pages would otherwise look through every file for what its generator should do with it.
    (made / ".nojekyll").touch()
    (made / MARKER).write_text(
        json.dumps({"format": FORMAT, "pictures": how, "made": keys}, indent=2) + "\n", encoding="utf-8"
    )
    made.chmod(0o755)
    sizes = [path.stat().st_size for path in made.rglob("*") if path.is_file()]
    return Written(len(sizes), sum(sizes), shown, taken, len(lost))


_RUN = "Run some cells first: `vlmbench run`"


@contextmanager
def _workplace(out: Path) -> Iterator[Path]:
    """A folder beside the site to write it in. It is held, so that one that a killed writer left is known."""
    with ExitStack() as stack:
        with folder_held(out.parent):
            made = Path(tempfile.mkdtemp(dir=out.parent, prefix=_beside(out)))
            stack.callback(remove_tree, made)
            stack.enter_context(folder_held(made))
        yield made


def _beside(out: Path) -> str:
    return f".{out.name}.vlmbench-site-"


def _clear(out: Path) -> None:
    """Remove what killed writers left beside a site; only once a whole one stands, for one of them may be the last."""
    with folder_held(out.parent):
        for left in out.parent.iterdir():
            if left.name.startswith(_beside(out)) and left.is_dir() and not left.is_symlink():
                with suppress(BlockingIOError), folder_held(left, wait=False):
                    remove_tree(left)


def _swap(made: Path, out: Path) -> None:
    """Put the new site in the old one's place; killed in between, the old one lies beside under a hidden name."""
    if not out.exists():
        made.rename(out)
        return
    old = made.with_name(f"{made.name}.old")
    out.rename(old)
    made.rename(out)
    remove_tree(old)


def _refuse_what_is_not_ours(bench: Bench, out: Path) -> None:
    root = bench.workspace.root
    kept = (bench.workspace.data, bench.workspace.registries, bench.workspace.dagster_home)
    inside = out == root or out in root.parents or any(out.is_relative_to(folder) for folder in kept)
    if inside or (out.exists() and not out.is_dir()):
        raise WorkspaceError("a site cannot stand here", where=str(out), fix="Name a folder of its own")
    there = {path.name for path in out.iterdir()} if out.exists() else set()
    if not there:
        return
    if MARKER not in there:
        raise WorkspaceError(
            "there is something here that is not a site of vlmbench",
            where=str(out),
            fix="Name an empty folder, or one that does not exist",
        )
    if others := sorted(there - OURS):
        raise WorkspaceError(
            f"this site holds {', '.join(others[:3])}, which would be lost",
            where=str(out),
            fix="Move it elsewhere; a repository to publish from is best kept outside, with the site copied into it",
        )


def _marker(out: Path) -> dict[str, object]:
    try:
        found = json.loads((out / MARKER).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
