"""The rules, on receipts and invoices written by hand."""

from collections.abc import Callable

import pytest

from vlmbench_ocr.fields.amounts import find_amounts, read_amount
from vlmbench_ocr.page import Page
from vlmbench_ocr.receipt_rules import rule_of
from vlmbench_sdk.dates import MONTHS, whole_date

PageOf = Callable[[str], Page]

ENGLISH = """
100345
Green Hill Hardware
Sdn Bhd
(812345-X)
NO 7, JALAN MAWAR 3,
TAMAN INDAH, 43300 KAJANG, SELANGOR.
TEL: 03-8912 3344 FAX: 03-8912 3345
GST ID: 000812345678
TAX INVOICE
Invoice No: | CS-00123
Date: 12/03/201815:28
Qty Item | Price | Amount
2 | PAINT BRUSH | 5.50 | 11.00
1 | SPRAY 10% OFF | 1,240.00 | 1,116.00
Total Qty: | 3
Sub Total | 1,127.00
GST 6% | 67.62
Rounding | -0.02
Total (Inclusive of GST) | RM 1,194.60
CASH | 1,200.00
CHANGE | 5.40
GST SUMMARY | Amount | Tax
Total: | 1,127.00 | 67.62
THANK YOU
"""

RUSSIAN = """
КАССОВЫЙ ЧЕК
ООО «Весёлый огурец»
г. Тула, ул. Зелёная,
д. 14, корп. 2
ИНН 7123456789
Дата: 12 мая 2024 г. 14:05
Кассир: 3
Хлеб 1 x 45,00 | 45,00
Сыр 2 x 610,25 | 1 220,50
ПОДЫТОГ | 1 265,50
ИТОГО К ОПЛАТЕ | 1 265,50 руб.
В т.ч. НДС 10% | 115,05
НАЛИЧНЫМИ | 1 500,00
СДАЧА | 234,50
СПАСИБО ЗА ПОКУПКУ!
"""

INVOICE = """
СЧЁТ-ФАКТУРА № УТ-118
от 03.02.25
Продавец: АО «Вектор»
ИНН 7712345670
Покупатель: ИП Берёзкин А. П.
Работы 1 x 100,00 | 100,00
Всего к оплате: | 100,00 ₽
"""


@pytest.mark.parametrize(
    ("text", "field", "answer"),
    [
        (ENGLISH, "company", "Green Hill Hardware Sdn Bhd"),
        (ENGLISH, "date", "12/03/2018"),
        (ENGLISH, "address", "NO 7, JALAN MAWAR 3, TAMAN INDAH, 43300 KAJANG, SELANGOR."),
        (ENGLISH, "total", "1,194.60"),
        (ENGLISH, "subtotal", "1,127.00"),
        (ENGLISH, "tax", "67.62"),
        (ENGLISH, "cash", "1,200.00"),
        (ENGLISH, "change", "5.40"),
        (ENGLISH, "invoice_number", "CS-00123"),
        (RUSSIAN, "company", "ООО «Весёлый огурец»"),
        (RUSSIAN, "date", "12 мая 2024 г."),
        (RUSSIAN, "address", "г. Тула, ул. Зелёная, д. 14, корп. 2"),
        (RUSSIAN, "total", "1 265,50"),
        (RUSSIAN, "subtotal", "1 265,50"),
        (RUSSIAN, "tax", "115,05"),
        (RUSSIAN, "cash", "1 500,00"),
        (RUSSIAN, "change", "234,50"),
        (INVOICE, "number", "УТ-118"),
        (INVOICE, "date", "03.02.25"),
        (INVOICE, "seller", "АО «Вектор»"),
        (INVOICE, "buyer", "ИП Берёзкин А. П."),
        (INVOICE, "total", "100,00"),
    ],
)
def test_key_fields(page_of: PageOf, text: str, field: str, answer: str) -> None:
    rule = rule_of(field)
    assert rule is not None
    assert rule(page_of(text)) == answer


