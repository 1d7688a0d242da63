"""Plugin of Datasette: in a database of ours, pictures are seen as pictures, and samples are links.

Datasette loads it by its entry point, where both are installed. A picture is served by its SHA-256 only, and only
where the bytes have it: what a database calls a path can name no other file.
"""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode

from datasette import Response, hookimpl
from markupsafe import Markup

DATABASE = "vlmbench"
PICTURES = "/-/vlmbench/images"
SHOWN = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/tiff"})
"""What a browser may show; anything else, such as SVG, could hold scripts."""
SHA256 = re.compile(r"[0-9a-f]{64}")
STYLE = "max-width: 14rem; max-height: 10rem; border: 1px solid #ccc"


class Row(Protocol):
    """A row of SQLite."""

    def keys(self) -> list[str]:
        """Names of its columns."""

    def __getitem__(self, name: str) -> object:
        """The value of a column."""


class Rows(Protocol):
    """What a query gives."""

    def first(self) -> Row | None:
        """The first row."""


class Database(Protocol):
    """A database of Datasette."""

    async def execute(self, sql: str, params: list[str]) -> Rows:
        """Run a query."""


class Served(Protocol):
    """Datasette itself, as far as it is used here."""

    def get_database(self, name: str) -> Database:
        """A database by its name."""


class Request(Protocol):
    """A request."""

    url_vars: Mapping[str, str]


def _render_cell(row: Row, value: object, column: str, database: str) -> Markup | None:
    if database != DATABASE or not isinstance(value, str):
        return None
    if column in {"image", "sha256"} and SHA256.fullmatch(value):
        alt = f"first page of sample {row['sample_id']}" if "sample_id" in row.keys() else "page"  # noqa: SIM118
        return Markup('<a href="{0}/{1}"><img src="{0}/{1}" alt="{2}" loading="lazy" style="{3}"></a>').format(
            PICTURES, value, alt, STYLE
        )
    if column == "sample_id" and "dataset" in row.keys():  # noqa: SIM118 - a row of sqlite3 knows no `in`
        query = urlencode({"dataset": str(row["dataset"]), "sample_id": value})
        return Markup('<a href="/{}/one_sample?{}">{}</a>').format(DATABASE, query, value)
    return None


async def _picture(request: Request, datasette: Served) -> object:
    wanted = request.url_vars["sha256"]
    found = await datasette.get_database(DATABASE).execute(
        "SELECT path, mime, data FROM images WHERE sha256 = ?", [wanted]
    )
    row = found.first()
    content = None if row is None else await asyncio.to_thread(_content, row)
    if row is None or content is None or hashlib.sha256(content).hexdigest() != wanted:
        return Response.text("there is no such picture, or its file was changed", status=404)
    kind = str(row["mime"])
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    return Response(content, content_type=kind if kind in SHOWN else "application/octet-stream", headers=headers)


def _content(row: Row) -> bytes | None:
    data = row["data"]
    if isinstance(data, bytes):
        return data
    try:
        return Path(str(row["path"])).read_bytes()
    except OSError:
        return None


def _register_routes() -> list[tuple[str, object]]:
    return [(rf"^{PICTURES}/(?P<sha256>[0-9a-f]{{64}})$", _picture)]


render_cell = hookimpl(_render_cell)
register_routes = hookimpl(_register_routes)
