"""Put a prompt collection on a Phoenix server: one prompt for each of its templates."""

import re
from collections.abc import Iterator

from pydantic import JsonValue

from vlmbench_assets.lineage import digest_json
from vlmbench_assets.phoenix.client import Phoenix, Version
from vlmbench_assets.phoenix.pull import FOR
from vlmbench_assets.phoenix.templates import Part, UntranslatableError, from_jinja, to_phoenix
from vlmbench_assets.prompt_collection import Collection, Rule
from vlmbench_sdk import CatalogError

IDENTIFIER = re.compile(r"[a-z0-9]([_a-z0-9-]*[a-z0-9])?")
"""What Phoenix takes as a name (`db/types/identifier.py`)."""


def push(server: Phoenix, collection: Collection, base: str, tag: str) -> Iterator[tuple[str, str, bool]]:
    """Push every template; yield name, version and whether the version is new. What is there already is not repeated.

    Args:
        server: Where to.
        collection: What.
        base: Name of the prompt for all samples; those of rules begin with it.
        tag: A tag to put on every version; empty for none.

    Raises:
        CatalogError: When a template cannot be written for Phoenix, before anything is sent, or the server refuses.
    """
    if not IDENTIFIER.fullmatch(base):
        says = f"Phoenix takes no prompt named {base!r}: small letters, digits, '-' and '_' inside"
        raise CatalogError(says, where=f"prompts {collection.name}", fix="Choose a name with --name")
    wanted: dict[str, dict[str, JsonValue]] = {}
    for rule in (collection.rules[-1], *collection.rules[:-1]):
        name = _name(base, rule, wanted)
        wanted[name] = _version(collection, rule)
    for name, version in wanted.items():
        before = server.latest(name)
        new = before is None or not _same(before, version)
        made = server.create(name, version) if new or before is None else before
        if tag:
            server.tag(made.id, tag)
        yield name, made.id, new


def _name(base: str, rule: Rule, taken: dict[str, dict[str, JsonValue]]) -> str:
    if not taken:
        return base
    name = "-".join([base, *(value for values in rule.when.values() for value in values)])
    if name in taken or not IDENTIFIER.fullmatch(name):
        name = f"{base}-{digest_json({key: [*values] for key, values in rule.when.items()})[:8]}"
    if name in taken:
        raise CatalogError("two of its rules are for the same samples", where=f"{rule.where}")
    return name


def _version(collection: Collection, rule: Rule) -> dict[str, JsonValue]:
    where = f"prompts {collection.name}, {rule.where}"
    if rule.key or any(each.images for each in rule.examples):
        what = "a line of a CSV collection" if rule.key else "an example with images"
        raise CatalogError(f"Phoenix has no place for {what}", where=where)
    try:
        turns: list[tuple[str, list[Part]]] = [("system", from_jinja(rule.system))] if rule.system else []
        for each in rule.examples:
            turns += [("user", [Part(each.user)]), ("assistant", [Part(each.assistant)])]
        turns.append(("user", from_jinja(rule.user)))
    except UntranslatableError as error:
        raise CatalogError(f"it cannot be pushed: {error}", where=where, fix="Nothing was pushed") from error
    form, texts = to_phoenix([[part for part in parts if part.text] for _, parts in turns])
    messages: list[JsonValue] = [{"role": role, "content": text} for (role, _), text in zip(turns, texts, strict=True)]
    samples: dict[str, JsonValue] = {name: [*values] for name, values in rule.when.items()}
    return {
        "description": f"Pushed from the prompt collection {collection.name}",
        "metadata": {FOR: samples} if samples else {},
        # Phoenix wants a model with every prompt; what is asked here is said elsewhere.
        "model_provider": "OPENAI",
        "model_name": "any",
        "invocation_parameters": {"type": "openai", "openai": {}},
        "template_type": "CHAT",
        "template_format": form,
        "template": {"type": "chat", "messages": messages},
    }


def _same(there: Version, wanted: dict[str, JsonValue]) -> bool:
    found = there.model_dump(mode="json")
    return all(found[key] == wanted[key] for key in ("template", "template_format", "metadata"))
