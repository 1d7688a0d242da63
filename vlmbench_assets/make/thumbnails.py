"""Small pictures of documents, for pages that must stay small."""

import io
import json
from pathlib import Path

import pandas as pd

from vlmbench_assets.lineage import digest_bytes
from vlmbench_sdk import RequestError
from vlmbench_sdk.media import open_picture

MOST_BYTES = 45_000
"""A page shows at most twenty."""
WIDTHS = (640, 560, 480, 400, 320, 240, 120)
"""Widths in pixels that are tried, largest first: a receipt is tall, and its letters are as wide as it is."""
QUALITY = 40


def thumbnails(samples: pd.DataFrame, root: Path) -> dict[str, bytes]:
    """A JPEG of each sample's first image, of at most `MOST_BYTES`.

    Samples whose image is gone, is another one now or cannot be read have none.

    Args:
        samples: Rows of samples that are shown.
        root: What their `images` are relative to.
    """
    inside = root.resolve()
    made: dict[tuple[str, str], bytes | None] = {}
    for images, digests in zip(samples["images"], samples["image_sha256"], strict=True):
        name, digest = json.loads(images)[0], json.loads(digests)[0]
        if (name, digest) not in made:
            made[name, digest] = _thumbnail(inside, name, digest)
    firsts = zip(samples["sample_id"], samples["images"], samples["image_sha256"], strict=True)
    found = {str(sample): made[json.loads(images)[0], json.loads(digests)[0]] for sample, images, digests in firsts}
    return {sample: picture for sample, picture in found.items() if picture is not None}


def _thumbnail(root: Path, name: str, digest: str) -> bytes | None:
    from PIL import Image

    path = (root / name).resolve()
    if not path.is_relative_to(root):
        return None
    try:
        content = path.read_bytes()
        if digest_bytes(content) != digest:
            return None
        picture = open_picture(io.BytesIO(content), name)
    except (OSError, RequestError):
        return None
    for width in WIDTHS:
        if picture.width > width:
            height = max(1, round(picture.height * width / picture.width))
            picture = picture.resize((width, height), Image.Resampling.LANCZOS)
        small = io.BytesIO()
        picture.save(small, "JPEG", quality=QUALITY, optimize=True)
        if small.tell() <= MOST_BYTES:
            return small.getvalue()
    return None
