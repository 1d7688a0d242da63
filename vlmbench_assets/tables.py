"""Read and write the tables: text stays text, missing stays missing, and the contract holds on both sides."""

import csv
import io
import math
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import cast

import pandas as pd
import pandera.pandas as pa

from vlmbench_assets.contracts import Contract
from vlmbench_assets.files import write_atomically
from vlmbench_sdk import ContractError

# The csv module refuses cells over 128 KiB by default; a page of text can be longer.
csv.field_size_limit(sys.maxsize)

_NEEDS_QUOTES = re.compile(r'[,"\r\n]')

AT_ONCE = 10_000
"""Rows that are read or rendered together."""
SHOWN_VIOLATIONS = 5
SHOWN_VALUE = 80


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule."""

    row: str
    """Number of the data row, from 1, with its key; empty when the whole table is meant."""
    column: str
    value: str
    rule: str

    def __str__(self) -> str:
        """Name row, column, value and rule."""
        place = ", ".join(part for part in (self.row, self.column and f"column {self.column}") if part)
        shown = self.value if len(self.value) <= SHOWN_VALUE else self.value[: SHOWN_VALUE - 1] + "…"
        return f"{place or 'table'}: {shown!r} must be {self.rule}" if self.column else f"{place}: {self.rule}"


class TableContractError(ContractError):
    """A table breaks its contract."""

    def __init__(self, contract: Contract, path: Path, violations: Sequence[Violation], kept: Path) -> None:
        """Keep every violation; the message shows the first few."""
        shown = "; ".join(str(violation) for violation in violations[:SHOWN_VIOLATIONS])
        rest = len(violations) - SHOWN_VIOLATIONS
        super().__init__(
            f"the contract of `{contract.name}` is broken: {shown}" + (f"; and {rest} more" if rest > 0 else ""),
            where=str(path),
            fix=f"The offending table is kept as {kept.name}",
        )
        self.contract = contract
        self.violations = tuple(violations)
        self.kept = kept


def table_from_rows(contract: Contract, rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """Make a typed, unchecked table out of rows; None is null."""
    cells: list[list[str]] = [[] for _ in contract.columns]
    for row in rows:
        for column, name in zip(cells, contract.columns, strict=True):
            column.append("" if row[name] is None else str(row[name]))
    frame, violations = _typed(contract, cells)
    if violations:
        raise ContractError(f"rows of `{contract.name}`: {violations[0]}")
    return frame


def checked_csv(frame: pd.DataFrame, contract: Contract, path: Path) -> bytes:
    """Check a table and render it, to be published at `path`.

    Raises:
        TableContractError: When the contract is broken; what was to be written is kept as `*.rejected.csv`.
    """
    violations = broken_rules(frame, contract)
    content = _csv_bytes(frame)
    if violations:
        kept = rejected_path(path)
        write_atomically(kept, content)
        raise TableContractError(contract, path, violations, kept)
    return content


def write_table(frame: pd.DataFrame, contract: Contract, path: Path) -> None:
    """Check a table and write it in one step that cannot leave half a file.

    Raises:
        TableContractError: When the contract is broken; what was to be written is kept as `*.rejected.csv`.
    """
    write_atomically(path, checked_csv(frame, contract, path))


def read_table(path: Path, contract: Contract) -> pd.DataFrame:
    """Read a table and check it.

    Raises:
        ContractError: When there is no such file.
        TableContractError: When the contract is broken; a copy is kept as `*.rejected.csv`.
    """
    if not path.exists():
        raise ContractError(
            f"there is no `{contract.name}` table yet", where=str(path), fix="Run the stage before this one"
        )
    frame, violations = _parse(path.read_bytes(), contract)
    violations = violations or broken_rules(frame, contract)
    if violations:
        kept = rejected_path(path)
        shutil.copyfile(path, kept)
        raise TableContractError(contract, path, violations, kept)
    return frame


def parse_table(content: bytes, contract: Contract) -> pd.DataFrame:
    """Read a table that was published, and so checked, from its bytes.

    Raises:
        ContractError: When it is of another version of the contract.
    """
    frame, violations = _parse(content, contract)
    if violations:
        raise ContractError(f"a table of `{contract.name}` from the history does not fit: {violations[0]}")
    return frame


def rejected_path(path: Path) -> Path:
    """Where an offending table is kept."""
    return path.with_suffix(".rejected.csv")


def rows_of(frame: pd.DataFrame) -> list[dict[str, str]]:
    """The rows of a table's text columns; number columns are in there too, as what they are."""
    return cast("list[dict[str, str]]", frame.to_dict("records"))


def to_csv(frame: pd.DataFrame) -> str:
    """Render a table: UTF-8, comma, RFC 4180 quoting, line feed, null as an empty cell."""
    return "".join(_lines(frame))


