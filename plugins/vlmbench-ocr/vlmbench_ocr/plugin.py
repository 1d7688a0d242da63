"""Hooks of the OCR plugin."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from vlmbench_sdk import ModelPlugin, Options, hookimpl

MaxSide = Annotated[int | None, Field(ge=64)]


class RapidOptions(Options):
    """How RapidOCR reads a page. Its built-in models read Latin script and Chinese, not Cyrillic."""

    max_side: MaxSide = None
    """Longest side, in pixels, to which a page is scaled down before it is read; null reads full size."""
    text_score: float = Field(default=0.5, ge=0, le=1)
    """Lines that the engine is less sure of than this are dropped."""
    threads: int = Field(default=2, ge=1)
    """Threads of the neural network runtime; they change the speed and not the answers."""


class TesseractOptions(Options):
    """How Tesseract reads a page."""

    languages: str = Field(default="rus+eng", pattern=r"^[A-Za-z_]+(\+[A-Za-z_]+)*$")
    """Tesseract's language codes joined by '+', such as `eng` or `rus+eng`."""
    psm: int = Field(default=6, ge=1, le=13)
    """Page segmentation mode: 3 automatic, 4 one column, 6 one block, 11 sparse text."""
    min_confidence: float = Field(default=20, ge=0, le=100)
    """Words that the engine is less sure of than this are dropped."""
    max_side: MaxSide = None
    """Longest side, in pixels, to which a page is scaled down before it is read; null reads full size."""


@hookimpl
def vlmbench_models() -> list[ModelPlugin]:
    """Offer the models `rapidocr` and `tesseract`."""
    return [
        ModelPlugin(
            name="rapidocr",
            backend="vlmbench_ocr.rapid.backend:RapidOcr",
            options=RapidOptions,
            description="RapidOCR (PP-OCRv6 on ONNX Runtime) with layout rules for key fields",
        ),
        ModelPlugin(
            name="tesseract",
            backend="vlmbench_ocr.tesseract.backend:Tesseract",
            options=TesseractOptions,
            description="Tesseract 5 with layout rules for key fields",
        ),
    ]


@hookimpl
def vlmbench_registries() -> list[Path]:
    """Ship the entries of both engines."""
    return [Path(__file__).parent / "registries"]
