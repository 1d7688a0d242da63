"""Answer a request from a page that has been read."""

import json
import re

from vlmbench_ocr.page import Page
from vlmbench_ocr.receipt_rules import KEY_FIELDS, RULES, rule_of
from vlmbench_sdk import Request

_LIST = re.compile(r"\w+(?:, ?\w+)+")


def answer_from(page: Page, request: Request) -> str:
    """Return the answer; an empty string when nothing was found or no rule knows the field.

    `answer_type` json gives an object of the fields asked for, null for those not found. `page_text`, or no
    field, gives the whole page. Everything else goes by the field's name: there is no language model here
    that could read the question.
    """
    if request.answer_type == "json":
        rules = {name: rule_of(name) for name in asked_fields(request.prompt)}
        found = {name: rule(page) or None if rule else None for name, rule in rules.items()}
        return json.dumps(found, ensure_ascii=False)
    if request.answer_type == "page_text" or not request.field:
        return page.text
    rule = rule_of(request.field)
    return rule(page) if rule else ""


def asked_fields(prompt: str) -> tuple[str, ...]:
    """Return the names that the prompt lists, such as `number, date, total`; without a list the key fields.

    A list counts when rules know two of its names; the others are asked for too, and answered with null.
    """
    for found in _LIST.finditer(prompt):
        names = tuple(re.split(r", ?", found.group()))
        if sum(name in RULES for name in names) > 1:
            return names
    return KEY_FIELDS
