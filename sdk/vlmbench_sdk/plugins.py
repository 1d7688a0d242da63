"""Find and load plugins, loudly: a benchmark that silently lost a metric would be wrong, not degraded."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pluggy

from vlmbench_sdk import hookspecs
from vlmbench_sdk.errors import PluginError
from vlmbench_sdk.plugin_specs import (
    ChartPlugin,
    DatasetReaderPlugin,
    EnvironmentPlugin,
    ExporterPlugin,
    ImporterPlugin,
    MetricPlugin,
    ModelPlugin,
    NormalizerPlugin,
    PromptAdapterPlugin,
)
from vlmbench_sdk.records import Record

ENTRY_POINT_GROUP = "vlmbench"

SpecT = TypeVar(
    "SpecT",
    ModelPlugin,
    DatasetReaderPlugin,
    MetricPlugin,
    PromptAdapterPlugin,
    NormalizerPlugin,
    EnvironmentPlugin,
    ChartPlugin,
    ImporterPlugin,
    ExporterPlugin,
)


class PluginInfo(Record):
    """Where a plugin comes from."""

    name: str
    """Name of its entry point."""
    distribution: str
    """The package that was installed."""
    version: str
    module: str

    def __str__(self) -> str:
        """Name plugin, distribution and module, as error messages do."""
        return f"plugin {self.name!r} of {self.distribution} {self.version} ({self.module})"


@dataclass(frozen=True, slots=True)
class Plugins:
    """Everything that all plugins offer, by name."""

    infos: tuple[PluginInfo, ...]
    models: Mapping[str, ModelPlugin]
    dataset_readers: Mapping[str, DatasetReaderPlugin]
    metrics: Mapping[str, MetricPlugin]
    prompt_adapters: Mapping[str, PromptAdapterPlugin]
    normalizers: Mapping[str, NormalizerPlugin]
    environments: Mapping[str, EnvironmentPlugin]
    charts: Mapping[str, ChartPlugin]
    importers: Mapping[str, ImporterPlugin]
    exporters: Mapping[str, ExporterPlugin]
    registries: tuple[tuple[Path, PluginInfo], ...]
    """Folders of entries, with the plugin that ships them."""
    owners: Mapping[tuple[str, str], PluginInfo] = field(default_factory=dict)
    """Which plugin brought (hook, name), such as ("vlmbench_metrics", "anls")."""


def load_plugins() -> Plugins:
    """Load every installed plugin and collect what they offer.

    Raises:
        PluginError: When a plugin cannot be imported, misspells a hook, returns the wrong thing, or offers
            a name that another one offers too. The message names plugin, distribution and module.
    """
    loaded = [_import(point) for point in _entry_points()]
    manager = pluggy.PluginManager("vlmbench")
    manager.add_hookspecs(hookspecs)
    for info, module in loaded:
        _register(manager, info, module)
    owners: dict[tuple[str, str], PluginInfo] = {}
    return Plugins(
        infos=tuple(info for info, _ in loaded),
        models=_collect(manager, loaded, "vlmbench_models", ModelPlugin, owners),
        dataset_readers=_collect(manager, loaded, "vlmbench_dataset_readers", DatasetReaderPlugin, owners),
        metrics=_collect(manager, loaded, "vlmbench_metrics", MetricPlugin, owners),
        prompt_adapters=_collect(manager, loaded, "vlmbench_prompt_adapters", PromptAdapterPlugin, owners),
        normalizers=_collect(manager, loaded, "vlmbench_normalizers", NormalizerPlugin, owners),
        environments=_collect(manager, loaded, "vlmbench_environments", EnvironmentPlugin, owners),
        charts=_collect(manager, loaded, "vlmbench_charts", ChartPlugin, owners),
        importers=_collect(manager, loaded, "vlmbench_importers", ImporterPlugin, owners),
        exporters=_collect(manager, loaded, "vlmbench_exporters", ExporterPlugin, owners),
        registries=tuple(_registries(manager, loaded)),
        owners=owners,
    )


def _entry_points() -> list[EntryPoint]:
    return sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name)


def _import(point: EntryPoint) -> tuple[PluginInfo, ModuleType]:
    distribution = point.dist
    info = PluginInfo(
        name=point.name,
        distribution=distribution.name if distribution else "an unknown distribution",
        version=distribution.version if distribution else "",
        module=point.value,
    )
    try:
        module = point.load()
    except Exception as error:  # boundary: importing somebody's module may raise anything
        raise PluginError(
            f"it cannot be imported ({type(error).__name__}: {error})",
            where=str(info),
            fix=f"Repair it, or uninstall it: pip uninstall {info.distribution}",
        ) from error
    if not isinstance(module, ModuleType):
        raise PluginError("its entry point must name a module, not an object in it", where=str(info))
    return info, module


def _register(manager: pluggy.PluginManager, info: PluginInfo, module: ModuleType) -> None:
    for name, member in vars(module).items():
        if name.startswith("vlmbench_") and callable(member) and not hasattr(member, "vlmbench_impl"):
            raise PluginError(
                f"function {name!r} looks like a hook but is not marked",
                where=str(info),
                fix="Decorate it with `@vlmbench_sdk.hookimpl`, or rename it",
            )
    try:
        manager.register(module, name=f"{info.distribution}:{info.name}")
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        known = ", ".join(sorted(name for name, _ in inspect.getmembers(manager.hook) if name[0] != "_"))
        raise PluginError(f"a hook does not fit: {error}", where=str(info), fix=f"The hooks are: {known}") from error


def _call(manager: pluggy.PluginManager, module: ModuleType, info: PluginInfo, hook: str) -> list[object]:
    """Call one plugin's implementation of one hook."""
    others = [other for other in manager.get_plugins() if other is not module]
    try:
        results = manager.subset_hook_caller(hook, others)()
    except Exception as error:  # boundary: a plugin's hook may raise anything
        raise PluginError(f"hook {hook} raised {type(error).__name__}: {error}", where=str(info)) from error
    found: list[object] = []
    for result in results:
        if not isinstance(result, list):
            raise PluginError(f"hook {hook} must return a list, not {result!r}", where=str(info))
        found.extend(result)
    return found


