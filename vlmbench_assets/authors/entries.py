"""The registry entries that a plugin ships, checked against the host's own and what it offers itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ConfigDict

from vlmbench_assets.catalog import Catalog, load_catalog
from vlmbench_assets.environments.options import VenvOptions
from vlmbench_assets.problems import CatalogMistakesError
from vlmbench_assets.registry_files import RegistryFolder
from vlmbench_sdk import DatasetReaderPlugin, EnvironmentPlugin, MetricPlugin, ModelPlugin, NormalizerPlugin, Options
from vlmbench_sdk.conformance import EntryToCheck, Finding, Found, canonical
from vlmbench_sdk.plugins import Plugins

OWN = "the plugin itself"
NOWHERE = "nowhere:nothing"


class AnyOptions(Options):
    """Stands for options that only the plugin's own environment can check."""

    model_config = ConfigDict(extra="allow", frozen=True)


@dataclass(frozen=True, slots=True)
class Shipped:
    """Entries that a plugin ships."""

    findings: list[Finding] = field(default_factory=list)
    placed: list[tuple[EntryToCheck, str]] = field(default_factory=list)
    """Entries of what it offers itself, each with the environment entry it runs in; empty for none of its own."""
    requirements: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Requirement lines of each of these environments that can be made here."""
    left_out: list[Finding] = field(default_factory=list)
    """What cannot be checked here."""


def read_shipped(distribution: str, found: Found, host: Plugins) -> Shipped:
    """Read and check a plugin's entries beside those that the host has.

    Args:
        distribution: The plugin's; where it is installed on the host too, the host's copy does not count.
        found: What it offers.
        host: What is installed on the host.
    """
    own = [RegistryFolder(Path(path), OWN) for path in found.registries]
    others = [
        RegistryFolder(path, f"plugin {info.distribution}")
        for path, info in host.registries
        if canonical(info.distribution) != canonical(distribution)
    ]
    if not own:
        return Shipped()
    try:
        catalog = load_catalog([*others, *own], _with(host, found))
    except CatalogMistakesError as mistakes:
        says = "\n".join(str(problem) for problem in mistakes.problems)
        return Shipped([Finding(what="its registry entries", state="failed", says=says)])
    names = [key for key, origin in catalog.origins.items() if origin.origin == OWN]
    shipped = Shipped()
    listed = ", ".join(f"{kind}/{name}" for kind, name in sorted(names)) or "there are none"
    says = f"they fit their schemas and what they refer to is there: {listed}"
    shipped.findings.append(Finding(what="its registry entries", state="ok", says=says))
    for entry, place in _entries(catalog, names, found):
        _place(shipped, entry, place, catalog)
    return shipped


def _place(shipped: Shipped, entry: EntryToCheck, place: str, catalog: Catalog) -> None:
    environment = catalog.environments[place] if place else None
    kind = environment.kind if environment else "process"
    shipped.placed.append((entry, "" if kind == "process" else place))
    if environment is None or kind == "process":
        return
    if kind == "venv":
        shipped.requirements[place] = VenvOptions.model_validate(environment.options).requirements
        return
    says = f"it runs in environment {place} of kind {kind}; a run of `vlmbench` checks it there"
    shipped.left_out.append(Finding(what=f"{entry.kind}/{entry.name}", state="not checked", says=says))


def _entries(catalog: Catalog, names: list[tuple[str, str]], found: Found) -> Iterator[tuple[EntryToCheck, str]]:
    """Entries that the plugin ships for what it offers itself; those for plugins of others were checked on the host."""
    own = {hook: set(offered) for hook, offered in found.offers.items()}
    for kind, name in names:
        if kind == "models" and name in catalog.models:
            model = catalog.models[name]
            if model.plugin in own.get("vlmbench_models", ()):
                entry = EntryToCheck(
                    kind="models",
                    name=name,
                    plugin=model.plugin,
                    options=model.options,
                    revision=model.revision,
                    generation=model.generation,
                )
                yield entry, model.environment
        elif kind == "metrics" and name in catalog.metrics:
            metric = catalog.metrics[name]
            if metric.plugin in own.get("vlmbench_metrics", ()):
                yield (
                    EntryToCheck(kind="metrics", name=name, plugin=metric.plugin, options=metric.options),
                    (metric.environment or ""),
                )
        elif kind == "datasets" and name in catalog.datasets:
            dataset = catalog.datasets[name]
            if dataset.reader in own.get("vlmbench_dataset_readers", ()):
                yield EntryToCheck(kind="datasets", name=name, plugin=dataset.reader, options=dataset.options), ""
        elif kind == "environments" and name in catalog.environments:
            place = catalog.environments[name]
            if place.kind in own.get("vlmbench_environments", ()):
                yield EntryToCheck(kind="environments", name=name, plugin=place.kind, options=place.options), ""


def _with(host: Plugins, found: Found) -> Plugins:
    """The host's plugins and the one to check, whose options the host cannot know."""

    def names(hook: str) -> tuple[str, ...]:
        return found.offers.get(hook, ())

    return replace(
        host,
        models={
            **host.models,
            **{name: ModelPlugin(name=name, backend=NOWHERE, options=AnyOptions) for name in names("vlmbench_models")},
        },
        dataset_readers={
            **host.dataset_readers,
            **{
                name: DatasetReaderPlugin(name=name, read=NOWHERE, options=AnyOptions, needs_source=False)
                for name in names("vlmbench_dataset_readers")
            },
        },
        metrics={
            **host.metrics,
            **{
                name: MetricPlugin(name=name, version=1, score=NOWHERE, options=AnyOptions)
                for name in names("vlmbench_metrics")
            },
        },
        normalizers={
            **host.normalizers,
            **{
                name: NormalizerPlugin(name=name, version=1, function=NOWHERE) for name in names("vlmbench_normalizers")
            },
        },
        environments={
            **host.environments,
            **{
                name: EnvironmentPlugin(name=name, environment=NOWHERE, options=AnyOptions)
                for name in names("vlmbench_environments")
            },
        },
    )
