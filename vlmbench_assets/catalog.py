"""The catalog: every registry entry of the workspace and of the plugins, checked against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from vlmbench_assets.catalog_references import reference_problems
from vlmbench_assets.catalog_rules import schema_problems
from vlmbench_assets.problems import CatalogMistakesError, Problem, shown_path
from vlmbench_assets.prompt_collection import Collection, read_collection
from vlmbench_assets.registry_files import RegistryFile, RegistryFolder, extended, read_folders
from vlmbench_sdk.entries import (
    ENTRY_TYPES,
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

__all__ = ["Catalog", "Cell", "Origin", "RegistryFolder", "load_catalog"]

EntryT = TypeVar("EntryT", bound=Entry)
PROCESS = "process"
DEFAULT_DIMENSIONS: tuple[str, ...] = BenchmarkEntry.model_fields["dimensions"].default
DEFAULT_METRICS = ("exact_match", "anls", "cer")
"""What a cell is scored by where neither its dataset nor a benchmark says; every metric there is would be dozens."""


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One (model, dataset) pair."""

    model: str
    dataset: str

    def __str__(self) -> str:
        """Name it as people do."""
        return f"{self.model} × {self.dataset}"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an entry comes from."""

    file: str
    origin: str
    """`workspace`, or the plugin."""
    overrides: str = ""
    """The plugin whose entry of this name it replaces."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """All entries that can be used, by name; abstract ones are left out."""

    models: Mapping[str, ModelEntry]
    datasets: Mapping[str, DatasetEntry]
    metrics: Mapping[str, MetricEntry]
    prompts: Mapping[str, PromptEntry]
    environments: Mapping[str, EnvironmentEntry]
    benchmarks: Mapping[str, BenchmarkEntry]
    origins: Mapping[tuple[str, str], Origin] = field(default_factory=dict)
    collections: Mapping[str, Collection] = field(default_factory=dict)
    """The prompt collections as they are rendered, with what their files hold."""

    def origin(self, kind: str, name: str) -> Origin:
        """Where an entry comes from."""
        return self.origins.get((kind, name), Origin("", "built in"))

    def cells(self, benchmark: str) -> list[Cell]:
        """The cells of a benchmark, dataset by dataset."""
        entry = self.benchmarks[benchmark]
        models = dict.fromkeys([*entry.models, *entry.optional_models])
        return [Cell(model=model, dataset=dataset) for dataset in entry.datasets for model in models]

    def metrics_of(self, dataset: str, model: str) -> tuple[str, ...]:
        """What a cell is scored by: its dataset's metrics and those of every benchmark it is in.

        Where nothing names any: `DEFAULT_METRICS`.
        """
        names = [*self.datasets[dataset].metrics]
        for entry in self._benchmarks_of(dataset, model):
            names += [*([entry.headline] if entry.headline else []), *entry.metrics]
        return tuple(dict.fromkeys(names)) or tuple(name for name in DEFAULT_METRICS if name in self.metrics)

    def headline_of(self, dataset: str, model: str = "") -> str:
        """The metric that ranks: the first headline of the benchmarks it is in, else its first metric."""
        for entry in self._benchmarks_of(dataset, model):
            if entry.headline:
                return entry.headline
        return next(iter(self.metrics_of(dataset, model)), "")

    def dimensions_of(self, dataset: str, model: str) -> tuple[str, ...]:
        """What a cell's scores are broken down by."""
        found = [name for entry in self._benchmarks_of(dataset, model) for name in entry.dimensions]
        return tuple(dict.fromkeys(["overall", *(found or DEFAULT_DIMENSIONS)]))

    def _benchmarks_of(self, dataset: str, model: str) -> list[BenchmarkEntry]:
        return [
            entry
            for entry in self.benchmarks.values()
            if dataset in entry.datasets and (not model or model in {*entry.models, *entry.optional_models})
        ]


def load_catalog(folders: Sequence[RegistryFolder], plugins: Plugins) -> Catalog:
    """Read, extend and check every entry of every folder.

    Raises:
        CatalogMistakesError: With every mistake of every file.
    """
    files, problems = read_folders(folders)
    entries: dict[tuple[Kind, str], Entry] = {}
    for key, file in files.items():
        data = extended(file, files, problems)
        try:
            entries[key] = ENTRY_TYPES[file.kind].model_validate(data)
        except ValidationError as error:
            problems += schema_problems(file, error, ENTRY_TYPES[file.kind])
    entries.setdefault(("environments", PROCESS), EnvironmentEntry(kind=PROCESS))
    for (kind, name), entry in entries.items():
        if (kind, name) in files:
            problems += reference_problems(files[kind, name], entry, entries, plugins)
    collections = _collections(files, entries, problems)
    if problems:
        raise CatalogMistakesError(_worth_saying(problems))
    return _catalog(entries, {key: _origin(file) for key, file in files.items()}, collections)


def _collections(
    files: Mapping[tuple[Kind, str], RegistryFile], entries: Mapping[tuple[Kind, str], Entry], problems: list[Problem]
) -> dict[str, Collection]:
    found = {}
    for (kind, name), entry in entries.items():
        if isinstance(entry, PromptEntry) and not entry.abstract:
            file = files[kind, name]
            found[name], mistakes = read_collection(name, entry, file.folder.path.parent)
            problems += [file.problem(path, says) for path, says in mistakes]
    return found


def _catalog(
    entries: Mapping[tuple[Kind, str], Entry],
    origins: Mapping[tuple[str, str], Origin],
    collections: Mapping[str, Collection],
) -> Catalog:
    def of(kind: Kind, entry_type: type[EntryT]) -> dict[str, EntryT]:
        return {
            name: entry
            for (each, name), entry in sorted(entries.items())
            if each == kind and isinstance(entry, entry_type) and not entry.abstract
        }

    return Catalog(
        models=of("models", ModelEntry),
        datasets=of("datasets", DatasetEntry),
        metrics=of("metrics", MetricEntry),
        prompts=of("prompts", PromptEntry),
        environments=of("environments", EnvironmentEntry),
        benchmarks=of("benchmarks", BenchmarkEntry),
        origins=origins,
        collections=collections,
    )


def _origin(file: RegistryFile) -> Origin:
    return Origin(shown_path(file.path, file.folder.path), file.folder.origin, file.overrides)


def _worth_saying(problems: list[Problem]) -> list[Problem]:
    """Leave out references to entries that are only missing because their own file has mistakes."""
    broken = {problem.file.rsplit("/", 1)[-1].removesuffix(".yaml") for problem in problems}
    kept = [
        problem
        for problem in problems
        if not (problem.says.startswith("there is no entry") and problem.says.split("`")[1] in broken)
    ]
    return kept or problems