def _collect(
    manager: pluggy.PluginManager,
    loaded: list[tuple[PluginInfo, ModuleType]],
    hook: str,
    spec_type: type[SpecT],
    owners: dict[tuple[str, str], PluginInfo],
) -> dict[str, SpecT]:
    found: dict[str, SpecT] = {}
    for info, module in loaded:
        for spec in _call(manager, module, info, hook):
            if not isinstance(spec, spec_type):
                raise PluginError(
                    f"hook {hook} must return a list of {spec_type.__name__}, found {spec!r}", where=str(info)
                )
            if spec.name in found:
                raise PluginError(
                    f"hook {hook} offers {spec.name!r}, which {owners[hook, spec.name]} offers too",
                    where=str(info),
                    fix="Rename one of them, or uninstall one",
                )
            found[spec.name] = spec
            owners[hook, spec.name] = info
    return found


def _registries(
    manager: pluggy.PluginManager, loaded: list[tuple[PluginInfo, ModuleType]]
) -> list[tuple[Path, PluginInfo]]:
    folders: list[tuple[Path, PluginInfo]] = []
    for info, module in loaded:
        declared = _call(manager, module, info, "vlmbench_registries")
        # A package with only YAML in it has no module file to put a hook in: its folder speaks for it.
        if getattr(module, "__file__", None) is None and hasattr(module, "__path__"):
            declared.extend(Path(path) / "registries" for path in module.__path__)
        for folder in declared:
            if not isinstance(folder, Path) or not folder.is_dir():
                raise PluginError(f"registry folder {str(folder)!r} is not a folder", where=str(info))
            folders.append((folder, info))
    return folders
