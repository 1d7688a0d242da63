"""Spreadsheets, as far as predictions need them: the first sheet's cells as text, and text cells written.

Written here because exactness matters: openpyxl 3.1 takes `x005F_` out of shared strings and cuts what is longer than
32,767 characters in silence. Formulas are never evaluated: one that no program worked out is a text that begins with
`=`, as pandas writes such texts; others are refused. Office Open XML: ECMA-376 part 1, 18.3 (sheets), 18.4 (shared
strings), 22.9.2.19 (escapes `_xHHHH_`).
"""

import io
import re
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.parsers import expat

from vlmbench_exchange.reading import Mistakes, check_header, refuse
from vlmbench_exchange.zips import Archive

LONGEST_CELL = 32767
"""Characters; programs cut what is longer, so that a full cell counts as cut."""
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_TO_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)|[\x01-\x08\x0b-\x1f\ufffe\uffff]")
_REFERENCE = re.compile("([A-Z]{1,3})([0-9]{1,7})")
_SHEET = "xl/worksheets/sheet1.xml"
_STRINGS = "xl/sharedStrings.xml"
_TEXTS = {"t", "v"}
_NOT_WORKED_OUT = {"", "0"}
"""Values of formulas as openpyxl 3.1 and XlsxWriter 3.2 write them, of any text that begins with `=`."""
LETTERS = 26


def read_sheet(file: Path, needed: tuple[str, ...]) -> list[tuple[str, dict[str, str]]]:
    """Read the first sheet below its header: each row with its place, all cells as text.

    Raises:
        ExchangeError: When it is no spreadsheet, lacks columns, or has formulas, naming their cells.
    """
    archive, mistakes = Archive(file), Mistakes(file)
    name = _SHEET if _SHEET in archive.members else _first(archive)
    try:
        strings = _Strings()
        if _STRINGS in archive.members:
            strings.parse(archive.read(_STRINGS))
        cells = _Cells(strings.found, mistakes)
        cells.parse(archive.read(name))
    except (expat.ExpatError, ValueError) as error:
        raise refuse(file, f"this is not a spreadsheet that can be read ({error})") from error
    mistakes.raise_if_any()
    rows = sorted(cells.rows.items())
    header = {column: text for column, text in (rows[0][1] if rows else {}).items() if text}
    check_header(file, list(header.values()), needed)
    return [
        (f"row {number}", {title: row.get(column, "") for column, title in header.items()})
        for number, row in rows[1:]
        if any(row.values())
    ]


def _first(archive: Archive) -> str:
    sheets = sorted(name for name in archive.members if re.fullmatch(r"xl/worksheets/[^/]+\.xml", name))
    return sheets[0] if sheets else _SHEET