def _csv_bytes(frame: pd.DataFrame) -> bytes:
    """`to_csv` as bytes; a part of the lines at a time, because a million of them take more memory than the file."""
    content = io.BytesIO()
    lines = _lines(frame)
    while part := "".join(islice(lines, AT_ONCE)):
        content.write(part.encode("utf-8", "replace"))
    return content.getvalue()


def _lines(frame: pd.DataFrame) -> Iterator[str]:
    rows: Iterable[Iterable[object]] = chain([frame.columns], frame.itertuples(index=False, name=None))
    return (",".join(_quoted(_cell(value)) for value in row) + "\n" for row in rows)


def broken_rules(frame: pd.DataFrame, contract: Contract) -> list[Violation]:
    """Name every broken rule of a typed table, at most one per cell and rule."""
    try:
        contract.schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases.sort_values("index", kind="stable").to_dict("records")
        # A rule over a whole row is reported once per column; one line per row says all there is to say.
        return list(dict.fromkeys(_violation(case, frame, contract) for case in cases))
    return []


def _cell(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return ""
    return repr(value) if isinstance(value, float) else str(value)


def _quoted(text: str) -> str:
    """Quote where RFC 4180 asks for it.

    The csv module of Python 3.11 leaves a lone carriage return unquoted, and its reader then ends the row.
    """
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _parse(content: bytes, contract: Contract) -> tuple[pd.DataFrame, list[Violation]]:
    try:
        reader = csv.reader(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8", newline=""), strict=True)
        header = next(reader, [])
        if header != contract.columns:
            missing = [name for name in contract.columns if name not in header]
            unknown = [name for name in header if name not in contract.columns]
            says = f"columns must be {', '.join(contract.columns)}; missing {missing}, unknown {unknown}"
            return pd.DataFrame(), [Violation("row 0 (header)", "", "", says)]
        cells, uneven = _columns(reader, len(header))
    except (UnicodeDecodeError, csv.Error) as error:
        return pd.DataFrame(), [Violation("", "", "", f"the file is not RFC 4180 CSV in UTF-8 ({error})")]
    return (pd.DataFrame(), uneven) if uneven else _typed(contract, cells)


def _columns(rows: Iterator[list[str]], width: int) -> tuple[list[list[str]], list[Violation]]:
    """The cells of a file column by column; equal texts are one object, as most columns hold few different ones."""
    columns: list[list[str]] = [[] for _ in range(width)]
    uneven: list[Violation] = []
    seen: list[dict[str, str]] = [{} for _ in range(width)]
    number = 0
    while part := list(islice(rows, AT_ONCE)):
        uneven += [
            Violation(f"row {index}", "", "", f"has {len(row)} cells, not {width}")
            for index, row in enumerate(part, start=number + 1)
            if len(row) != width
        ]
        number += len(part)
        if uneven:
            continue
        for column, known, cells in zip(columns, seen, zip(*part, strict=True), strict=True):
            column.extend(map(known.setdefault, cells, cells))
            if len(known) > AT_ONCE:
                known.clear()
    return columns, uneven


def _typed(contract: Contract, cells: list[list[str]]) -> tuple[pd.DataFrame, list[Violation]]:
    """Turn columns of text into typed ones; name the cells that are not numbers where numbers are due."""
    columns: dict[str, pd.Series] = {}
    violations: list[Violation] = []
    for index, name in enumerate(contract.columns):
        # Taken out, so that what was typed is not held twice.
        texts, cells[index] = cells[index], []
        if not contract.is_number(name):
            columns[name] = pd.Series(texts, dtype=str)
            continue
        whole = str(contract.schema.columns[name].dtype) == "Int64"
        numbers: list[float | int | None] = []
        for number, text in enumerate(texts, start=1):
            try:
                numbers.append(None if text == "" else int(text) if whole else float(text))
            except ValueError:
                rule = "a whole number" if whole else "a number"
                violations.append(Violation(f"row {number}", name, text, f"{rule}, or empty for null"))
                numbers.append(None)
        columns[name] = pd.Series(numbers, dtype="Int64" if whole else "float64")
    return pd.DataFrame(columns, columns=contract.columns), violations


def _violation(case: Mapping[str, object], frame: pd.DataFrame, contract: Contract) -> Violation:
    row, index = "", case["index"]
    if isinstance(index, int | float) and not math.isnan(index):
        position = int(index)
        key = ", ".join(f"{name}={frame[name].iloc[position]!r}" for name in contract.key if name in frame)
        row = f"row {position + 1} ({key})"
    rule = str(case["check"])
    if rule == "multiple_fields_uniqueness":
        return Violation(row, "", "", f"there is more than one row with this {' and '.join(contract.key)}")
    if case["schema_context"] != "Column":
        return Violation(row, "", "", rule)
    rule = "not null" if rule == "not_nullable" else rule
    return Violation(row, str(case["column"]), _cell(case["failure_case"]), rule)
