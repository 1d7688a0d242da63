"""Normalisers of letters, spaces and punctuation."""

import re
import unicodedata

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_QUOTES = str.maketrans({**dict.fromkeys("«»„“”‟❝❞〝〞＂″", '"'), **dict.fromkeys("‘’‚‛‹›′`´ʼ＇", "'")})
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹘﹣－", "-"))
_YO = str.maketrans("ёЁ", "еЕ")
# Letters that are drawn alike in both scripts. Only these are mapped, always to Latin, in answer and
# reference alike, so that it does not matter which of the two a model or a labeller typed.
_LOOKALIKES = str.maketrans("АВЕКМНОРСТУХаеорсухЅІЈѕіј", "ABEKMHOPCTYXaeopcyxSIJsij")


def nfkc(text: str) -> str:
    """Unicode's NFKC: full-width letters, ligatures and superscripts become plain ones."""
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def casefold(text: str) -> str:
    """Lower case for comparison; repeated, because folding can yield what folds again."""
    if text.isascii():
        return text.lower()
    folded = text.casefold()
    while (again := unicodedata.normalize("NFC", folded).casefold()) != folded:
        folded = again
    return folded


def whitespace(text: str) -> str:
    """Runs of white space, line ends included, become one space; none at the ends."""
    return " ".join(text.split())


def yo(text: str) -> str:
    """Ё becomes Е: Russian print leaves the dots out at will."""
    return text.translate(_YO)


def quotes(text: str) -> str:
    """All quotation marks become straight ones."""
    return text.translate(_QUOTES)


def dashes(text: str) -> str:
    """All dashes and minus signs become a hyphen."""
    return text.translate(_DASHES)


def lookalikes(text: str) -> str:
    """Cyrillic letters that look like Latin ones become Latin: "ООО" typed in either script is equal."""
    return text.translate(_LOOKALIKES)


def punctuation(text: str) -> str:
    """Everything but letters, digits, marks and white space is dropped."""
    return "".join(char for char in text if unicodedata.category(char)[0] in "LMN" or char.isspace())


def articles(text: str) -> str:
    """The English articles a, an and the in lower case become a space, as in the script of SQuAD."""
    return _ARTICLES.sub(" ", text)
