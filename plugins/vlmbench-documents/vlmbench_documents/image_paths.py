"""Images that annotation files name: inside the dataset's folder, and there."""

import posixpath
from pathlib import Path, PurePosixPath, PureWindowsPath

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})
"""Suffixes of pictures in a folder of pictures, in lower case."""


def find_image(folder: Path, value: str, subfolders: tuple[str, ...] = ("",)) -> str:
    """Find the image that an annotation names.

    The check is on the name: a symbolic link inside the folder was put there by whoever owns the data, and
    is followed.

    Args:
        folder: The dataset's folder.
        value: The path as the annotation has it, relative to the folder.
        subfolders: Where to look, in this order.

    Returns:
        The path relative to the folder, with `/`.

    Raises:
        ValueError: When the path is empty, absolute, leaves the folder, or names no file. The message
            says which.
    """
    if not value.strip():
        raise ValueError("names no image")
    if PurePosixPath(value).is_absolute() or PureWindowsPath(value).drive:
        raise ValueError(f"{value!r} is an absolute path; images are relative to {folder}")
    for subfolder in subfolders:
        relative = posixpath.normpath(posixpath.join(subfolder, value))
        if relative == ".." or relative.startswith("../"):
            raise ValueError(f"{value!r} leaves {folder}")
        if (folder / relative).is_file():
            return relative
    hint = "; folders are separated by '/'" if "\\" in value else ""
    raise ValueError(f"{value!r} does not exist in {folder}{hint}")


def pictures(folder: Path) -> dict[str, Path]:
    """Return the pictures of a folder by stem, in the order of their names."""
    return {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in IMAGE_SUFFIXES}
