"""Which rule answers which field."""

import re
from collections.abc import Callable, Mapping

from vlmbench_ocr.fields.address import find_address
from vlmbench_ocr.fields.company import find_company
from vlmbench_ocr.fields.date import find_date
from vlmbench_ocr.fields.money import find_cash, find_change, find_subtotal, find_tax, find_total
from vlmbench_ocr.fields.numbers import find_buyer, find_invoice_number
from vlmbench_ocr.page import Page

Rule = Callable[[Page], str]

KEY_FIELDS = ("company", "date", "address", "total")
"""The key fields of a receipt."""

_NAMES: tuple[tuple[Rule, str], ...] = (
    (find_company, "company seller vendor merchant store supplier shop продавец организация компания магазин"),
    (find_date, "date invoice_date receipt_date transaction_date дата"),
    (find_address, "address company_address seller_address store_address адрес"),
    (find_total, "total total_amount amount_due amount grand_total total_price итого сумма итог"),
    (find_subtotal, "subtotal sub_total subtotal_price подытог"),
    (find_tax, "tax tax_amount tax_price vat gst ндс"),
    (find_cash, "cash cash_price paid cashprice наличные"),
    (find_change, "change change_price changeprice сдача"),
    (find_invoice_number, "invoice_number invoice_no receipt_number receipt_no number номер"),
    (find_buyer, "buyer customer client bill_to покупатель"),
)
RULES: Mapping[str, Rule] = {name: rule for rule, names in _NAMES for name in names.split()}
"""The rule of each field, by the names datasets give it."""


def rule_of(field: str) -> Rule | None:
    """Return the rule of a field; null for a field that no rule knows.

    Case, spaces and dots do not matter, and of a path such as `total.total_price` the last name counts.
    """
    name = re.sub(r"[\s-]+", "_", field.strip().casefold())
    return RULES.get(name) or RULES.get(name.rpartition(".")[2])
