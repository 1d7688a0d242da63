"""Read files of others: bounded, as text, with every mistake by its place."""

import ast
import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from vlmbench_sdk import ExchangeError

LARGEST_FILE = 1 << 30
"""Bytes; a larger file is refused before it is read."""
LONGEST_LITERAL = 1 << 16
SHOWN = 5
_HALF = re.compile("[\ud800-\udfff]")
ModelT = TypeVar("ModelT", bound=BaseModel)


class Mistakes:
    """Everything wrong with a file, to be said at once."""

    def __init__(self, file: Path) -> None:
        """Start without mistakes."""
        self._file = file
        self._found: list[str] = []

    def add(self, where: str, what: str) -> None:
        """Note a mistake."""
        self._found.append(f"{where}: {what}" if where else what)

    def raise_if_any(self) -> None:
        """Report them.

        Raises:
            ExchangeError: When there is at least one.
        """
        if self._found:
            more = len(self._found) - SHOWN
            shown = "; ".join(self._found[:SHOWN]) + (f"; and {more} more" if more > 0 else "")
            raise ExchangeError(
                shown, where=str(self._file), fix="Correct the file, or name another format; nothing was imported"
            )


def refuse(file: Path, what: str, fix: str = "") -> ExchangeError:
    """Say why a file cannot be imported as a whole."""
    return ExchangeError(what, where=str(file), fix=fix or "Nothing was imported")


def read_bytes(file: Path, largest: int = LARGEST_FILE) -> bytes:
    """Read a whole file.

    Raises:
        ExchangeError: When it is no file, cannot be read, or is too large.
    """
    try:
        if not file.is_file():
            raise refuse(file, "this is not a file")
        size = file.stat().st_size
        if size > largest:
            raise refuse(file, f"it has {size} bytes; at most {largest} are read", "Split it")
        return file.read_bytes()
    except OSError as error:
        raise refuse(file, f"it cannot be read ({error.strerror})") from error


def read_text(file: Path) -> str:
    """Read a whole file as UTF-8, with or without a byte order mark.

    Raises:
        ExchangeError: When it is not UTF-8, or holds NUL, which no text file does.
    """
    content = read_bytes(file)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refuse(file, f"byte {error.start} is not UTF-8", "Save it as UTF-8") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise refuse(file, f"line {line}: it holds a NUL character, so it is not text", "Save it as UTF-8")
    return text


def read_rows(file: Path, delimiter: str, needed: tuple[str, ...]) -> list[tuple[str, dict[str, str]]]:
    """Read a table: each row with its place, all cells as text.

    Raises:
        ExchangeError: When it is no such table; names the row.
    """
    text, mistakes = read_text(file), Mistakes(file)
    old_limit = csv.field_size_limit(LARGEST_FILE)
    rows: list[tuple[str, dict[str, str]]] = []
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        header = next(reader, [])
        check_header(file, header, needed)
        for number, cells in enumerate((cells for cells in reader if cells), start=1):
            if len(cells) != len(header):
                mistakes.add(f"row {number} (ends in line {reader.line_num})", f"{len(cells)} cells, not {len(header)}")
            rows.append((f"row {number}", dict(zip(header, cells, strict=False))))
    except csv.Error as error:
        mistakes.add(f"after row {len(rows)}", str(error))
    finally:
        csv.field_size_limit(old_limit)
    mistakes.raise_if_any()
    return rows


def check_header(file: Path, header: list[str], needed: tuple[str, ...]) -> None:
    """Refuse a table that lacks columns or names one twice.

    Raises:
        ExchangeError: Naming what was found.
    """
    missing = [name for name in needed if name not in header]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if missing or twice:
        found = ", ".join(header[:20]) or "nothing"
        what = f"column {missing[0]!r} is missing" if missing else f"column {twice[0]!r} stands twice"
        raise refuse(file, f"{what}; found {found[:400]}", "Is it a file of another format?")


def read_json_lines(file: Path, schema: type[ModelT]) -> Iterator[tuple[str, ModelT]]:
    """Read one JSON object a line.

    Raises:
        ExchangeError: Naming every line that is not one, or does not fit.
    """
    mistakes = Mistakes(file)
    # Split at \n only: str.splitlines would also cut at U+2028, which JSON allows inside a string.
    for number, line in enumerate(read_text(file).split("\n"), start=1):
        if line.strip():
            found = parsed(line, schema, f"line {number}", mistakes)
            if found is not None:
                yield f"line {number}", found
    mistakes.raise_if_any()


def parsed(text: str | bytes, schema: type[ModelT], where: str, mistakes: Mistakes) -> ModelT | None:
    """Parse JSON by a schema; None, and a mistake, where it does not fit."""
    try:
        found = _whole(json.loads(text))
        if not isinstance(found, dict):
            mistakes.add(where, "a JSON object is expected, as in {...}")
            return None
        return schema.model_validate(found)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False)[:SHOWN]:
            key = ".".join(str(part) for part in each["loc"])
            message = re.sub(r"valid dictionary( or instance of \w+)?", "JSON object", each["msg"])
            mistakes.add(where, f"key {key!r}: {message[0].lower()}{message[1:]}")
    except (ValueError, RecursionError) as error:
        mistakes.add(where, f"not JSON ({type(error).__name__}: {str(error)[:80]})")
    return None


def _whole(value: JsonValue) -> JsonValue:
    """JSON with U+FFFD for halves of surrogate pairs, which it may hold and no text can; as for a model's answer."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _HALF.search(value) else value
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {str(_whole(name)): _whole(each) for name, each in value.items()}
    return value


def texts_of(literal: str) -> tuple[str, ...] | None:
    """The texts and numbers of a Python list literal; None where it is none. Nothing in it is evaluated."""
    if not literal.lstrip().startswith("[") or len(literal) > LONGEST_LITERAL:
        return None
    try:
        found = ast.literal_eval(literal.strip())
        if not isinstance(found, list) or not all(isinstance(each, str | int | float) for each in found):
            return None
        # Python writes no number of more than 4,300 digits, which hexadecimal ones may have.
        return tuple(str(each) for each in found)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def gold_of(text: str | None) -> tuple[str, ...]:
    """References as tools write them: one text, or a list literal of several; empty where there are none."""
    if not text:
        return ()
    found = texts_of(text)
    return (text,) if found is None else found


def gold_text(references: tuple[str, ...]) -> str:
    """References as `gold_of` reads them."""
    if len(references) == 1 and texts_of(references[0]) is None:
        return references[0]
    return repr(list(references)) if references else ""
