"""What a kind of change is, and how changes and expectations are written down."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.staleness.made import SAMPLES, write_dataset
from tests.support import write_yaml
from vlmbench_assets.bench import Bench
from vlmbench_sdk import MetricPlugin, ModelPlugin, NormalizerPlugin
from vlmbench_sdk.plugin_specs import ChartPlugin, DatasetReaderPlugin

Cells = dict[str, dict[str, list[str]]]
"""By `model|dataset`: the assets that are stale of themselves, with their reasons."""
Spec = ModelPlugin | MetricPlugin | NormalizerPlugin | ChartPlugin | DatasetReaderPlugin
ALL = ("asking|big", "plain|big", "asking|tiny", "plain|tiny")


@dataclass(frozen=True)
class Kind:
    """One kind of change, and what it makes stale."""

    name: str
    change: Callable[[Path], None] = lambda _root: None
    """What is done to the workspace."""
    stale: Mapping[str, dict[str, list[str]]] = field(default_factory=dict)
    ask: Mapping[str, int] = field(default_factory=dict)
    """How many samples of which cell are to be asked; no others."""
    said: tuple[str, ...] | None = None
    """What the plan says of the last stale cell, where that is less than all reasons of its assets."""
    patch: Callable[[Bench], Bench] = lambda bench: bench
    """What is done to the installed plugins."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """Versions in the code of this project."""
    read: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Datasets that are read again, and why."""
    boards: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Leaderboards that are stale at once; the others are when the tables are new."""
    benchmark: tuple[str, ...] | None = None
    """Why the leaderboard of the benchmark is stale, where that is something else than those of its datasets."""
    without_gold: Mapping[str, int] = field(default_factory=dict)


def edit(name: str, text: str) -> Callable[[Path], None]:
    return lambda root: write_yaml(root, name, text)


def rows(more: int = 0, **changes: Mapping[str, object]) -> Callable[[Path], None]:
    """Other lines in dataset `tiny`, by sample id."""
    numbered = {int(key[1:]): value for key, value in changes.items()}
    return lambda root: write_dataset(root, "tiny", numbered, more)


def owner(hook: str, name: str) -> Callable[[Bench], Bench]:
    """The distribution that brings something was upgraded."""

    def patch(bench: Bench) -> Bench:
        upgraded = bench.plugins.owners[hook, name].model_copy(update={"version": "9.9.9"})
        owners = {**bench.plugins.owners, (hook, name): upgraded}
        return replace(bench, plugins=replace(bench.plugins, owners=owners))

    return patch


def plugin(kind: str, name: str, **changes: object) -> Callable[[Bench], Bench]:
    """A plugin says something else of itself."""

    def patch(bench: Bench) -> Bench:
        specs: Mapping[str, Spec] = getattr(bench.plugins, kind)
        changed = {**specs, name: specs[name].model_copy(update=changes)}
        return replace(bench, plugins=replace(bench.plugins, **{kind: changed}))  # type: ignore[arg-type]

    return patch


def of(model: str, **reasons: list[str]) -> Cells:
    return {f"{model}|{dataset}": reasons for dataset in SAMPLES}


def everywhere(**reasons: list[str]) -> Cells:
    return dict.fromkeys(ALL, reasons)


def in_tiny(**reasons: list[str]) -> Cells:
    return {"asking|tiny": reasons, "plain|tiny": reasons}


def all_of(model: str) -> dict[str, int]:
    return {f"{model}|{dataset}": number for dataset, number in SAMPLES.items()}


def asked_of_tiny(number: int) -> dict[str, int]:
    return {"asking|tiny": number, "plain|tiny": number}
