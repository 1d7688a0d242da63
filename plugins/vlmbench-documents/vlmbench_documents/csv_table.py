"""Rows of a CSV table that names images, and every mistake in them."""

import csv
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from vlmbench_documents.image_paths import find_image
from vlmbench_documents.problems import Problems, nearest


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table."""

    number: int
    """Counted from 1, without the header."""
    line: int
    """Line of the file it starts on, counted from 1."""
    cells: dict[str, str]

    @property
    def where(self) -> str:
        """How messages name it."""
        return f"row {self.number} (line {self.line})"


def read_rows(
    path: Path, separator: str, required: Collection[str], problems: Problems, *, known: Collection[str] | None = None
) -> list[Row]:
    """Read a table in UTF-8, with or without a byte order mark, quoted by RFC 4180; blank rows are skipped.

    Args:
        path: The table.
        separator: What stands between two cells.
        required: Columns that it must have; without one of them no row is read.
        problems: Where mistakes are noted.
        known: Columns that it may have; None lets it have any. Where they are given, headings are compared
            without regard to case and spaces around them.
    """
    rows: list[Row] = []
    # The limit of 131072 characters a cell is the csv module's own and belongs to the whole process.
    old_limit = csv.field_size_limit(2**31 - 1)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows.extend(_checked_rows(file, separator, required, known, problems))
    except csv.Error as error:
        last = rows[-1].number if rows else 0
        rule = f"cells with quotes, newlines or {separator!r} are quoted (RFC 4180)"
        problems.add(f"after row {last}", f"{error}; {rule}")
    except UnicodeDecodeError as error:
        problems.add(f"byte {error.start}", f"not UTF-8 ({error.reason}); spreadsheets save it as `CSV UTF-8`")
    finally:
        csv.field_size_limit(old_limit)
    return rows


def _checked_rows(
    file: TextIO, separator: str, required: Collection[str], known: Collection[str] | None, problems: Problems
) -> Iterator[Row]:
    reader = csv.reader(file, delimiter=separator, strict=True)
    header: list[str] = next(reader, [])
    if known is not None:
        header = [column.strip().lower() for column in header]
        for column in sorted(set(header) - set(known)):
            problems.add("header", f"there is no column {column!r}; {nearest(column, known)}")
    missing = [column for column in required if column not in header]
    for column in missing:
        problems.add("header", f"column {column!r} is missing; found {', '.join(map(repr, header)) or 'nothing'}")
    for column in sorted({column for column in header if header.count(column) > 1}):
        problems.add("header", f"column {column!r} appears more than once")
    if missing:
        return
    start = reader.line_num + 1
    number = 0
    for cells in reader:
        line, start = start, reader.line_num + 1
        if not any(cell.strip() for cell in cells):
            continue
        number += 1
        row = Row(number, line, dict(zip(header, cells, strict=False)))
        if len(cells) == len(header):
            yield row
        else:
            problems.add(row.where, f"{len(cells)} cells instead of {len(header)}, the last one is {cells[-1]!r}")


def find_images(folder: Path, rows: list[Row], column: str, problems: Problems) -> dict[str, str]:
    """Find the images that a column names, in the table's folder or in `images` in it; return them by the cell."""
    found: dict[str, str] = {}
    for row in rows:
        value = row.cells[column]
        if value in found:
            continue
        try:
            found[value] = find_image(folder, value, ("", "images"))
        except ValueError as error:
            problems.add(f"{row.where}, column {column!r}", str(error))
    return found
