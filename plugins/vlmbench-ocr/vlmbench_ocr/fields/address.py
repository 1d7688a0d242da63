"""Where the issuer is."""

import re

from vlmbench_ocr.fields.words import HEAD_ROWS, NOT_AN_ADDRESS, fold
from vlmbench_ocr.page import Page

_LABEL = re.compile(
    r"^\W*(?:(?:shop |store |our )?address|alamat|адрес(?: магазина| расч[её]тов)?|место расч[её]тов)\s*[:.]?\s*",
    re.IGNORECASE,
)
_STREET = re.compile(
    r"\b(?:jalan|jln|jl|lorong|lebuh\w*|persiaran|lot|taman|tmn|bandar|mukim|kampung|kg|seksyen|kec|kab"
    r"|street|str|road|rd|avenue|ave|lane|boulevard|blvd|highway|floor|flr|suite"
    r"|улица|ул|проспект|просп|пр-т|пр-кт|переулок|пер|шоссе|набережная|наб|бульвар|площадь|обл|область|р-н|край"
    r"|мкр|дом|корп|стр|офис|пом)\b"
    r"|\bno\.? ?\d+[\w-]*,|^no\.? ?[\w-]*\d|\bг\. ?[а-я]|\bд\. ?\d|^\d{6} ?,? [^\W\d]|\b\d{5},? [^\W\d][^\d]*$"
    r"|^\d{1,4}[\w/&-]{0,6} ?, ?[^\W\d]{2}"
)
"""Words and numbers of streets, floors and towns; five digits are a postcode only with nothing but words behind."""

_BUILDING = re.compile(r"\b(?:wisma|menara|plaza|mall|block|blok|unit|building)\b.*[\d,]|[^\W\d]{3}, [^\W\d]{3}")
"""Weaker signs, which names of shops carry too; used where there is no stronger one."""

_MOST_ROWS = 7
"""Rows an address has at most."""

_GAP = 1.5
"""An empty space below a row, in heights of rows, that ends the address."""


def starts_address(text: str) -> bool:
    """Say whether an address begins in this row: a street, a building, a postcode, or the label itself."""
    folded = fold(text)
    if _LABEL.match(text):
        return True
    begins = NOT_AN_ADDRESS.search(folded)
    street = _STREET.search(folded)
    return street is not None and (begins is None or begins.start() > street.start())


def find_address(page: Page) -> str:
    """Return the address: the rows from the first that looks like one to the next phone, tax number or title.

    It is looked for in the head of the page, and below only where it is labelled (Адрес: …).
    """
    start = _start(page)
    if start is None:
        return ""
    parts: list[str] = []
    rows = page.rows[start : start + _MOST_ROWS]
    for row, above in zip(rows, (None, *rows), strict=False):
        part = _LABEL.sub("", row.text)
        other = NOT_AN_ADDRESS.search(part.casefold().replace("ё", "е"))
        if parts and above is not None and row.top - above.bottom > _GAP * row.height:
            break
        if other is not None:
            part = part[: other.start()].rstrip(" ,;:(")
        if part:
            parts.append(part)
        if other is not None:
            break
    return " ".join(parts).strip(" ,;")


def _start(page: Page) -> int | None:
    """Return the number of the row in which the address begins."""
    rows = [row.text for row in page.rows]
    labelled = (index for index, text in enumerate(rows) if _LABEL.match(text))
    street = (index for index, text in enumerate(rows[:HEAD_ROWS]) if starts_address(text))
    # The first row is a name whatever else it looks like.
    building = (index for index, text in enumerate(rows[1:HEAD_ROWS], 1) if _is_building(fold(text)))
    return next((index for indices in (labelled, street, building) for index in indices), None)


def _is_building(folded: str) -> bool:
    return _BUILDING.search(folded) is not None and NOT_AN_ADDRESS.search(folded) is None
