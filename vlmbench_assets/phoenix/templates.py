"""Templates of Phoenix and of this project: each into the other without changing a letter of what it renders.

Phoenix renders MUSTACHE by pystache on the server and by a regular expression in its clients, F_STRING by
`str.format`, NONE not at all (arize-phoenix 20.26.1, `utilities/template_formatters.py`; arize-phoenix-client 3.5.0,
`utils/template_formatters.py`). Only what all of them read alike is taken: text, and variables by their plain names.
"""

import re
from collections.abc import Iterable, Sequence
from string import Formatter
from typing import NamedTuple

from vlmbench_assets.problems import unknown
from vlmbench_assets.work.prompt import VARIABLES, environment

MUSTACHE, F_STRING, NONE = "MUSTACHE", "F_STRING", "NONE"
_TAG = re.compile(r"\{\{[ \t]*([A-Za-z_]\w*)[ \t]*\}\}", re.ASCII)
_JINJA_WOULD_READ = re.compile(r"\{(?=[{%#\r]|\Z)|\r")
_ESCAPED = {"{": '"{"', "\r": r'"\r"'}
"""What Jinja would read or change in a text, and the expression that gives it."""


class Part(NamedTuple):
    """A piece of a template."""

    text: str
    """Literal text, or the name of a variable."""
    variable: bool = False


class UntranslatableError(Exception):
    """A template that cannot be written in the other language; says why."""


def from_phoenix(text: str, form: str) -> list[Part]:
    """Read a template of Phoenix.

    Raises:
        UntranslatableError: When it holds more than text and known variables.
    """
    readers = {MUSTACHE: _from_mustache, F_STRING: _from_f_string}
    if form not in {*readers, NONE}:
        raise UntranslatableError(unknown(form, [*readers, NONE], "template format"))
    parts = _joined(readers[form](text) if form in readers else [Part(text)])
    for part in parts:
        if part.variable and part.text not in VARIABLES:
            raise UntranslatableError(unknown(part.text, VARIABLES, "variable"))
    return parts


def to_phoenix(templates: Sequence[Sequence[Part]]) -> tuple[str, list[str]]:
    """Write templates for Phoenix, all in one format.

    It is NONE where there are no variables, and F_STRING where literal braces would be read as Mustache.

    Returns:
        The format and the texts.
    """
    if not any(part.variable for parts in templates for part in parts):
        return NONE, [plain_text(parts) for parts in templates]
    texts = ["".join(f"{{{{{text}}}}}" if variable else text for text, variable in parts) for parts in templates]
    try:
        if all(from_phoenix(text, MUSTACHE) == list(parts) for text, parts in zip(texts, templates, strict=True)):
            return MUSTACHE, texts
    except UntranslatableError:
        pass
    return F_STRING, [
        "".join(f"{{{text}}}" if variable else text.replace("{", "{{").replace("}", "}}") for text, variable in parts)
        for parts in templates
    ]


def to_jinja(parts: Iterable[Part]) -> str:
    """Write a template of this project."""
    return "".join(
        f"{{{{ {text} }}}}" if variable else _JINJA_WOULD_READ.sub(lambda at: f"{{{{ {_ESCAPED[at[0]]} }}}}", text)
        for text, variable in parts
    )


def from_jinja(text: str) -> list[Part]:
    """Read a template of this project.

    Raises:
        UntranslatableError: When it holds more than text and variables, such as a filter or a condition.
    """
    literals = {written: letter for letter, written in _ESCAPED.items()}
    parts: list[Part] = []
    inside: list[str] | None = None
    for _, kind, value in environment().lex(text):
        if kind == "data" and inside is None:
            parts.append(Part(value))
        elif kind == "variable_begin" and value == "{{":
            inside = []
        elif kind == "variable_end" and value == "}}" and inside is not None and len(inside) == 1:
            name = inside[0]
            parts.append(Part(literals[name]) if name in literals else Part(name, variable=True))
            inside = None
        elif inside is not None and kind in {"name", "string"} and (kind == "name" or value in literals):
            inside.append(value)
        elif kind != "whitespace":
            raise UntranslatableError(f"Phoenix knows text and variables only, no `{value.strip()}`")
    return _joined(parts)


def plain_text(parts: Iterable[Part]) -> str:
    """The text of a template without variables.

    Raises:
        UntranslatableError: When there is a variable.
    """
    found = list(parts)
    for part in found:
        if part.variable:
            raise UntranslatableError(f"an example's text is taken as it is and cannot hold the variable `{part.text}`")
    return "".join(part.text for part in found)


def _from_mustache(text: str) -> list[Part]:
    parts, done = [], 0
    while (at := text.find("{{", done)) >= 0:
        tag = _TAG.match(text, at)
        # The server fills in a variable after a backslash, its clients do not.
        if tag is None or text[:at].endswith("\\"):
            raise UntranslatableError(f"only `{{{{variable}}}}` is understood, not {text[max(at - 1, 0) : at + 20]!r}")
        parts += [Part(text[done:at]), Part(tag[1], variable=True)]
        done = tag.end()
    return [*parts, Part(text[done:])]


def _from_f_string(text: str) -> list[Part]:
    parts = []
    try:
        for literal, name, spec, conversion in Formatter().parse(text):
            parts.append(Part(literal))
            if name is not None:
                if spec or conversion or not name.isidentifier():
                    raise UntranslatableError(f"only `{{variable}}` is understood, not `{{{name}}}` with more to it")
                parts.append(Part(name, variable=True))
    except ValueError as error:
        raise UntranslatableError(f"not a format string: {error}") from error
    return parts


def _joined(parts: Iterable[Part]) -> list[Part]:
    """The same with literal texts that follow each other made one, and empty ones left out."""
    joined: list[Part] = []
    for part in parts:
        if part.text and joined and not part.variable and not joined[-1].variable:
            joined[-1] = Part(joined[-1].text + part.text)
        elif part.text:
            joined.append(part)
    return joined
