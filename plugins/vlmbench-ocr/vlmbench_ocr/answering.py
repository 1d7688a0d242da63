"""Answer a request from a page that has been read."""

import json

from vlmbench_ocr.page import Page
from vlmbench_ocr.receipt_rules import KEY_FIELDS, rule_of
from vlmbench_sdk import Request


def answer_from(page: Page, request: Request) -> str:
    """Return the answer; an empty string when nothing was found or no rule knows the field.

    `answer_type` json gives an object of the key fields, null for those not found. `page_text`, or no field,
    gives the whole page. The prompt is not read: there is no language model here that could.
    """
    if request.answer_type == "json":
        found = {name: rule(page) or None for name, rule in KEY_FIELDS.items()}
        return json.dumps(found, ensure_ascii=False)
    if request.answer_type == "page_text" or not request.field:
        return page.text
    rule = rule_of(request.field)
    return rule(page) if rule else ""
