"""What of an answer is compared with the choices of an output contract."""

import re
import unicodedata

_TOKEN = re.compile(
    r"(?:(?<![^\W_])-(?=[0-9])|(?:[<>=≤≥±~+]|<=|>=)\s?(?=[-+]?[$€£¥₽₸]?[0-9])|[$€£¥₽₸]\s?(?=[0-9]))*"
    r"[^\W_]+(?:[.,][0-9]+)*"
    r"(?:\++|#|-(?![^\W_])|\s?[%$€£¥₽₸])*"
)
"""A word with the signs that make it another: `<5`, `-1`, `A+`, `C#`, `$5`, `5 %`, `1.5`. Hyphens in words, brackets
and ends of sentences make none."""
_ALIKE = str.maketrans("авекмнорстух", "abekmhopctyx")
_DENIALS = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|without|isn|aren|wasn|weren|doesn|don|didn|не|нет|ни|без)\b", re.IGNORECASE
)


def lettered(text: str) -> str:
    """A text of the same length with a letter for each combining mark, for patterns that find words in it.

    The vowel signs of Hindi and Thai are marks, no letters to a pattern, and belong to their words.
    """
    if text.isascii():
        return text
    return "".join("x" if unicodedata.category(each)[0] == "M" else each for each in text)


def bare(text: str) -> str:
    """Words in lower case with their signs and one space between; of a text without words, its signs."""
    folded = text.casefold().replace("\u2212", "-").replace("\u2013", "-")
    words = ["".join(folded[slice(*found.span())].split()) for found in _TOKEN.finditer(lettered(folded))]
    return " ".join(words) or "".join(folded.split())


def letter_alike(words: str) -> str:
    """What is `bare` and a Cyrillic letter, with the Latin one that it looks like: both are typed for one choice.

    Of a whole answer only: in a sentence such letters are words of their own.
    """
    return words.translate(_ALIKE) if len(words.rstrip("+-#")) == 1 else words


def denial(text: str) -> str:
    """The first word of a text that denies something, as `not` does; empty for none."""
    found = _DENIALS.search(text)
    return found[0] if found else ""
