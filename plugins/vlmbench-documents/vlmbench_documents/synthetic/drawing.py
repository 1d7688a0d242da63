"""Draw laid-out lines on paper."""

import importlib.util
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from vlmbench_documents.synthetic.layout import WIDTH, Line
from vlmbench_sdk import DatasetError

FACES = ("DejaVuSansMono", "DejaVuSansMono", "DejaVuSans", "DejaVuSerif")
PAGE = 560
"""Width in pixels at which the sizes below hold; type and margins grow with the page."""
MARGIN = 26
INK = (28, 28, 34)


@cache
def font_folder() -> Path:
    """Where the DejaVu fonts lie: matplotlib ships them, and Pillow's own font has no Cyrillic letters."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        raise DatasetError(
            "the package matplotlib, which carries the DejaVu fonts, is not installed",
            where="dataset reader synthetic",
            fix="Install it: pip install matplotlib",
        )
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


def draw(lines: list[Line], name: str, width: int = PAGE) -> Image.Image:
    """Draw lines on a page of paper whose face, size and texture follow from its name."""
    rng = Random(f"draw:{name}")  # noqa: S311
    face = rng.choice(FACES)
    scale = width / PAGE
    margin, size = round(MARGIN * scale), round(rng.randint(19, 21) * scale)
    plain = ImageFont.truetype(str(font_folder() / f"{face}.ttf"), size)
    bold = ImageFont.truetype(str(font_folder() / f"{face}-Bold.ttf"), size + 1)
    step = round(size * 1.42)
    image = _paper(width, 2 * margin + step * len(lines), name)
    pen = ImageDraw.Draw(image)
    y = margin
    for line in lines:
        _draw_line(pen, line, (margin, y, width - margin), bold if line.bold else plain)
        y += step
    return image


def _draw_line(pen: ImageDraw.ImageDraw, line: Line, place: tuple[int, int, int], font: ImageFont.FreeTypeFont) -> None:
    """Draw one line; `place` is its left end, its top and its right end, in pixels."""
    start, y, end = place
    room = end - start
    if line.text == "-" * WIDTH:
        middle = y + round(font.size * 0.6)
        for x in range(start, end, 12):
            pen.line((x, middle, x + 6, middle), fill=INK, width=2)
        return
    right = pen.textlength(line.right, font=font)
    text = line.text
    # A long name gives way to the amount, as on a real till.
    while text and pen.textlength(text, font=font) > room - (right + 14 if line.right else 0):
        font = font.font_variant(size=font.size - 1)
        right = pen.textlength(line.right, font=font)
    indent = (room - pen.textlength(text, font=font)) / 2 if line.align == "center" else 0
    pen.text((round(start + indent), y), text, font=font, fill=INK)
    if line.right:
        pen.text((round(end - right), y), line.right, font=font, fill=INK)


def _paper(width: int, height: int, name: str) -> Image.Image:
    """Slightly uneven, slightly warm paper."""
    rng = np.random.default_rng(list(f"paper:{name}".encode()))
    shade = np.linspace(0, 6, height)[:, None, None] * rng.uniform(-1, 1)
    grain = rng.normal(0, 2.2, (height, width, 1))
    base = np.array([250, 249, 244])[None, None, :]
    return Image.fromarray(np.clip(base + shade + grain, 0, 255).astype(np.uint8))
