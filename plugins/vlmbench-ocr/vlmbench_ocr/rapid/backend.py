"""RapidOCR as a model: PP-OCRv6 detection and recognition on ONNX Runtime, with the models of its wheel."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from rapidocr import RapidOCR

from vlmbench_ocr.images import open_page
from vlmbench_ocr.page import Page
from vlmbench_ocr.plugin import RapidOptions
from vlmbench_ocr.rapid.quads import page_of
from vlmbench_ocr.reader import OcrModel

NO_LIMIT = 100_000
"""RapidOCR shrinks pages to 2000 pixels by itself; `max_side` is the one place that decides here."""


class RapidOcr(OcrModel[RapidOptions]):
    """Reads pages with RapidOCR."""

    _engine: RapidOCR

    def load(self) -> None:
        """Load the three networks.

        RapidOCR does so at first use only; a drawn word makes it do so now, so that no page pays for it.
        """
        options = self.options
        params: dict[str, str | int | float] = {
            "Global.log_level": "error",
            "Global.text_score": options.text_score,
            "Global.max_side_len": NO_LIMIT,
            "EngineConfig.onnxruntime.intra_op_num_threads": options.threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
        if options.max_side is not None:
            # The detector would blow pages narrower than 736 pixels up again, at the cost just saved.
            params |= {"Det.limit_type": "max", "Det.limit_side_len": options.max_side}
        self._engine = RapidOCR(params=params)
        word = Image.new("RGB", (320, 96), "white")
        ImageDraw.Draw(word).text((20, 30), "TOTAL 12.50", "black", font_size=32)
        self._read_picture(word)

    def read_page(self, path: Path) -> Page:
        """Run the engine on one page."""
        return self._read_picture(open_page(path, self.options.max_side))

    def _read_picture(self, picture: Image.Image) -> Page:
        blue_first = np.ascontiguousarray(np.asarray(picture)[:, :, ::-1])
        read = self._engine(blue_first)
        if read.txts is None or read.boxes is None:
            return Page(())
        quads = [[(float(x), float(y)) for x, y in box] for box in read.boxes]
        return page_of(zip(read.txts, quads, strict=True))
