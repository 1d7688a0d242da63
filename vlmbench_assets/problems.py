"""Mistakes in registry files: each with file, line, key, what was found and what is allowed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from vlmbench_sdk import CatalogError

MANY = 30
"""Lists of allowed words longer than this are not spelled out."""


@dataclass(frozen=True, slots=True, order=True)
class Absent:
    """Something that an entry refers to and that is not there."""

    kind: str
    """`model plugins`, `dataset readers`, …, or the folder of an entry."""
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake."""

    file: str
    line: int
    """Line of the key, from 1; 0 when the whole file is meant."""
    key: str
    """Dotted path of the key; empty when the whole file is meant."""
    says: str
    """What was found, and what is allowed."""
    absent: Absent | None = field(default=None, compare=False)
    """What is not there, where the mistake is that alone: a package that is not installed may bring it."""

    def __str__(self) -> str:
        """Render ``file:line: key `a.b`: says``."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: key `{self.key}`: {self.says}" if self.key else f"{place}: {self.says}"


class CatalogMistakesError(CatalogError):
    """Every mistake of every registry file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        """Keep the problems, in the order of files and lines."""
        self.problems: tuple[Problem, ...] = tuple(sorted(set(problems)))
        listed = "\n  ".join(str(problem) for problem in self.problems)
        super().__init__(f"the registries have {len(self.problems)} mistakes:\n  {listed}")


def shown_path(path: Path, root: Path) -> str:
    """A path as messages show it: relative to where its registry folder lies."""
    return str(path.relative_to(root.parent)) if path.is_relative_to(root.parent) else str(path)


def unknown(found: str, allowed: Sequence[str], what: str = "") -> str:
    """Say that a word is unknown, name the nearest right one, and all allowed ones."""
    near = get_close_matches(found, allowed, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    listed = ", ".join(sorted(allowed)) or "none"
    known = f" (allowed: {listed})" if len(allowed) <= MANY else ""
    return f"there is no {what or 'such word as'} `{found}`{hint}{known}"
