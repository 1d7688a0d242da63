"""Open a page's picture, and refuse one that is not whole."""

from pathlib import Path
from typing import TYPE_CHECKING

from vlmbench_sdk import RequestError
from vlmbench_sdk.media import open_picture

if TYPE_CHECKING:
    from PIL import Image


def open_page(path: Path, max_side: int | None) -> "Image.Image":
    """Return the picture upright, in RGB on white, its longest side at most `max_side` pixels.

    Raises:
        OSError: When the file is missing, is no picture, or is cut off. It is not an error of
            `vlmbench_sdk.errors`, because one unreadable page costs the answers about it only.
    """
    try:
        return open_picture(path, path.name, max_side)
    except RequestError as error:
        raise OSError(str(error)) from error
