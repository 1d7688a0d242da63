"""Undo mix-ups of letters that look alike in Latin and Cyrillic.

Tesseract with `rus+eng` chooses the script word by word, and writes РЕТРО in Cyrillic between two English words,
where no comparison of strings would accept it. It also reads the letter О of `ООО «Ромашка»` and of initials as 0.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from vlmbench_ocr.page import Page

_LATIN = "ABCEHKMOPTXYaceopxy"
_CYRILLIC = "АВСЕНКМОРТХУасеорху"
_TO_CYRILLIC = str.maketrans(_LATIN, _CYRILLIC)
_TO_LATIN = str.maketrans(_CYRILLIC, _LATIN)
_WORD = re.compile(r"[^\W\d_]+")
_ONLY_LATIN = re.compile(rf"[A-Za-z](?<![{_LATIN}])")
_ONLY_CYRILLIC = re.compile(rf"[А-яЁё](?<![{_CYRILLIC}])")
_ZERO = re.compile(r"0(?=0{0,2}\s?[«\"“„])|\b0(?=\. ?[А-ЯЁ]\.)|(?<=[А-ЯЁ]\. )0(?=\.)")


def mend_scripts(page: Page) -> Page:
    """Write every word in one script, as far as its letters have look-alikes.

    The script is that of the word's letters without look-alikes; of a word that has none, that of its line's,
    and of a line that has none, that of the page's.
    """
    page_side = _side("\n".join(line.text for line in page.lines))

    def mended(text: str) -> str:
        line_side = _side(text) or page_side
        text = _WORD.sub(_writer(line_side), text)
        return _ZERO.sub("О", text) if line_side > 0 else text

    return Page(tuple(replace(line, text=mended(line.text)) for line in page.lines))


def _side(text: str) -> int:
    """Return more than 0 for mostly Cyrillic, less than 0 for mostly Latin, 0 for neither."""
    return len(_ONLY_CYRILLIC.findall(text)) - len(_ONLY_LATIN.findall(text))


def _writer(line_side: int) -> Callable[[re.Match[str]], str]:
    def write(found: re.Match[str]) -> str:
        word = found.group()
        side = _side(word) or line_side
        if side == 0:
            return word
        other, table = (_ONLY_LATIN, _TO_CYRILLIC) if side > 0 else (_ONLY_CYRILLIC, _TO_LATIN)
        return word if other.search(word) else word.translate(table)

    return write