@pytest.mark.parametrize("field", ["company", "date", "address", "total", "tax", "cash", "number", "buyer"])
@pytest.mark.parametrize("text", ["", "42", "..."])
def test_nothing_is_answered_from_a_page_that_says_nothing(page_of: PageOf, text: str, field: str) -> None:
    rule = rule_of(field)
    assert rule is not None
    assert rule(page_of(text)) == ""


@pytest.mark.parametrize("name", ["total", "Total Amount", "total.total_price", "grand-total", "ИТОГО"])
def test_a_field_is_known_by_several_names(name: str) -> None:
    assert rule_of(name) is rule_of("total")


@pytest.mark.parametrize("name", ["", "surname", "colour", "total_tax_of_the_year"])
def test_other_names_have_no_rule(name: str) -> None:
    assert rule_of(name) is None


@pytest.mark.parametrize(
    ("row", "date"),
    [
        ("Date: 01/02/2018", "01/02/2018"),
        ("Date 1.2.18", "1.2.18"),
        ("[Sales]2018-01-0522:55", "2018-01-05"),
        ("28 Mar 18 18:32", "28 Mar 18"),
        ("Mar 28, 2018", "Mar 28, 2018"),
        ("12 мая 2024 г. 10:00", "12 мая 2024 г."),
        ("Дата: 05.11.2023 10:00", "05.11.2023"),
        ("0012 25032018 13:11:54", "25032018"),
        ("TEL 03-8912 3344", ""),
        ("45/99/2018", ""),
    ],
)
def test_dates_are_given_as_printed(page_of: PageOf, row: str, date: str) -> None:
    rule = rule_of("date")
    assert rule is not None
    assert rule(page_of(row)) == date


def test_every_month_that_metrics_know_is_found(page_of: PageOf) -> None:
    rule = rule_of("date")
    assert rule is not None
    for month, number in MONTHS.items():
        assert rule(page_of(f"Shop\n7 {month} 2018\n1.00")) == f"7 {month} 2018"
        assert whole_date(f"7 {month} 2018", "dmy") == f"2018-{number:02}-07"


def test_a_labelled_date_wins_over_an_earlier_one_and_over_a_due_date(page_of: PageOf) -> None:
    rule = rule_of("date")
    assert rule is not None
    assert rule(page_of("printed 01/01/2020\nDue date: 01/03/2020\nDate: 01/02/2020")) == "01/02/2020"


@pytest.mark.parametrize(
    ("printed", "value"),
    [
        ("1,234.50", 1234.5),
        ("1 234,50", 1234.5),
        ("60.000", 60000.0),
        ("1.565.938", 1565938.0),
        ("49, 60", 49.6),
        ("10 00", 10.0),
        ("35000", 35000.0),
    ],
)
def test_amounts_of_several_countries(printed: str, value: float) -> None:
    assert read_amount(printed).value == value
    assert [amount.value for amount in find_amounts(f"RM{printed}")] == [value]


@pytest.mark.parametrize("text", ["10%", "14:05", "12/03/2018", "no digits"])
def test_percentages_times_and_dates_are_no_amounts(text: str) -> None:
    assert find_amounts(text) == []


def test_the_total_that_agrees_with_what_was_paid_wins(page_of: PageOf) -> None:
    rule = rule_of("total")
    assert rule is not None
    assert rule(page_of("Total Incl. GST | 31.02\nRounding | -0.02\nTotal | 31.00\nCash | 31.00")) == "31.00"
    assert rule(page_of("МТОТО | 213,04\nНАЛИЧНЫМИ | 250,00\nСДАЧА | 36,96")) == "213,04"


def test_a_label_alone_in_its_row_takes_the_amount_below(page_of: PageOf) -> None:
    rule = rule_of("total")
    assert rule is not None
    assert rule(page_of("TOTAL:\nRM 12.40\nThank you")) == "12.40"


def test_an_empty_space_ends_the_address(page_of: PageOf) -> None:
    rule = rule_of("address")
    assert rule is not None
    page = page_of("Blue Door Ltd\n12 Mill Road, Leeds\n\n\nPrepaid slip")
    assert rule(page) == "12 Mill Road, Leeds"
