"""What of an answer is compared with the choices of an output contract."""

import re

_TOKEN = re.compile(
    r"(?:(?<![^\W_])-(?=[0-9])|(?:[<>=≤≥±~+]|<=|>=)\s?(?=[-+]?[$€£¥₽₸]?[0-9])|[$€£¥₽₸]\s?(?=[0-9]))*"
    r"[^\W_]+(?:[.,][0-9]+)*"
    r"(?:\++|#|-(?![^\W_])|\s?[%$€£¥₽₸])*"
)
"""A word with the signs that make it another: `<5`, `-1`, `A+`, `C#`, `$5`, `5 %`, `1.5`. Hyphens in words, brackets
and ends of sentences make none."""
_DENIALS = re.compile(
    r"\b(?:not|no|never|neither|nor|cannot|without|isn|aren|wasn|weren|doesn|don|didn|не|нет|ни|без)\b", re.IGNORECASE
)


def bare(text: str) -> str:
    """Words in lower case with their signs and one space between; of a text without words, its signs."""
    folded = text.casefold().replace("\u2212", "-").replace("\u2013", "-")
    words = ["".join(found.split()) for found in _TOKEN.findall(folded)]
    return " ".join(words) or "".join(folded.split())


def denial(text: str) -> str:
    """The first word of a text that denies something, as `not` does; empty for none."""
    found = _DENIALS.search(text)
    return found[0] if found else ""
