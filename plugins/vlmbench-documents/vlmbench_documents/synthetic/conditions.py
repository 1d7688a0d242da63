"""Damage a picture: the seven image conditions of the original project.

Strengths are set so that an OCR engine reads visibly less than on `clean`, and not nothing.
"""

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

PAPER = (250, 249, 244)


def apply(image: Image.Image, condition: str, name: str) -> Image.Image:
    """Return the picture under a condition; the same picture, condition and name give the same pixels."""
    rng = np.random.default_rng(list(f"{condition}:{name}".encode()))
    damage = {
        "clean": lambda: image,
        "blur": lambda: image.filter(ImageFilter.GaussianBlur(float(rng.uniform(1.6, 2.3)))),
        "noise": lambda: _noise(image, rng),
        "bright": lambda: _bright(image, rng),
        "gray": lambda: _gray(image, rng),
        "rotated": lambda: image.rotate(
            float(rng.choice([-1, 1]) * rng.uniform(3, 8)), Image.Resampling.BICUBIC, expand=True, fillcolor=PAPER
        ),
        "spatter": lambda: _spatter(image, rng),
    }
    return damage[condition]()


def _noise(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image, dtype=np.float32)
    noisy = pixels + rng.normal(0, rng.uniform(36, 44), pixels.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def _bright(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Overexposed: ink fades towards the paper, strongest in one corner."""
    pixels = np.asarray(image, dtype=np.float32)
    height, width = pixels.shape[:2]
    slope = np.linspace(0.55, 1.0, width)[None, :, None] * np.linspace(0.85, 1.0, height)[:, None, None]
    light = slope if rng.random() < 0.5 else slope[:, ::-1]
    return Image.fromarray(np.clip(pixels + (255 - pixels) * light * 0.93, 0, 255).astype(np.uint8))


def _gray(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A weak grey copy: low contrast."""
    gray = ImageOps.grayscale(image).convert("RGB")
    return ImageEnhance.Contrast(gray).enhance(float(rng.uniform(0.18, 0.3)))


def _spatter(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Drops of something brown."""
    pixels = np.asarray(image, dtype=np.float32).copy()
    height, width = pixels.shape[:2]
    rows, columns = np.ogrid[:height, :width]
    for _ in range(int(height * width / 9000)):
        y, x, radius = rng.integers(height), rng.integers(width), rng.gamma(2.0, 2.4)
        inside = (rows - y) ** 2 + (columns - x) ** 2 < radius**2
        pixels[inside] = pixels[inside] * 0.25 + np.array([92, 70, 48]) * 0.75
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
