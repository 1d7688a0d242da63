"""Read the first table of an answer, HTML or Markdown, as a small tree. One pass; nothing here can be made to hang."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import unescape

SECTIONS = ("thead", "tbody", "tfoot")
CELLS = ("td", "th")
_OTHERS = ("caption", "colgroup", "col")
_PARTS = (*SECTIONS, *CELLS, *_OTHERS, "tr")
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)([^<>]*)>")
_SPAN = re.compile(r"(?:\A|\s)(colspan|rowspan)\s*=\s*[\"']?\s*(\d{1,4})(?!\d)", re.IGNORECASE)
_INLINE = (
    *("b", "i", "u", "s", "em", "strong", "sub", "sup", "small", "mark", "del", "ins", "a", "span", "p", "div", "br"),
    *("ul", "ol", "li", "code", "font", "big", "strike", "tt", "img"),
)
_VOID = frozenset({"br", "img"})
_FIRST_MARK = 0x10F000
"""Tags inside cells become one character each, from the last plane of private use on, as they are one token in the
paper's tables."""
_PIPE = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"\s*:?-+:?\s*")


@dataclass(slots=True)
class Node:
    """A part of a table."""

    tag: str
    spans: tuple[int, int] = (1, 1)
    """Columns and rows that a cell spans."""
    text: str = ""
    """What a cell holds; tags inside of it are one private character each."""
    children: list["Node"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Table:
    """A table and what the script of PubTabNet counts of it."""

    root: Node
    elements: int
    """Elements below the table, those inside cells too."""


def read_table(text: str) -> Table | None:
    """The first table of a text; null when there is none.

    A forgiving reader: what stands outside of cells is passed over, cells and rows that are not closed end where
    the next begins, what is cut off ends with the text. A table inside a cell is part of the cell's content.
    """
    start = re.search(r"<table(?=[\s>/])", text, re.IGNORECASE)
    return _Reader().read(text[start.start() :]) if start else _read_markdown(text)


def lift_sections(root: Node) -> Node:
    """The same table without `thead`, `tbody` and `tfoot`: their rows stand in it."""
    rows = [row for part in root.children for row in (part.children if part.tag in SECTIONS else [part])]
    return Node(root.tag, children=rows)


def normalized(root: Node, normalize: Callable[[str], str], cells: tuple[str, ...]) -> Node:
    """The same table with the text of these cells in normal form; `th` becomes `td` where it is among them."""
    children = [normalized(each, normalize, cells) for each in root.children]
    is_cell = root.tag in cells
    return Node("td" if is_cell else root.tag, root.spans, normalize(root.text) if is_cell else "", children)


class _Reader:
    """Builds the tree of one HTML table."""

    def __init__(self) -> None:
        self._root = Node("table")
        self._open = [self._root]
        self._cell: list[str] = []
        self._inner = 0
        self._elements = 0

    def read(self, text: str) -> Table:
        past = _TAG.match(text)
        at = past.end() if past else len("<table")
        for kind, start, end, match in _pieces(text, at):
            if kind == "text":
                self._text(text[start:end])
            elif match is not None and not self._tag(match[2].lower(), match[3], closing=bool(match[1])):
                break
        self._close_cell()
        return Table(self._root, self._elements)

    def _text(self, text: str) -> None:
        if self._open[-1].tag in CELLS:
            self._cell.append(unescape(text))

    def _tag(self, tag: str, attributes: str, *, closing: bool) -> bool:
        """Take in a tag; false at the end of the table."""
        in_cell = self._open[-1].tag in CELLS
        if tag == "table":
            self._inner += -1 if closing else 1
            if self._inner < 0:
                return False
        elif tag in _PARTS and not self._inner:
            self._part(tag, attributes, closing=closing)
            return True
        if in_cell:
            self._content(tag, closing=closing)
        return True

    def _content(self, tag: str, *, closing: bool) -> None:
        """A tag inside a cell."""
        self._elements += not closing
        if tag in _INLINE:
            mark = _FIRST_MARK + 2 * _INLINE.index(tag)
            self._cell += [chr(mark), chr(mark + 1)] if tag in _VOID and not closing else [chr(mark + closing)]

    def _part(self, tag: str, attributes: str, *, closing: bool) -> None:
        """A tag of the table itself: what cannot hold it and is still open ends here."""
        self._close_cell()
        if tag in CELLS:
            if not closing:
                if self._open[-1].tag in _OTHERS:
                    self._open.pop()
                if self._open[-1].tag != "tr":
                    self._add(Node("tr"))
                self._add(Node(tag, _spans(attributes)))
            return
        holders = {"tr": (*SECTIONS, "table"), "col": ("colgroup", "table")}.get(tag, ("table",))
        while self._open[-1].tag not in holders:
            self._open.pop()
        if not closing:
            self._add(Node(tag))
            if tag == "col":
                self._open.pop()

    def _add(self, node: Node) -> None:
        self._open[-1].children.append(node)
        self._open.append(node)
        self._elements += 1

    def _close_cell(self) -> None:
        if self._open[-1].tag in CELLS:
            self._open.pop().text = "".join(self._cell)
            self._inner = 0
        self._cell = []


def _spans(attributes: str) -> tuple[int, int]:
    found = {name.lower(): int(value) for name, value in _SPAN.findall(attributes)}
    return found.get("colspan", 1), found.get("rowspan", 1)


def _pieces(text: str, at: int) -> Iterator[tuple[str, int, int, "re.Match[str] | None"]]:
    """Texts and tags in their order, comments left out."""
    while at < len(text):
        start = text.find("<", at)
        start = len(text) if start < 0 else start
        if start > at:
            yield "text", at, start, None
        if start == len(text):
            return
        if text.startswith("<!--", start):
            end = text.find("-->", start)
            at = len(text) if end < 0 else end + 3
        elif (match := _TAG.match(text, start)) is not None:
            yield "tag", start, match.end(), match
            at = match.end()
        else:
            yield "text", start, start + 1, None
            at = start + 1


def _read_markdown(text: str) -> Table | None:
    """A table of pipes: a row of names, a row of dashes, rows of cells."""
    lines = text.splitlines()
    for number, line in enumerate(lines[1:], start=1):
        if "-" in line and "|" in lines[number - 1] and all(_RULE.fullmatch(each) for each in _cells(line)):
            break
    else:
        return None
    head = _cells(lines[number - 1])
    rows = []
    for line in lines[number + 1 :]:
        if "|" not in line:
            break
        cells = _cells(line)
        # GitHub's Markdown drops cells beyond the head's; here they were said, and count.
        rows.append(cells + [""] * (len(head) - len(cells)))
    sections = [Node("thead", children=[_row(head)])]
    if rows:
        sections.append(Node("tbody", children=[_row(row) for row in rows]))
    return Table(Node("table", children=sections), len(sections) + sum(len(row) + 1 for row in (head, *rows)))


def _cells(line: str) -> list[str]:
    bare = line.strip().removeprefix("|")
    bare = bare[:-1] if bare.endswith("|") and not bare.endswith("\\|") else bare
    return [each.strip().replace("\\|", "|") for each in _PIPE.split(bare)]


def _row(cells: list[str]) -> Node:
    return Node("tr", children=[Node("td", text=cell) for cell in cells])
