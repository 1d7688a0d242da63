"""Lay a document out as lines of text; nothing is drawn here, so that tests can read what is printed."""

import textwrap
from dataclasses import dataclass
from random import Random
from typing import Literal

from vlmbench_documents.synthetic.values import Document, amount

Align = Literal["left", "center", "split"]

WIDTH = 38
"""Characters in a line."""


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line; `split` puts `text` to the left and `right` to the right."""

    text: str = ""
    align: Align = "left"
    right: str = ""
    bold: bool = False


def lay_out(document: Document, seed: int) -> list[Line]:
    """Return the lines of a document, from top to bottom."""
    rng = Random(f"layout:{seed}:{document.language}:{document.kind}:{document.number}")  # noqa: S311
    layouts = {"receipt": _receipt, "invoice": _invoice, "id_card": _id_card}
    return layouts[document.kind](document, rng)


def _receipt(document: Document, rng: Random) -> list[Line]:
    russian = document.language == "ru"
    fields = document.fields
    align: Align = rng.choice(("center", "center", "left"))
    dated = f"{fields['date']} {rng.randint(8, 21):02d}:{rng.randint(0, 59):02d}"
    lines = [
        *_wrapped(fields["company"], align, bold=True),
        *_wrapped(fields["address"], align),
        Line(f"ИНН {document.tax_id}" if russian else f"TEL {document.phone}", align),
        Line(),
        Line("КАССОВЫЙ ЧЕК" if russian else rng.choice(("RECEIPT", "CASH SALE", "TAX INVOICE")), "center"),
        Line(("Дата: " if russian else "Date: ") + dated),
        Line(("Кассир: " if russian else "Cashier: ") + str(rng.randint(1, 9))),
        Line("-" * WIDTH),
        *_items(document),
        Line("-" * WIDTH),
    ]
    total = sum(item.amount for item in document.items)
    word = rng.choice(("ИТОГО", "ИТОГО К ОПЛАТЕ", "ИТОГ") if russian else ("TOTAL", "TOTAL AMOUNT", "GRAND TOTAL"))
    lines.append(Line(word, "split", fields["total"], bold=True))
    if rng.random() < 0.7:
        paid = (total // 5000 + 1) * 5000
        lines.append(Line("НАЛИЧНЫМИ" if russian else "CASH", "split", amount(paid, document.language)))
        lines.append(Line("СДАЧА" if russian else "CHANGE", "split", amount(paid - total, document.language)))
    return [*lines, Line(), Line("СПАСИБО ЗА ПОКУПКУ!" if russian else "THANK YOU, COME AGAIN", "center")]


def _invoice(document: Document, rng: Random) -> list[Line]:  # noqa: ARG001
    russian = document.language == "ru"
    fields = document.fields
    names = (
        ("СЧЁТ-ФАКТУРА №", "от", "Продавец:", "Покупатель:", "Всего к оплате:", "ИНН")
        if russian
        else ("INVOICE No.", "Date:", "Seller:", "Buyer:", "Total due:", "Tax ID")
    )
    return [
        Line(f"{names[0]} {fields['number']}", "center", bold=True),
        Line(f"{names[1]} {fields['date']}", "center"),
        Line(),
        *_wrapped(f"{names[2]} {fields['seller']}", "left"),
        Line(f"{names[5]} {document.tax_id}"),
        *_wrapped(f"{names[3]} {fields['buyer']}", "left"),
        Line("-" * WIDTH),
        *_items(document),
        Line("-" * WIDTH),
        Line(names[4], "split", fields["total"], bold=True),
    ]


def _id_card(document: Document, rng: Random) -> list[Line]:  # noqa: ARG001
    russian = document.language == "ru"
    fields = document.fields
    names = (
        ("УДОСТОВЕРЕНИЕ", "ОБРАЗЕЦ", "Фамилия", "Имя", "Дата рождения", "Номер")
        if russian
        else ("IDENTITY CARD", "SPECIMEN", "Surname", "Given name", "Date of birth", "Number")
    )
    asked = ("surname", "given_name", "birth_date", "number")
    lines = [Line(names[0], "center", bold=True), Line(names[1], "center"), Line()]
    for name, field in zip(names[2:], asked, strict=True):
        lines += [Line(name), Line(fields[field], bold=True), Line()]
    return [*lines, Line(names[1], "center")]


def _items(document: Document) -> list[Line]:
    return [
        Line(
            f"{item.name} {item.count} x {amount(item.price, document.language)}",
            "split",
            amount(item.amount, document.language),
        )
        for item in document.items
    ]


def _wrapped(text: str, align: Align, *, bold: bool = False) -> list[Line]:
    # Broken at spaces only: the reference is what is printed, with a space for each line end.
    parts = textwrap.wrap(text, WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return [Line(part, align, bold=bold) for part in parts]
