"""Open a request's pictures, and refuse one that is not whole."""

from pathlib import Path

from PIL import Image, ImageOps

from vlmbench_sdk import RequestError


def open_picture(path: Path, max_side: int | None) -> Image.Image:
    """Return the picture upright, in RGB, its longest side at most `max_side` pixels.

    Raises:
        RequestError: When the file is missing, is no picture, or is cut off.
    """
    try:
        with Image.open(path) as opened:
            # Pillow reads lazily: only load() notices a file that ends too early.
            opened.load()
            picture = ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RequestError(f"{path.name} cannot be read as a picture: {error}") from error
    if max_side is not None and max(picture.size) > max_side:
        scale = max_side / max(picture.size)
        width, height = (max(1, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return picture
