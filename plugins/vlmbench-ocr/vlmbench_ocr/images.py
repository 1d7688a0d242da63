"""Open a page's picture, and refuse one that is not whole."""

from pathlib import Path

from PIL import Image, ImageOps


def open_page(path: Path, max_side: int | None) -> Image.Image:
    """Return the picture upright, in RGB, its longest side at most `max_side` pixels.

    Raises:
        OSError: When the file is missing, is no picture, or is cut off. It is not an error of
            `vlmbench_sdk.errors`, because one unreadable page costs the answers about it only.
    """
    try:
        with Image.open(path) as opened:
            # Pillow reads lazily: only load() notices a file that ends too early.
            opened.load()
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        message = f"{path.name} cannot be read as a picture: {error}"
        raise OSError(message) from error
    if max_side is not None and max(picture.size) > max_side:
        scale = max_side / max(picture.size)
        width, height = (max(1, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return picture
