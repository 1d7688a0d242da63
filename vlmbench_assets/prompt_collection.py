"""Prompt collections, whole: what files they name is read, and their rules stand in the order they are tried.

They are read with the catalog, so that within one opened workspace a prompt cannot change.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import JsonValue

from vlmbench_assets.lineage import digest_bytes, digest_json
from vlmbench_assets.yaml_file import KeyPath
from vlmbench_sdk import Example
from vlmbench_sdk.entries import ExampleEntry, Expects, PromptEntry, PromptRule

MATCHED = ("sample_id", "field", "dataset", "doc_type", "language")
"""What rules go by, the most specific first."""
CSV_COLUMNS = ("prompt", "doc_class_question_type")
CER = "cer"
Mistake = tuple[KeyPath, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """One prompt, and when it is used."""

    where: str
    """Where it stands, for people: `rules[2]`, `line 3 of prompts.csv`, `the collection's own`."""
    when: Mapping[str, tuple[str, ...]]
    """Allowed values by what they are of; without a name everything is."""
    key: str
    """`doc_type field` of a collection of the original project, which cannot be told apart; empty elsewhere."""
    system: str
    user: str
    literal: bool
    """Whether the user prompt is taken as it is, not as a template."""
    examples: tuple[Example, ...]
    expects: Expects | None

    def matches(self, values: Mapping[str, str]) -> bool:
        """Whether it is for a sample."""
        named = all(values[name] in allowed for name, allowed in self.when.items())
        return named and (not self.key or self.key == f"{values['doc_type']} {values['field']}")

    @property
    def specificity(self) -> tuple[bool, ...]:
        """Greater for what is tried first."""
        of_csv = ("field", "doc_type") if self.key else ()
        return tuple(name in self.when or name in of_csv for name in MATCHED)

    @property
    def why(self) -> str:
        """What it goes by, for people."""
        named = [f"{name} is {' or '.join(allowed)}" for name, allowed in self.when.items()]
        named += [f"doc_type and field are {self.key!r}"] if self.key else []
        return ", ".join(named) or "no rule is for this sample"


@dataclass(frozen=True, slots=True)
class Collection:
    """A prompt collection that can be rendered."""

    name: str
    rules: tuple[Rule, ...]
    """In the order they are tried; the last one takes every sample."""
    adapter: str | None = None
    expects_of: Mapping[str, Expects] = field(default_factory=dict)
    tuned_on: tuple[str, ...] = ()
    parts: Mapping[str, JsonValue] = field(default_factory=dict)
    """All that prompts come from, the contents of files included; its digest is the collection's."""
    files: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of the bytes of every file it names."""

    def rule(self, values: Mapping[str, str]) -> Rule:
        """The rule for a sample."""
        return next(rule for rule in self.rules if rule.matches(values))

    def expects(self, sample: Mapping[str, str], dataset: str) -> Expects | None:
        """The output contract of a sample: the rule's own, else that of its answer type, else the collection's."""
        rule, general = self.rule({**sample, "dataset": dataset}), self.rules[-1]
        own = None if rule is general else rule.expects
        return own or self.expects_of.get(sample["answer_type"]) or general.expects

    @property
    def contracts(self) -> JsonValue:
        """All that output contracts come from; null where there are none."""
        if not self.expects_of and all(rule.expects is None for rule in self.rules):
            return None
        rules: list[JsonValue] = [
            [{name: [*allowed] for name, allowed in rule.when.items()}, rule.key, _dumped(rule.expects)]
            for rule in self.rules
        ]
        return {"rules": rules, "of": {name: _dumped(each) for name, each in sorted(self.expects_of.items())}}


class Reader:
    """Reads one collection; what is wrong with it is collected, not raised."""

    def __init__(self, name: str, entry: PromptEntry, root: Path) -> None:
        """Read nothing yet.

        Args:
            name: Name of the collection.
            entry: What was declared.
            root: The folder that paths are relative to, and may not lead out of.
        """
        self.mistakes: list[Mistake] = []
        self.templates: list[tuple[KeyPath, str]] = []
        """Templates that were read from files."""
        self._name, self._entry, self._root = name, entry, root.resolve()
        self._files: dict[str, str] = {}

    def collection(self) -> Collection:
        """Read it; what it gives is of no use where there are mistakes."""
        entry = self._entry
        own = Rule(
            where="the collection's own",
            when={},
            key="",
            system=self._text(("system_file",), entry.system_file) if entry.system_file else entry.system,
            user=self._text(("user_file",), entry.user_file) if entry.user_file else entry.user,
            literal=False,
            examples=self._examples(("examples",), entry.examples),
            expects=entry.expects,
        )
        for name in ("system", "user"):
            if getattr(entry, f"{name}_file") and name in entry.model_fields_set:
                self._add((f"{name}_file",), f"`{name}` is given too; keep one of them")
        rules = [self._rule(index, rule, own) for index, rule in enumerate(entry.rules)]
        rules += self._csv(entry.csv, own) if entry.csv else []
        # Sorting is stable: the order in the file decides between rules that go by the same.
        tried = sorted(rules, key=lambda rule: rule.specificity, reverse=True)
        return Collection(
            name=self._name,
            rules=(*tried, own),
            adapter=entry.adapter,
            expects_of=entry.expects_of,
            tuned_on=entry.tuned_on,
            parts=_parts(own, tried),
            files=self._files,
        )

    def _add(self, path: KeyPath, says: str) -> None:
        self.mistakes.append((path, says))

    def _rule(self, index: int, rule: PromptRule, own: Rule) -> Rule:
        path: KeyPath = ("rules", index)
        if rule.user_file and rule.user is not None:
            self._add((*path, "user_file"), "`user` is given too; keep one of them")
        user = self._text((*path, "user_file"), rule.user_file) if rule.user_file else rule.user
        examples = own.examples if rule.examples is None else self._examples((*path, "examples"), rule.examples)
        return Rule(
            where=f"rules[{index}]",
            when={name: allowed for name in MATCHED if (allowed := getattr(rule, name))},
            key="",
            system=own.system if rule.system is None else rule.system,
            user=own.user if user is None else user,
            literal=False,
            examples=examples,
            expects=rule.expects,
        )

    def _csv(self, name: str, own: Rule) -> Iterator[Rule]:
        """A rule per key of a collection of the original project: its prompt with the lowest cer."""
        text = self._bytes_as_text(("csv",), name)
        rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=";")
        if text and not {*CSV_COLUMNS} <= {*(rows.fieldnames or ())}:
            found = ", ".join(rows.fieldnames or ()) or "none"
            self._add(("csv",), f"{name}: the first line must name the columns {', '.join(CSV_COLUMNS)}; found {found}")
            return
        best: dict[str, tuple[float, Rule]] = {}
        for row in rows:
            where = f"line {rows.line_num} of {name}"
            key, prompt = row["doc_class_question_type"], row["prompt"]
            cer = _cer(row.get(CER))
            if not key or not prompt or cer is None:
                wrong = f"cer {row.get(CER)!r} is no number" if key and prompt else "prompt or key is empty"
                self._add(("csv",), f"{where}: {wrong}")
            elif key not in best or cer < best[key][0]:
                best[key] = cer, replace(own, where=where, key=key, user=prompt, literal=True, expects=None)
        yield from (rule for _, rule in best.values())

    def _examples(self, path: KeyPath, entries: Iterable[ExampleEntry]) -> tuple[Example, ...]:
        found = []
        for index, entry in enumerate(entries):
            images = [self._file((*path, index, "images", number), image) for number, image in enumerate(entry.images)]
            found.append(
                Example(
                    images=tuple(str(image) for image, _ in images if image),
                    image_sha256=tuple(digest_bytes(content) for image, content in images if image),
                    user=entry.user,
                    assistant=entry.assistant,
                )
            )
        return tuple(found)

    def _text(self, path: KeyPath, name: str) -> str:
        """A file as a template, all of it."""
        text = self._bytes_as_text(path, name)
        self.templates.append((path, text))
        return text

    def _bytes_as_text(self, path: KeyPath, name: str) -> str:
        _, content = self._file(path, name)
        try:
            # Editors of one system put a byte order mark in front, which is no part of the text.
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            self._add(path, f"{name} is not UTF-8 (byte {error.start})")
            return ""

    def _file(self, path: KeyPath, name: str) -> tuple[Path | None, bytes]:
        file = (self._root / name).resolve()
        if not file.is_relative_to(self._root):
            self._add(path, f"{name} leads out of {self._root.name}; name a file inside of it")
            return None, b""
        try:
            content = file.read_bytes()
        except OSError as error:
            self._add(path, f"{name} cannot be read ({error.strerror})")
            return None, b""
        self._files[name] = digest_bytes(content)
        return file, content


def read_collection(name: str, entry: PromptEntry, root: Path) -> tuple[Collection, list[Mistake]]:
    """Read what a collection names; return it with all that is wrong with it."""
    from vlmbench_assets.work.prompt import template_mistakes

    reader = Reader(name, entry, root)
    collection = reader.collection()
    wrong = [(path, says) for path, text in reader.templates for says in template_mistakes(text)]
    if entry.pulled is not None and entry.pulled.sha256 != digest_json(dict(collection.parts)):
        says = "the prompts are not those that were pulled; pull them again, or call them your own with `pulled: null`"
        wrong.append((("pulled",), says))
    return collection, [*reader.mistakes, *wrong]


def _parts(own: Rule, rules: Sequence[Rule]) -> dict[str, JsonValue]:
    # What a collection without a feature has no part for changes no digest of before the feature.
    parts: dict[str, JsonValue] = {
        "system": own.system,
        "user": own.user,
        "rules": [_part(own, each) for each in rules],
    }
    return {**parts, **({"examples": _shown(own.examples)} if own.examples else {})}


def _part(own: Rule, rule: Rule) -> dict[str, JsonValue]:
    if rule.key:
        return {"key": rule.key, "user": rule.user}
    part: dict[str, JsonValue] = {name: [*rule.when.get(name, ())] for name in MATCHED if name != "sample_id"}
    part |= {"user": rule.user, "system": None if rule.system == own.system else rule.system}
    if "sample_id" in rule.when:
        part["sample_id"] = [*rule.when["sample_id"]]
    if rule.examples != own.examples:
        part["examples"] = _shown(rule.examples)
    return part


def _shown(examples: Iterable[Example]) -> list[JsonValue]:
    return [[[*each.image_sha256], each.user, each.assistant] for each in examples]


def _dumped(expects: Expects | None) -> JsonValue:
    return None if expects is None else expects.model_dump(mode="json", exclude_defaults=True)


def _cer(text: str | None) -> float | None:
    """A character error rate; prompts without one come last, in their order. None for what is no number."""
    if text is None or not text.strip():
        return float("inf")
    try:
        rate = float(text.replace(",", "."))
    except ValueError:
        return None
    # Also false for what is no number.
    return rate if rate >= 0 else None
