"""The total and its neighbours: subtotal, tax, what was paid and given back."""

import re
from dataclasses import dataclass

from vlmbench_ocr.fields.amounts import Amount, amount_of
from vlmbench_ocr.fields.words import fold
from vlmbench_ocr.page import Page

_TOTAL = re.compile(r"total|\bt(?:ota)?l\b|\bamt\.? due|^due\b|amount due|jumlah|итог|всего|сумма|к оплате")
_STRONG = re.compile(
    r"grand ?total|net ?total|total (?:amount|amt|due|payable|paid|rounded)|amount (?:due|payable)|\bamt\.? due"
    r"|total.{0,8}\binc|итого? к оплате|всего к оплате|к оплате|итоговая сумма"
)
_NOT_THE_TOTAL = re.compile(
    r"sub\W?total|total\W*(?:qty|quan|qn|item|no\b|points?|pts|saving|disc|gst|vat|tax|ppn|change|paid|cash)"
    r"|tot\b.?qty|total.{0,10}(?:excl|before)|(?:tax|vat|gst|disc\w*|item|qty)s? total|points|balance|count"
    r"|подытог|промежут|(?:сумма|итого?|всего)\W*(?:ндс|скид|налог|позиц|товар|кол)|без ндс|скидк|в т\W*ч"
)
_SUBTOTAL = re.compile(r"sub\W?tota|подытог|промежуточный итог")
_CASH = re.compile(
    r"^\W*(?:cash|tunai|visa|master|debit|credit|card|tender|payment|amount paid|paid|bayar"
    r"|наличн|картой|безнал|электрон|получено|внесено|оплачено)"
)
_CHANGE = re.compile(r"\bchange|kembali|сдач")
_TAX = re.compile(r"\b(?:gst|vat|tax|ppn|pb1|pajak|ндс|налог)\b")
_NOT_TAX = re.compile(r"total|inclu|excl|\bno\b|\bid\b|reg|invoice|summary|code|invoice|итог|без ндс|\binc|инн")
_SUMMARY = re.compile(r"(?:gst|tax|vat) ?(?:summary|analysis)")
_ONLY_LABEL = re.compile(r"[\W\d_]*(?:\w+\W*){1,3}")

_SAME = 0.005
"""Less than half a cent apart."""

_AGREES = 3
_IS_STRONG = 2
_BEFORE_PAYMENT = 1


@dataclass(frozen=True, slots=True)
class _Labelled:
    index: int
    label: str
    amount: Amount


def find_total(page: Page) -> str:
    """Return the total as printed.

    Among the rows with a label of totals, that row wins which agrees with what was paid less the change, has
    the clearest label (grand total, total due, к оплате), stands before the payment, and comes last.
    Where no row has such a label, any row that agrees with the payment does, or else the subtotal.
    """
    rows = _labelled(page)
    paid = _paid(rows)
    payment_at = min((row.index for row in rows if _CASH.search(row.label)), default=len(page.rows))
    totals = [row for row in rows if _TOTAL.search(row.label) and not _NOT_THE_TOTAL.search(row.label)]

    def weight(row: _Labelled) -> tuple[int, int]:
        points = _AGREES * (paid is not None and abs(row.amount.value - paid) < _SAME)
        points += _IS_STRONG * bool(_STRONG.search(row.label)) + _BEFORE_PAYMENT * (row.index < payment_at)
        return points, row.index

    if totals:
        return max(totals, key=weight).amount.text
    agreeing = [row.amount.text for row in rows if paid is not None and abs(row.amount.value - paid) < _SAME]
    return agreeing[0] if agreeing else _first(_SUBTOTAL, rows, last=True)


def find_subtotal(page: Page) -> str:
    """Return the subtotal as printed."""
    return _first(_SUBTOTAL, _labelled(page))


def find_cash(page: Page) -> str:
    """Return what the buyer handed over."""
    return _first(_CASH, [row for row in _labelled(page) if not _CHANGE.search(row.label)])


def find_change(page: Page) -> str:
    """Return what the buyer got back."""
    return _first(_CHANGE, _labelled(page))


def find_tax(page: Page) -> str:
    """Return the amount of tax."""
    return _first(_TAX, [row for row in _labelled(page) if not _NOT_TAX.search(row.label)])


def _labelled(page: Page) -> list[_Labelled]:
    """Return the rows with a sum; a label alone in its row takes the sum from a row with nothing else below.

    What follows the headline of a tax summary repeats sums in another meaning and is left out.
    """
    found: list[_Labelled] = []
    for index, row in enumerate(page.rows):
        label = fold(row.text)
        if _SUMMARY.search(label):
            break
        amount = amount_of(row)
        if amount is None and _ONLY_LABEL.fullmatch(label) and index + 1 < len(page.rows):
            below = page.rows[index + 1]
            if not re.search(r"[^\W\d_]{4}", below.text):
                amount = amount_of(below)
        if amount is not None:
            found.append(_Labelled(index, label, amount))
    return found


def _paid(rows: list[_Labelled]) -> float | None:
    """Return the payment less the change, null where no payment is printed."""
    cash = next((row for row in rows if _CASH.search(row.label) and not _CHANGE.search(row.label)), None)
    if cash is None:
        return None
    change = next((row for row in rows if _CHANGE.search(row.label)), None)
    return round(cash.amount.value - (change.amount.value if change else 0.0), 2)


def _first(label: re.Pattern[str], rows: list[_Labelled], *, last: bool = False) -> str:
    found = [row.amount.text for row in rows if label.search(row.label)]
    return found[-1 if last else 0] if found else ""
