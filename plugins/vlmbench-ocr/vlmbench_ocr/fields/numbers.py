"""Fields that stand behind their label."""

import re

from vlmbench_ocr.fields.words import after_label
from vlmbench_ocr.page import Page

_NUMBER_LABEL = re.compile(
    r"\b(?:invoice|inv|receipt|rcpt|bill|doc(?:ument)?|чек|сч[её]т(?:-фактура)?|накладная|документ)\s*"
    r"(?:n[o0]\b|number|num\b|nr\b|#|№|id\b)[\s.:#№]*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[\w/-]*\d[\w/-]*")
_BUYER_LABEL = re.compile(
    r"^\W*(?:buyer|customer|client|bill(?:ed)? to|sold to|покупатель|заказчик)\s*[:.]?\s*", re.IGNORECASE
)


def find_invoice_number(page: Page) -> str:
    """Return the document's number, from behind labels such as Invoice No. or Чек №."""
    found = _NUMBER.search(after_label(page, _NUMBER_LABEL))
    return found.group() if found else ""


def find_buyer(page: Page) -> str:
    """Return who bought, from behind labels such as Bill to or Покупатель."""
    return after_label(page, _BUYER_LABEL)
