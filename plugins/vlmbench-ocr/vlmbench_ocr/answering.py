from vlmbench_ocr.page import Page
from vlmbench_sdk import Request
def answer_from(page: Page, request: Request) -> str: return page.text
