"""Who issued the document."""

import re

from vlmbench_ocr.fields.address import starts_address
from vlmbench_ocr.fields.words import HEAD_ROWS, LEGAL_FORM, NOT_AN_ADDRESS, after_label, fold, is_form_alone
from vlmbench_ocr.page import Page

_LABEL = re.compile(
    r"^\W*(?:seller|vendor|merchant|supplier|company|продавец|поставщик|организация|исполнитель)\s*:\s*",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"invoice|receipt|bill\b|cash ?memo|welcome|thank|duplicate|copy|order"
    r"|чек|счет|добро пожаловать|накладная|акт\b|квитанция|спасибо"
)
_REGISTRATION = re.compile(r"\s*\(?\b(?:[A-Z]{0,3}\d{5,}[A-Z]?-?[A-Z]?)\)?[\s.,]*$|^\W*#\d+\s+")
_LETTERS = 3


def find_company(page: Page) -> str:
    """Return the name of the issuer.

    A labelled name wins (Продавец: …); then the first row above the address with a legal form (Sdn Bhd, Ltd,
    ООО); then the first row that can be a name at all: it has letters, one of them a capital, and is neither
    the document's title nor a phone or a tax number.
    """
    if labelled := after_label(page, _LABEL):
        return _clean(labelled)
    names = head_names(page)
    for position, (index, text) in enumerate(names):
        if LEGAL_FORM.search(fold(text)) is None:
            continue
        follows = position > 0 and names[position - 1][0] == index - 1
        return _clean(f"{names[position - 1][1]} {text}" if follows and is_form_alone(text) else text)
    return _clean(names[0][1]) if names else ""


def head_names(page: Page) -> list[tuple[int, str]]:
    """Return the rows that can be names, with their numbers, down to where the address begins."""
    found: list[tuple[int, str]] = []
    for index, row in enumerate(page.rows[:HEAD_ROWS]):
        text = row.text
        if found and starts_address(text):
            break
        letters = sum(letter.isalpha() for letter in text)
        if letters < max(_LETTERS, sum(letter.isdigit() for letter in text)) or text == text.lower():
            continue
        if _TITLE.search(fold(text)) or NOT_AN_ADDRESS.search(fold(text)):
            continue
        found.append((index, text))
    return found


def _clean(text: str) -> str:
    """Drop a registration number behind the name."""
    return _REGISTRATION.sub("", text).strip(" ,;:*-") or text