class _Reader(ABC):
    """Expat without documents types, which entities and their bombs need; namespaces are left out."""

    def parse(self, content: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = lambda name, attributes: self.start(name.rpartition(" ")[2], attributes)
        parser.EndElementHandler = lambda name: self.end(name.rpartition(" ")[2])
        parser.CharacterDataHandler = self.text
        parser.Parse(content, True)  # noqa: FBT003 - the C function takes no names

    def _doctype(self, *_parts: object) -> None:
        message = "it declares a document type"
        raise ValueError(message)

    @abstractmethod
    def start(self, name: str, attributes: dict[str, str]) -> None: ...

    @abstractmethod
    def end(self, name: str) -> None: ...

    @abstractmethod
    def text(self, text: str) -> None: ...


class _Strings(_Reader):
    """The table of shared strings; runs of one string are put together, hints of pronunciation left out."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self._parts: list[str] = []
        self._inside = self._hint = False

    def start(self, name: str, attributes: dict[str, str]) -> None:  # noqa: ARG002
        if name == "si":
            self._parts = []
        self._hint = self._hint or name == "rPh"
        self._inside = name == "t" and not self._hint

    def end(self, name: str) -> None:
        if name == "si":
            self.found.append(unescaped("".join(self._parts)))
        if name == "rPh":
            self._hint = False
        if name == "t":
            self._inside = False

    def text(self, text: str) -> None:
        if self._inside:
            self._parts.append(text)


class _Cells(_Reader):
    """The cells of a sheet, by row and column, both from 1."""

    def __init__(self, strings: list[str], mistakes: Mistakes) -> None:
        self.rows: dict[int, dict[int, str]] = {}
        self._strings, self._mistakes = strings, mistakes
        self._row = self._column = 0
        self._kind, self._parts, self._inside = "", list[str](), False
        self._formula: list[str] | None = None
        self._plain = self._in_formula = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column = 0
        elif name == "c":
            place = _REFERENCE.fullmatch(attributes.get("r", ""))
            self._column = _number(place[1]) if place else self._column + 1
            self._kind, self._parts, self._formula = attributes.get("t", "n"), [], None
        elif name == "f":
            self._formula, self._plain = [], attributes.get("t", "normal") == "normal"
        self._inside, self._in_formula = name in _TEXTS, name == "f"

    def end(self, name: str) -> None:
        if name in _TEXTS or name == "f":
            self._inside = self._in_formula = False
        elif name == "c" and (self._parts or self._formula is not None):
            value = "".join(self._parts)
            found = self._value(value) if self._formula is None else self._as_text("".join(self._formula), value)
            self.rows.setdefault(self._row, {})[self._column] = found

    def text(self, text: str) -> None:
        if self._inside:
            self._parts.append(text)
        elif self._in_formula and self._formula is not None:
            self._formula.append(text)

    def _as_text(self, formula: str, value: str) -> str:
        """The text that became a formula because it begins with `=`; its characters are not escaped."""
        # `#NAME?` and the like: a spreadsheet was saved that could make nothing of it.
        if not self._plain or (value not in _NOT_WORKED_OUT and self._kind != "e"):
            where = f"row {self._row}, column {_letters(self._column)}"
            what = "it is a formula with a value, which could be either; write the one that is meant as text"
            self._mistakes.add(where, what)
        return f"={formula}"

    def _value(self, text: str) -> str:
        if self._kind == "s":
            number = int(text)
            if not 0 <= number < len(self._strings):
                message = f"row {self._row} names string {number}, which is not there"
                raise ValueError(message)
            return self._strings[number]
        if self._kind == "b":
            return "True" if text == "1" else "False"
        if self._kind == "n":
            # Spreadsheets write whole numbers as 3 or 3.0 alike.
            return text.removesuffix(".0")
        return unescaped(text)


def write_sheet(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> bytes:
    """Write one sheet of text cells; what looks like a formula stays text, because each cell says that it is text.

    Raises:
        ValueError: When a text is too long for a cell or holds NUL.
    """
    parts = ['<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>']
    for number, row in enumerate([header, *rows], start=1):
        cells = "".join(_written(text, number, column) for column, text in enumerate(row, start=1))
        parts.append(f'<row r="{number}">{cells}</row>')
    parts.append("</sheetData></worksheet>")
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**_FIXED, _SHEET: "".join(parts)}.items():
            # A fixed time, so that equal tables are equal files.
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{text}'.encode())
    return file.getvalue()


def _written(text: str, row: int, column: int) -> str:
    if len(text.encode("utf-16-le", "surrogatepass")) // 2 >= LONGEST_CELL or "\0" in text:
        why = "holds a NUL character" if "\0" in text else f"has {len(text)} characters, more than a cell takes"
        message = f"row {row}, column {_letters(column)} {why}"
        raise ValueError(message)
    place = f"{_letters(column)}{row}"
    shown = _TO_ESCAPE.sub(lambda found: f"_x{ord(found[0]):04X}_", text.encode("utf-8", "replace").decode())
    for mark, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        shown = shown.replace(mark, entity)
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def unescaped(text: str) -> str:
    """Put the characters back that `_xHHHH_` stands for."""
    return _ESCAPED.sub(_character, text) if "_x" in text else text


_character: Callable[[re.Match[str]], str] = lambda found: chr(int(found[1], 16))  # noqa: E731


def _number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * LETTERS + ord(letter) - ord("A") + 1
    return number


def _letters(number: int) -> str:
    found = ""
    while number:
        number, rest = divmod(number - 1, LETTERS)
        found = chr(ord("A") + rest) + found
    return found


_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_FIXED = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>'
        f'<Override PartName="/{_SHEET}" ContentType="{_KIND}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
        '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
}
