"""What axe-core finds on a page in a browser; its script comes with a package of the development group."""

import json

from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Page


def with_axe(page: Page) -> Page:
    """Bring axe in before the page: its policy forbids foreign scripts."""
    page.add_init_script(path=AXE_FILE_PATH)
    return page


def assert_accessible(page: Page) -> None:
    """Assert that it finds nothing serious on what is shown now."""
    found = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")
    serious = [each for each in found["violations"] if each["impact"] in {"serious", "critical"}]
    assert serious == [], json.dumps(serious, ensure_ascii=False, indent=1)[:4000]
