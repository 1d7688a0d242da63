"""Get prompts from Phoenix into a registry entry that needs no server afterwards."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue, ValidationError

from vlmbench_assets.files import write_atomically
from vlmbench_assets.lineage import digest_json
from vlmbench_assets.phoenix.client import Message, Phoenix, Version
from vlmbench_assets.phoenix.templates import Part, UntranslatableError, from_phoenix, plain_text, to_jinja
from vlmbench_assets.prompt_collection import MATCHED, read_collection
from vlmbench_assets.registry_files import NAME
from vlmbench_assets.yaml_file import YamlMistakeError, read_yaml
from vlmbench_sdk import CatalogError, WorkspaceError
from vlmbench_sdk.entries import PromptEntry, Pulled

WRITTEN = frozenset({"description", "system", "user", "examples", "rules", "pulled"})
"""Keys of an entry that `pull` writes, and may write again."""
FOR = "vlmbench"
"""Key of a version's metadata that says what samples it is for; `push` writes it."""
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "ai": "assistant"}
_ROLES["model"] = "assistant"


@dataclass(frozen=True, slots=True)
class Which:
    """Which versions are meant."""

    prompts: tuple[str, ...]
    """Names on the server: the first is for all samples, the others each for those that its metadata names."""
    tag: str = ""
    version: str = ""

    @classmethod
    def of(cls, pulled: Pulled) -> "Which":
        """What an entry was pulled by."""
        version = next(iter(pulled.versions.values())) if pulled.by == "version" else ""
        return cls(tuple(pulled.versions), pulled.tag, version)

    def get(self, server: Phoenix, prompt: str) -> Version:
        """Ask for one.

        Raises:
            CatalogError: When there is none.
        """
        if self.version:
            found, what = server.by_id(prompt, self.version), f"version {self.version}"
        elif self.tag:
            found, what = server.by_tag(prompt, self.tag), f"tag {self.tag!r}"
        else:
            found, what = server.latest(prompt), "version"
        if found is None:
            raise CatalogError(f"there is no prompt {prompt!r} with a {what}", where=f"Phoenix at {server.url}")
        return found


def pulled_entry(server: Phoenix, which: Which) -> tuple[PromptEntry, Pulled]:
    """Get prompts as an entry, and say where they were got.

    Raises:
        CatalogError: When one is missing, or cannot be taken as it is.
    """
    versions = {prompt: which.get(server, prompt) for prompt in which.prompts}
    texts = {prompt: _texts(prompt, version) for prompt, version in versions.items()}
    own = which.prompts[0]
    rules: list[JsonValue] = [
        {**_samples(prompt, versions[prompt].metadata), "system": "", "examples": [], **texts[prompt]}
        for prompt in which.prompts[1:]
    ]
    data: dict[str, JsonValue] = {
        "description": f"Pulled from Arize Phoenix ({', '.join(which.prompts)}); change it there, or extend it",
        **texts[own],
        **({"rules": rules} if rules else {}),
    }
    try:
        collection, mistakes = read_collection(own, PromptEntry.model_validate(data), Path())
    except ValidationError as error:
        raise CatalogError(str(error.errors(include_url=False)[0]["msg"]), where=f"prompt {own}") from error
    if mistakes:
        raise CatalogError(mistakes[0][1], where=f"prompt {own}")
    pulled = Pulled(
        server=server.url,
        by="version" if which.version else "tag" if which.tag else "latest",
        tag=which.tag,
        versions={prompt: version.id for prompt, version in versions.items()},
        sha256=digest_json(dict(collection.parts)),
    )
    return PromptEntry.model_validate({**data, "pulled": pulled}), pulled


def notes(server: Phoenix, pulled: Pulled) -> Iterator[str]:
    """What of the versions is not taken."""
    for prompt, version in pulled.versions.items():
        found = server.by_id(prompt, version)
        if found is not None and found.response_format is not None:
            yield f"{prompt}: its response format is not taken; set the model's `json_schema`, or `expects` in an entry"


def write_entry(path: Path, entry: PromptEntry) -> PromptEntry | None:
    """Write a pulled entry; return the one that was there.

    Raises:
        WorkspaceError: When the file is not one that was pulled, or more was added to it.
    """
    if not NAME.fullmatch(path.stem):
        raise WorkspaceError(f"{path.stem!r} cannot be the name of an entry", fix="Choose one with --as NAME")
    before = _before(path) if path.exists() else None
    data = entry.model_dump(mode="json", exclude_defaults=True)
    data["pulled"] = entry.pulled.model_dump(mode="json", exclude_defaults=True) if entry.pulled else None
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, _yaml(data).encode())
    return before


