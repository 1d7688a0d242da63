"""RapidOCR as a model: PP-OCRv6 detection and recognition on ONNX Runtime, models from its own wheel."""

from pathlib import Path

import numpy as np
from rapidocr import RapidOCR

from vlmbench_ocr.images import open_page
from vlmbench_ocr.page import Page
from vlmbench_ocr.plugin import RapidOptions
from vlmbench_ocr.rapid.quads import Quad, straighten
from vlmbench_ocr.reader import OcrModel


class RapidOcr(OcrModel[RapidOptions]):
    """Reads pages with RapidOCR."""
