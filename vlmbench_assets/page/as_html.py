"""Write a page as one HTML file that needs nothing beside it: style, pictures and script are inside."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from vlmbench_assets.page.blocks import Page
from vlmbench_assets.page.changes import changes
from vlmbench_assets.printable import printable

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent
_NUMBER = re.compile(r"<?[-+−]?\d[\d ]*(?:[.,]\d+)?(?: ?(?:%|ms|s|GiB|MiB))?|\d+–\d+|—|")
MOST_NUMERIC = 24


def page_html(page: Page) -> str:
    """Write the page; the same page gives the same text."""
    digest = base64.b64encode(hashlib.sha256(script().encode("utf-8")).digest()).decode("ascii")
    return (
        _templates().get_template("page.html").render(page=page, style=style(), script=script(), script_digest=digest)
    )


def style() -> str:
    """The style sheet that all pages share; its custom properties are the colours and sizes of the house."""
    return (HERE / "style.css").read_text(encoding="utf-8")


def script() -> str:
    """What a page does when clicked: it sorts tables."""
    return (HERE / "sort.js").read_text(encoding="utf-8")


def data_uri(picture: bytes) -> str:
    """A picture inside the page."""
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(picture).decode('ascii')}"


def is_number(cell: str) -> bool:
    """Whether a cell reads as a number, and so stands at the right."""
    return len(cell) <= MOST_NUMERIC and _NUMBER.fullmatch(cell) is not None


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.finalize = lambda value: printable(value.replace("\r\n", "\n")) if type(value) is str else value
    environment.filters["data_uri"] = data_uri
    environment.tests["numeric"] = is_number
    environment.globals["changes"] = changes
    return environment
