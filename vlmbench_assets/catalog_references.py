"""Check what entries refer to: plugins and their options, other entries, dimensions, templates."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from pydantic import JsonValue, ValidationError

from vlmbench_assets.catalog_rules import schema_problems
from vlmbench_assets.problems import Absent, Problem, unknown
from vlmbench_assets.registry_files import RegistryFile
from vlmbench_assets.work.prompt import template_mistakes
from vlmbench_assets.yaml_file import KeyPath
from vlmbench_sdk import Options
from vlmbench_sdk.entries import (
    DIMENSIONS_OF_A_PAIR,
    BenchmarkEntry,
    DatasetEntry,
    Entry,
    EnvironmentEntry,
    Kind,
    MetricEntry,
    ModelEntry,
    PromptEntry,
)
from vlmbench_sdk.plugins import Plugins
from vlmbench_sdk.secrets import plain_secrets

Entries = Mapping[tuple[Kind, str], Entry]
DIMENSIONS = (
    "overall",
    "doc_type",
    "field",
    "subset",
    "language",
    "split",
    "doc_id",
    "answer_type",
    "pages",
    "resolution",
)
ATTRIBUTES = "attributes."

PLUGINS: Mapping[str, str] = {
    "models": "model plugins",
    "datasets": "dataset readers",
    "metrics": "metric plugins",
    "environments": "kinds of environments",
}
"""What entries of a folder name a plugin of."""

PluginT = TypeVar("PluginT")


def reference_problems(file: RegistryFile, entry: Entry, entries: Entries, plugins: Plugins) -> list[Problem]:
    """Name everything an entry refers to that is not there, or does not fit."""
    found: Iterable[Problem] = ()
    # An abstract entry need not be whole: what extends it is checked.
    if entry.abstract:
        return []
    if isinstance(entry, ModelEntry):
        found = _model(file, entry, entries, plugins)
    elif isinstance(entry, DatasetEntry):
        found = _dataset(file, entry, entries, plugins)
    elif isinstance(entry, MetricEntry):
        found = _metric(file, entry, entries, plugins)
    elif isinstance(entry, PromptEntry):
        found = _prompts(file, entry, entries, plugins)
    elif isinstance(entry, EnvironmentEntry):
        found = _plugin(file, "kind", entry.kind, plugins.environments, lambda p: p.options, entry.options)
    elif isinstance(entry, BenchmarkEntry):
        found = _benchmark(file, entry, entries)
    return list(found)


def _model(file: RegistryFile, entry: ModelEntry, entries: Entries, plugins: Plugins) -> Iterable[Problem]:
    yield from _plugin(file, "plugin", entry.plugin, plugins.models, lambda p: p.options, entry.options)
    yield from _revision(file, entry, plugins)
    yield from _entries(file, "environment", "environments", [entry.environment], entries)
    place = entries.get(("environments", entry.environment))
    if entry.environment_options and isinstance(place, EnvironmentEntry) and place.kind in plugins.environments:
        schema = plugins.environments[place.kind].options
        merged = {**place.options, **entry.environment_options}
        yield from _misfits(file, merged, schema, "environment_options")
    yield from _entries(file, "prompts", "prompts", [entry.prompts] if entry.prompts else [], entries)
    yield from _adapter(file, entry.adapter, plugins)


def _revision(file: RegistryFile, entry: ModelEntry, plugins: Plugins) -> Iterable[Problem]:
    if entry.plugin in plugins.models:
        try:
            options = plugins.models[entry.plugin].options.model_validate(entry.options)
        except ValidationError:
            return
        if says := options.revision_mistake(entry.revision):
            yield file.problem(("revision",), says)


def _dataset(file: RegistryFile, entry: DatasetEntry, entries: Entries, plugins: Plugins) -> Iterable[Problem]:
    readers = plugins.dataset_readers
    yield from _plugin(file, "reader", entry.reader, readers, lambda p: p.options, entry.options)
    if entry.reader in readers and readers[entry.reader].needs_source and not entry.source:
        yield file.problem(("source",), f"reader `{entry.reader}` needs a folder or file to read")
    yield from _entries(file, "metrics", "metrics", entry.metrics, entries)


def _metric(file: RegistryFile, entry: MetricEntry, entries: Entries, plugins: Plugins) -> Iterable[Problem]:
    yield from _entries(file, "environment", "environments", [entry.environment] if entry.environment else [], entries)
    yield from _plugin(file, "plugin", entry.plugin, plugins.metrics, lambda p: p.options, entry.options)
    yield from _threshold(file, entry, plugins)
    for index, name in enumerate(entry.normalize):
        if name not in plugins.normalizers:
            says = unknown(name, [*plugins.normalizers], "normaliser")
            yield file.problem(("normalize", index), says)


def _threshold(file: RegistryFile, entry: MetricEntry, plugins: Plugins) -> Iterable[Problem]:
    """Past the range of a metric, every answer would be right, or every one wrong."""
    plugin, threshold = plugins.metrics.get(entry.plugin), entry.threshold
    if plugin is None or threshold is None:
        return
    low, high = plugin.lower, plugin.upper
    if (low is not None and threshold < low) or (high is not None and threshold > high):
        ends = ([f"from {low:g}"] if low is not None else []) + ([f"up to {high:g}"] if high is not None else [])
        says = f"found {threshold:g}; `{entry.plugin}` gives values {' '.join(ends)}: set a threshold among them"
        yield file.problem(("threshold",), says)


def _adapter(file: RegistryFile, name: str | None, plugins: Plugins) -> Iterable[Problem]:
    if name is not None and name not in plugins.prompt_adapters:
        yield file.problem(("adapter",), unknown(name, [*plugins.prompt_adapters], "prompt adapter installed named"))


def _prompts(file: RegistryFile, entry: PromptEntry, entries: Entries, plugins: Plugins) -> Iterable[Problem]:
    yield from _adapter(file, entry.adapter, plugins)
    # A rule for a misspelt dataset would never be used, and a misspelt split never be flagged, without a word.
    splits = [split.partition(":")[0] for split in entry.tuned_on]
    yield from _entries(file, "tuned_on", "datasets", splits, entries)
    for index, rule in enumerate(entry.rules):
        yield from _entries(file, ("rules", index, "dataset"), "datasets", rule.dataset, entries)
    templates: list[tuple[tuple[str | int, ...], str | None]] = [
        (("system",), entry.system),
        (("user",), entry.user),
    ]
    for index, rule in enumerate(entry.rules):
        templates += [(("rules", index, "user"), rule.user), (("rules", index, "system"), rule.system)]
    for path, text in templates:
        for says in template_mistakes(text or ""):
            yield file.problem(path, says)


def _benchmark(file: RegistryFile, entry: BenchmarkEntry, entries: Entries) -> Iterable[Problem]:
    yield from _entries(file, "models", "models", entry.models, entries)
    yield from _entries(file, "optional_models", "models", entry.optional_models, entries)
    yield from _entries(file, "datasets", "datasets", entry.datasets, entries)
    yield from _entries(file, "metrics", "metrics", entry.metrics, entries)
    yield from _entries(file, "headline", "metrics", [entry.headline] if entry.headline else [], entries)
    for index, dimension in enumerate(entry.dimensions):
        parts = dimension.split("*")
        if len(parts) > DIMENSIONS_OF_A_PAIR:
            yield file.problem(("dimensions", index), f"{dimension!r} has {len(parts)} dimensions; a pair has two")
        for part in parts:
            if part not in DIMENSIONS and not part.startswith(ATTRIBUTES):
                says = unknown(part, [*DIMENSIONS, f"{ATTRIBUTES}NAME"], "dimension")
                yield file.problem(("dimensions", index), says)


def _entries(
    file: RegistryFile, key: str | KeyPath, kind: Kind, names: Sequence[str], entries: Entries
) -> Iterable[Problem]:
    whole = (key,) if isinstance(key, str) else key
    usable = [name for (each, name), entry in entries.items() if each == kind and not entry.abstract]
    for index, name in enumerate(names):
        path = (*whole, index) if len(names) > 1 else whole
        if (kind, name) in entries and name not in usable:
            yield file.problem(path, f"`{name}` is abstract; name an entry that extends it")
        elif name not in usable:
            yield file.problem(path, unknown(name, usable, f"entry in {kind} named"), Absent(kind, name))


def _plugin(
    file: RegistryFile,
    key: str,
    name: str,
    plugins: Mapping[str, PluginT],
    options_of: Callable[[PluginT], type[Options]],
    options: dict[str, JsonValue],
) -> Iterable[Problem]:
    """The plugin must be installed, and the entry's options must fit it."""
    plugin = plugins.get(name)
    if plugin is None:
        says = unknown(name, [*plugins], f"{key} installed named")
        yield file.problem((key,), says, Absent(PLUGINS[file.kind], name))
        return
    yield from _misfits(file, options, options_of(plugin), "options")


def _misfits(
    file: RegistryFile, options: Mapping[str, JsonValue], schema: type[Options], key: str
) -> Iterable[Problem]:
    try:
        schema.model_validate(options)
    except ValidationError as error:
        yield from schema_problems(file, error, schema, (key,))
    for name in plain_secrets(options, schema):
        yield file.problem((key, name), "a secret never stands in a file; write `${ENV:NAME}` and set that variable")
