"""Tesseract as a model: the program is run on each page, its table of words becomes a page."""

import os
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

from vlmbench_ocr.images import open_page
from vlmbench_ocr.page import Page
from vlmbench_ocr.plugin import TesseractOptions
from vlmbench_ocr.reader import OcrModel
from vlmbench_ocr.tesseract.scripts import mend_scripts
from vlmbench_ocr.tesseract.table import parse_table
from vlmbench_sdk import ModelError

INSTALL = "apt-get install tesseract-ocr tesseract-ocr-eng tesseract-ocr-rus"


class Tesseract(OcrModel[TesseractOptions]):
    """Reads pages with the `tesseract` program."""

    def load(self) -> None:
        """Check that the program and the language data are there.

        Raises:
            ModelError: When one of them is missing, with the command that installs it.
        """
        where = f"model {self.settings.name}"
        program = shutil.which("tesseract")
        if program is None:
            raise ModelError("the program `tesseract` is not on PATH", where=where, fix=f"Install it: {INSTALL}")
        listed = self._run([program, "--list-langs"], b"").decode("utf-8", "replace")
        installed = {line.strip() for line in listed.splitlines()[1:]}
        missing = [code for code in self.options.languages.split("+") if code not in installed]
        if missing:
            packages = " ".join(f"tesseract-ocr-{code.replace('_', '-').lower()}" for code in missing)
            raise ModelError(
                f"tesseract has no language data for {', '.join(missing)}",
                where=where,
                fix=f"Install it: apt-get install {packages}",
            )

    def read_page(self, path: Path) -> Page:
        """Run the program on one page."""
        picture = open_page(path, self.options.max_side)
        pixels = BytesIO()
        picture.save(pixels, "PPM")  # the quickest to write of what tesseract reads
        options = self.options
        command = ["tesseract", "stdin", "stdout", "-l", options.languages, "--psm", str(options.psm), "tsv"]
        table = self._run(command, pixels.getvalue()).decode("utf-8", "replace")
        page = parse_table(table, options.min_confidence)
        return mend_scripts(page) if {"rus", "eng"} <= set(options.languages.split("+")) else page

    def _run(self, command: list[str], pixels: bytes) -> bytes:
        """Run the program in one thread: its OpenMP threads spin and make busy machines several times slower.

        Raises:
            OSError: When the program fails on this page.
        """
        done = subprocess.run(
            command,
            input=pixels,
            capture_output=True,
            check=False,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()
            message = f"tesseract ended with status {done.returncode}: {said[-1] if said else 'no message'}"
            raise OSError(message)
        return done.stdout
