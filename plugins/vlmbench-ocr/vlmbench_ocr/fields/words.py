"""Labels and the words that the rules look for."""

import re

from vlmbench_ocr.page import Page

HEAD_ROWS = 15
"""Rows in which the head of a receipt ends: who sold, where, tax numbers."""

NOT_AN_ADDRESS = re.compile(
    r"\b(?:te[l1i]|telp|telefon|telephone|phone|fax|hp|hotline|whatsapp|e-?mail|www|gst|vat|npwp|tax|reg|regn|brn?|roc"
    r"|co(?:mpany)?\W{0,2}(?:reg\w*\W{0,2})?no|invoice|receipt|bill|date|cashier|table|order|counter|trn|welcome"
    r"|тел|телефон|инн|кпп|огрн\w*|ккт|ккм|фн|рн|зн|чек|кассир|смена|дата|счет|накладная|сайт|добро)\b"
    r"|@|\bhttps?:|\.(?:com|ru|org|net)\b|[*=_-]{4,}|(?:\d[\s()-]{0,2}){9,}"
)
"""Rows of a head that are about something else: phones, tax numbers, the document itself."""


LEGAL_FORM = re.compile(
    r"\b(?:sdn\.? ?bhd|s/b|sb|bhd|berhad|plt|enterprise|ltd|limited|llc|l\.l\.c|llp|inc|corp|gmbh|pte|pty|plc|co\."
    r"|pt|cv|tbk|ооо|оао|зао|пао|ао|ип|гуп|муп)(?:\b|(?<=\.))"
    r"|общество с ограниченной|индивидуальный предприниматель|акционерное общество"
)
"""Forms of companies; the search is in folded text."""

_ONLY_FORM = re.compile(rf"\W*(?:{LEGAL_FORM.pattern})\W*")


def fold(text: str) -> str:
    """Lower case, ё as е, spaces squeezed; the length of words is kept, so that labels can be found."""
    return " ".join(text.casefold().replace("ё", "е").split())


def is_form_alone(text: str) -> bool:
    """Say whether a row is nothing but a legal form, the end of the name above it."""
    return _ONLY_FORM.fullmatch(fold(text)) is not None


def after_label(page: Page, label: re.Pattern[str]) -> str:
    """Return what follows the first row's label, in the row or, where nothing does, in the row below.

    A legal form alone in the next row belongs to it.
    """
    rows = [row.text for row in page.rows] + ["", ""]
    for index, text in enumerate(rows):
        found = label.search(text)
        if found is None:
            continue
        rest = text[found.end() :].lstrip(" :.-№#").rstrip()
        below = index + 1
        if not rest:
            rest, below = rows[below], below + 1
        return f"{rest} {rows[below]}" if is_form_alone(rows[below]) else rest
    return ""
