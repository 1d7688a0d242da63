"""Objects and lists of an answer as ordered trees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

ROOT, ITEM = "<root>", "<subtree>"

Plain = dict[str, "Plain"] | Sequence["Plain"] | str


@dataclass(slots=True)
class JsonTree:
    """A tree in post-order."""

    labels: list[str] = field(default_factory=list)
    """Key, or value of a leaf."""
    is_value: list[bool] = field(default_factory=list)
    children: list[list[int]] = field(default_factory=list)
    """Numbers of each node's children."""

    def add(self, label: str, below: list[int], *, is_value: bool = False) -> int:
        """Add a node after its children, and return its number."""
        self.labels.append(label)
        self.is_value.append(is_value)
        self.children.append(below)
        return len(self.labels) - 1

    def values(self) -> list[str]:
        """The values, in their order."""
        return [label for label, is_value in zip(self.labels, self.is_value, strict=True) if is_value]

    def names(self) -> list[str]:
        """The keys, in their order."""
        return [label for label, is_value in zip(self.labels, self.is_value, strict=True) if not is_value]


def json_tree(value: JsonValue, normalize: Callable[[str], str], *, with_values: bool) -> JsonTree:
    """The tree of a value: keys sorted by length and then by letters, empty values left out, order of lists kept."""
    tree = JsonTree()
    _add(tree, ROOT, _canonical(value, normalize), with_values=with_values)
    return tree


def _canonical(value: JsonValue, normalize: Callable[[str], str]) -> Plain:
    if isinstance(value, dict):
        found: dict[str, Plain] = {}
        for key in sorted(value, key=lambda each: (len(each), each)):
            part = _canonical(value[key], normalize)
            if part:
                found[key] = [part] if isinstance(part, dict) else part
        return found
    if isinstance(value, list):
        if all(isinstance(each, dict) for each in value):
            return [part for each in value if (part := _canonical(each, normalize))]
        texts = [_text(each, normalize) for each in value if isinstance(each, str | bool)]
        return [text for text in texts if text]
    text = _text(value, normalize) if isinstance(value, str | bool) else ""
    return [text] if text else []


def _text(value: str | bool, normalize: Callable[[str], str]) -> str:  # noqa: FBT001 - a JSON value is one of these
    return normalize(str(value).lower() if isinstance(value, bool) else value).strip()


def _add(tree: JsonTree, label: str, value: Plain, *, with_values: bool) -> int:
    below: list[int] = []
    if isinstance(value, dict):
        below = [_add(tree, key, part, with_values=with_values) for key, part in value.items()]
    else:
        for each in value:
            if not isinstance(each, str):
                below.append(_add(tree, ITEM, each, with_values=with_values))
            elif with_values:
                below.append(tree.add(each, [], is_value=True))
    return tree.add(label, below)
