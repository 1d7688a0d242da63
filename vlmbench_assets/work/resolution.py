"""How large the images of samples are, in buckets."""

import json
from functools import cache
from pathlib import Path

import pandas as pd

BUCKETS = ((0.5, "0 to 0.5 MP"), (1, "0.5 to 1 MP"), (2, "1 to 2 MP"), (4, "2 to 4 MP"), (8, "4 to 8 MP"))
"""Megapixels up to, and the name; names are in alphabetical order."""
LARGER = "8 MP and more"


def resolutions(images: pd.Series, root: Path) -> pd.Series:
    """The bucket of each sample's largest image; empty where an image is gone or cannot be read.

    Args:
        images: JSON lists of paths relative to `root`.
        root: Folder of the dataset.
    """
    inside = root.resolve()

    @cache
    def bucket(text: str) -> str:
        sizes = [_megapixels(inside, str(image)) for image in json.loads(text)]
        if not sizes or any(size is None for size in sizes):
            return ""
        largest = max(size for size in sizes if size is not None)
        return next((name for most, name in BUCKETS if largest < most), LARGER)

    return images.map(bucket).astype(str)


def _megapixels(root: Path, image: str) -> float | None:
    """Size of an image, from its header."""
    from PIL import Image, UnidentifiedImageError

    path = (root / image).resolve()
    if not path.is_relative_to(root):
        return None
    try:
        with Image.open(path) as opened:
            return opened.width * opened.height / 1e6
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
