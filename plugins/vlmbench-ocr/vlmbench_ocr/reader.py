"""What both engines share: read a page once, answer every question about it by rules."""

import time
from abc import abstractmethod
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from pathlib import Path

from vlmbench_ocr.answering import answer_from
from vlmbench_ocr.page import Page, join_pages
from vlmbench_sdk import Answer, Model, ModelSettings, Request
from vlmbench_sdk.model import OptionsT

PAGES_KEPT = 8
"""Questions about a page follow one another; a few pages cover documents of several."""


class OcrModel(Model[OptionsT]):
    """A model that reads pages with an OCR engine and answers by layout rules."""

    def __init__(self, options: OptionsT, settings: ModelSettings) -> None:
        """Keep the settings and start with no pages read."""
        super().__init__(options, settings)
        self._pages: OrderedDict[str, tuple[Page, float]] = OrderedDict()

    @abstractmethod
    def read_page(self, path: Path) -> Page:
        """Read one picture.

        Raises:
            OSError: When the picture cannot be decoded.
        """

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer one request after the other.

        The latency of an answer is that of reading its pages, also when they had been read for an earlier
        question, and of the rules: what a caller who asked this question alone would wait.
        """
        for request in requests:
            read = [self._read(path) for path in request.images]
            started = time.perf_counter()
            text = answer_from(join_pages(page for page, _ in read), request)
            seconds = time.perf_counter() - started + sum(spent for _, spent in read)
            yield Answer(
                sample_id=request.sample_id,
                answer=text,
                status="ok" if text else "empty",
                latency_ms=seconds * 1000,
            )

    def close(self) -> None:
        """Forget the pages."""
        self._pages.clear()

    def _read(self, path: str) -> tuple[Page, float]:
        """Return the page and the seconds it took to read."""
        if path in self._pages:
            self._pages.move_to_end(path)
            return self._pages[path]
        started = time.perf_counter()
        page = self.read_page(Path(path))
        self._pages[path] = page, time.perf_counter() - started
        if len(self._pages) > PAGES_KEPT:
            self._pages.popitem(last=False)
        return self._pages[path]
