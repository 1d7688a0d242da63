"""Pictures of the site: one small and one readable WebP for each image, whatever number of samples shows it."""

import os
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from vlmbench_assets.lineage import digest_bytes, digest_file
from vlmbench_sdk import RequestError
from vlmbench_sdk.media import open_picture

if TYPE_CHECKING:
    from PIL import Image

Images = Literal["none", "small", "full"]
WIDTHS: dict[Images, int] = {"none": 0, "small": 720, "full": 2400}
"""Pixels across at most, of the picture on a sample's page."""
TALLEST = 4
"""Heights to a width: a receipt of two metres is scaled down further."""
THUMBNAIL = 192
"""Longest side in lists; shown at half of that, so that it is sharp on dense screens."""
QUALITY = 78
EFFORT = 2
"""Of 0 to 6; half the time of the default 4 for 2 to 6 % more bytes, on receipts."""
FOLDER = "images"
_SHA256 = re.compile(r"[0-9a-f]{64}")
NAME = 20
"""Characters of a digest in a file's name."""


@dataclass(slots=True)
class Pictures:
    """Collects images while data is gathered, and makes their pictures."""

    out: Path
    images: Images
    earlier: Path | None
    """Folder of pictures that were made the same way before."""
    wanted: dict[str, tuple[Path, str]] = field(default_factory=dict)
    """By name: the file, and the SHA-256 that it must have."""

    def add(self, root: Path, path: str, digest: str) -> str:
        """The name under which an image's picture will be found; empty where pictures are left out."""
        if not WIDTHS[self.images]:
            return ""
        known = digest if _SHA256.fullmatch(digest) else digest_bytes(digest.encode("utf-8", "replace"))
        relative = PurePosixPath(path)
        if not relative.is_absolute() and ".." not in relative.parts:
            self.wanted.setdefault(known[:NAME], (root / path, known))
        return known[:NAME]

    def make(self, say: Callable[[str], None]) -> tuple[int, int, list[str]]:
        """Make all pictures side by side.

        Returns:
            How many were made, how many were there already, and the names of those that cannot be shown.
        """
        if not self.wanted:
            return 0, 0, []
        folder = self.out / FOLDER
        folder.mkdir()
        say(f"{len(self.wanted)} pictures")
        # Pillow lets other threads work while it decodes, scales and encodes.
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as workers:
            done = dict(zip(self.wanted, workers.map(self._one, self.wanted), strict=True))
        lost = sorted(name for name, how in done.items() if how == "lost")
        return sum(how == "made" for how in done.values()), sum(how == "kept" for how in done.values()), lost

    def _one(self, name: str) -> str:
        files = [f"{name}.webp", f"{name}.s.webp"]
        if self.earlier is not None and all((self.earlier / file).is_file() for file in files):
            for file in files:
                _link(self.earlier / file, self.out / FOLDER / file)
            return "kept"
        path, digest = self.wanted[name]
        try:
            # What was asked is known by its digest; a file that was changed since would show something else.
            if digest_file(path) != digest:
                return "lost"
            picture = open_picture(path, path.name)
        except (OSError, RequestError):
            return "lost"
        width = WIDTHS[self.images]
        picture.thumbnail((width, width * TALLEST))
        _save(picture, self.out / FOLDER / files[0])
        picture.thumbnail((THUMBNAIL, THUMBNAIL))
        _save(picture, self.out / FOLDER / files[1])
        return "made"


def _save(picture: "Image.Image", path: Path) -> None:
    """Write the picture and nothing that its file said besides, such as where it was taken."""
    picture.info.clear()
    picture.save(path, "WEBP", quality=QUALITY, method=EFFORT, exif=b"", icc_profile=b"", xmp=b"")


def made_how(images: Images) -> str:
    """What pictures depend on besides the image: equal, and they need not be made again."""
    import PIL

    return f"webp {WIDTHS[images]} {THUMBNAIL} {QUALITY} {EFFORT} pillow {PIL.__version__}"


def _link(source: Path, target: Path) -> None:
    """A second name for a file; a copy where the file system has no such thing."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
