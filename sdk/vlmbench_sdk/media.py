"""What a file is by its first bytes, and pictures as every model is to see them."""

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from vlmbench_sdk.errors import RequestError

if TYPE_CHECKING:
    from PIL import Image

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
)


def media_type(content: bytes) -> str:
    """The media type of a picture, such as `image/png`; empty where its first bytes say nothing."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for signature, kind in _SIGNATURES if content.startswith(signature)), "")


def open_picture(source: "Path | BinaryIO", name: str, max_side: int | None = None) -> "Image.Image":
    """Return a picture as every model is to see it: upright, RGB, transparency on white, 16 bits scaled to 8.

    Needs Pillow, which the plugin's own environment brings.

    Args:
        source: A file, or its content.
        name: What a message calls it.
        max_side: Longest side, in pixels, to which it is scaled down.

    Raises:
        RequestError: When it is missing, is no picture, or is cut off.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(source) as opened:
            # Pillow reads lazily: only load() notices a file that ends too early.
            opened.load()
            picture = _on_white(ImageOps.exif_transpose(opened))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        says = f"it cannot be read as a picture ({type(error).__name__}: {error})"
        raise RequestError(says, where=name) from error
    if max_side is not None and max(picture.size) > max_side:
        scale = max_side / max(picture.size)
        width, height = (max(1, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return picture


def _on_white(picture: "Image.Image") -> "Image.Image":
    from PIL import Image

    if picture.mode.startswith("I"):
        # Pillow's own conversion cuts at 255 instead of scaling: a page becomes all white.
        grey = picture.convert("I").point(lambda value: value * (1 / 257) + 0.5).convert("L")
        grey.info.pop("transparency", None)
        return grey.convert("RGB")
    if picture.mode in {"RGBA", "RGBa", "LA", "La", "PA"} or "transparency" in picture.info:
        # Dropping the transparency shows what is under it, which is mostly black, as the ink is.
        clear = picture.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        white.alpha_composite(clear)
        return white.convert("RGB")
    return picture.convert("RGB")