def states(server: Phoenix, pulled: Pulled) -> list[tuple[str, str, str]]:
    """Hold what was pulled against what the server has now: per prompt its name, its pinned version, and the state.

    Raises:
        CatalogError: When the server cannot be asked.
    """
    which = Which.of(pulled)
    try:
        now = pulled_entry(server, which)[1]
        same = now.sha256 == pulled.sha256
        versions: Mapping[str, str] = now.versions
        words = "the same texts" if same else "other texts"
    except CatalogError as error:
        if not error.where.startswith("prompt ") and "there is no prompt" not in error.what:
            raise
        versions, same, words = {}, False, str(error)
    found = []
    for prompt, pinned in pulled.versions.items():
        there = versions.get(prompt, "")
        state = "same" if there == pinned and same else f"now {there or 'gone'}, {words}"
        if there == pinned and not same and len(pulled.versions) > 1:
            state = "same version; another one of this entry changed"
        found.append((prompt, pinned, state))
    return found


def _texts(prompt: str, version: Version) -> dict[str, JsonValue]:
    """The texts of a version as keys of an entry or a rule."""
    where = f"prompt {prompt}, version {version.id}"
    if version.template.type != "chat":
        raise CatalogError(f"its template is of type {version.template.type!r}, not chat", where=where)
    if version.tools:
        raise CatalogError("it has tools, which are part of what a model is told", where=where, fix="Remove them there")
    try:
        turns = [
            (_role(each.role), from_phoenix(_content(each), version.template_format))
            for each in version.template.messages
        ]
        return _arranged(turns)
    except UntranslatableError as error:
        fix = "Change the prompt there; nothing was written"
        raise CatalogError(f"it cannot be taken as it is: {error}", where=where, fix=fix) from error


def _arranged(turns: Sequence[tuple[str, Sequence[Part]]]) -> dict[str, JsonValue]:
    roles = [role for role, _ in turns]
    system = roles[:1] == ["system"]
    shown = turns[1 if system else 0 : -1]
    pairs = list(zip(shown[::2], shown[1::2], strict=False))
    wanted = [*(["system"] if system else []), *(["user", "assistant"] * len(pairs)), "user"]
    if roles != wanted:
        raise UntranslatableError(
            f"its messages are of {', '.join(roles) or 'nobody'}; it must begin with a system message or none, go on "
            "with examples as pairs of user and assistant, and end with the user"
        )
    examples: list[JsonValue] = [
        {"user": plain_text(user), "assistant": plain_text(said)} for (_, user), (_, said) in pairs
    ]
    return {
        **({"system": to_jinja(turns[0][1])} if system else {}),
        "user": to_jinja(turns[-1][1]),
        **({"examples": examples} if examples else {}),
    }


def _role(role: str) -> str:
    if role not in _ROLES:
        raise UntranslatableError(f"a message of the role {role!r}")
    return _ROLES[role]


def _content(message: Message) -> str:
    if isinstance(message.content, str):
        return message.content
    texts = [part.get("text") for part in message.content if part.get("type") == "text"]
    if len(message.content) == 1 and texts and isinstance(texts[0], str):
        return texts[0]
    raise UntranslatableError("a message of several parts, or of another part than text")


def _samples(prompt: str, metadata: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """What samples a version is for, by its metadata."""
    named = metadata.get(FOR)
    if isinstance(named, dict) and named and set(named) <= set(MATCHED):
        return dict(named)
    raise CatalogError(
        f"its metadata does not say what samples it is for (key `{FOR}`: some of {', '.join(MATCHED)})",
        where=f"prompt {prompt}",
        fix="Name it first, so that it is for all samples, or push it with `vlmbench prompts push`",
    )


def _before(path: Path) -> PromptEntry:
    try:
        data = read_yaml(path).data
        entry = PromptEntry.model_validate(data)
    except (YamlMistakeError, ValidationError) as error:
        raise _not_ours(path, "it cannot be read as one that was pulled") from error
    if entry.pulled is None or set(data) - WRITTEN:
        more = ", ".join(sorted(set(data) - WRITTEN))
        raise _not_ours(path, f"it has {more} too" if entry.pulled else "it was not pulled")
    return entry


def _not_ours(path: Path, what: str) -> WorkspaceError:
    fix = "Take another name with --as NAME; what you add belongs into an entry that extends the pulled one"
    return WorkspaceError(f"{what}, so it is not written over", where=str(path), fix=fix)


def _yaml(data: Mapping[str, JsonValue]) -> str:
    """The entry as people read it: long texts as blocks, every other text in quotes, so that none becomes a number."""
    import yaml

    class Text(str):
        __slots__ = ()

    class Dumper(yaml.SafeDumper):
        pass

    def represent(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else '"')

    def marked(value: JsonValue) -> object:
        if isinstance(value, dict):
            return {key: marked(each) for key, each in value.items()}
        if isinstance(value, list):
            return [marked(each) for each in value]
        return Text(value) if isinstance(value, str) else value

    Dumper.add_representer(Text, represent)
    dumped: str = yaml.dump(marked(dict(data)), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=10**6)
    return dumped
