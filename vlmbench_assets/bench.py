"""One opened workspace: its catalog, plugins and data, handed to everything that makes something."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import distributions

from vlmbench_assets.catalog import Catalog, Cell, RegistryFolder, load_catalog
from vlmbench_assets.problems import CatalogMistakesError, Problem
from vlmbench_assets.store import Store
from vlmbench_assets.workspace import Workspace
from vlmbench_sdk import MetricPlugin
from vlmbench_sdk.plugins import Plugins, load_plugins

CellProgress = Callable[[Cell, int, int], None]
"""Called with a cell, samples done and samples in all."""


CellLine = Callable[[Cell, str], None]
"""Called with a cell and what it waits for."""


RIGHT_OR_WRONG: dict[str, object] = {
    "higher_is_better": True,
    "lower": 0.0,
    "upper": 1.0,
    "worst": 0.0,
    "aggregate": "mean",
    "combine": None,
    "unit": "",
}
"""What a metric is once its entry has a threshold."""


def silent(_cell: Cell, _done: int, _total: int) -> None:
    """Show no progress."""


def quiet(_cell: Cell, _line: str) -> None:
    """Show no line."""


@dataclass(frozen=True, slots=True)
class Bench:
    """An opened workspace."""

    workspace: Workspace
    plugins: Plugins
    catalog: Catalog
    store: Store
    progress: CellProgress = silent
    """Where a terminal shows progress; the Dagster log gets it anyway."""
    waits: CellLine = quiet
    """Where a terminal shows what a cell waits for; the Dagster log gets it anyway."""

    def metric(self, name: str) -> MetricPlugin:
        """What a metric entry measures: as its plugin says, or where it has a threshold a share of right answers."""
        entry = self.catalog.metrics[name]
        plugin = self.plugins.metrics[entry.plugin]
        return plugin if entry.threshold is None else plugin.model_copy(update=RIGHT_OR_WRONG)


def open_bench(workspace: Workspace, progress: CellProgress = silent, waits: CellLine = quiet) -> Bench:
    """Load the plugins and the catalog of a workspace.

    Raises:
        PluginError: When a plugin is broken.
        CatalogError: When registry entries are wrong; names every mistake.
    """
    plugins = load_plugins()
    folders = [
        RegistryFolder(workspace.registries, "workspace"),
        *(RegistryFolder(path, f"plugin {info.distribution}") for path, info in plugins.registries),
    ]
    store = Store(workspace.data)
    try:
        catalog = load_catalog(folders, plugins)
    except CatalogMistakesError as mistakes:
        raise CatalogMistakesError(_with_hints(store, mistakes.problems)) from None
    return Bench(workspace, plugins, catalog, store, progress, waits)


def _with_hints(store: Store, problems: Sequence[Problem]) -> list[Problem]:
    """Say which package to install where an entry names what one brought that is gone."""
    from vlmbench_assets.orphans import hint

    hints = [hint(store, problem.absent) if problem.absent else "" for problem in problems]
    return [
        replace(problem, says=f"{problem.says}; {said}") if said else problem
        for problem, said in zip(problems, hints, strict=True)
    ]


def project_versions() -> dict[str, str]:
    """Versions of this project's own distributions, and of those its figures depend on."""
    wanted = {"dagster", "numpy", "pandas", "pandera", "matplotlib", "rapidfuzz", "scipy"}
    return {
        found.name: found.version
        for found in distributions()
        if found.name in wanted or found.name.startswith("vlmbench-")
    }
