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


def fold(text: str) -> str:
    """Lower case, ё as е, spaces squeezed; the length of words is kept, so that labels can be found."""
    return " ".join(text.casefold().replace("ё", "е").split())


def after_label(page: Page, label: re.Pattern[str]) -> str:
    """Return what follows the first row's label, in the row or, where nothing does, in the row below."""
    for index, row in enumerate(page.rows):
        found = label.search(row.text)
        if found is None:
            continue
        if rest := row.text[found.end() :].strip(" :.-№#"):
            return rest
        if index + 1 < len(page.rows):
            return page.rows[index + 1].text
    return ""
