"""Find the environment of a model, and what can be said of it before it is prepared."""

import shutil
from collections.abc import Mapping, Sequence
from functools import cache
from typing import cast

from pydantic import JsonValue

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.workspace import cache_folder
from vlmbench_sdk import Environment, Options, PluginError
from vlmbench_sdk.entries import EnvironmentEntry
from vlmbench_sdk.plugin_specs import resolve

SDK = "vlmbench-sdk"


def environment_of(bench: Bench, model: str) -> Environment[Options]:
    """The environment a model's worker runs in, with its options filled in.

    Raises:
        PluginError: When its plugin names something that is not an environment.
    """
    entry = bench.catalog.models[model]
    return environment_named(bench, entry.environment, entry.environment_options)


def environment_named(
    bench: Bench, name: str, overrides: Mapping[str, JsonValue] | None = None
) -> Environment[Options]:
    """An environment of the registry, with further options in place of its own.

    Raises:
        PluginError: When its plugin names something that is not an environment.
    """
    entry = bench.catalog.environments[name]
    plugin = bench.plugins.environments[entry.kind]
    found = resolve(plugin.environment, owner=f"environment plugin {plugin.name}")
    if not (isinstance(found, type) and issubclass(found, Environment)):
        raise PluginError(
            f"{plugin.environment!r} is not a subclass of vlmbench_sdk.Environment",
            where=f"environment plugin {plugin.name}",
        )
    options = plugin.options.model_validate({**entry.options, **(overrides or {})})
    return cast("type[Environment[Options]]", found)(options, name=name, cache=cache_folder())


def distributions_of(bench: Bench, model: str) -> tuple[str, str]:
    """What a model's worker imports: the SDK and the distribution of the model's plugin."""
    return (SDK, bench.plugins.owners["vlmbench_models", bench.catalog.models[model].plugin].distribution)


def distributions_of_metric(bench: Bench, metric: str) -> tuple[str, ...]:
    """What a metric's worker imports: the SDK, and the distributions of its plugin and its normalisers."""
    entry, owners = bench.catalog.metrics[metric], bench.plugins.owners
    own = owners["vlmbench_metrics", entry.plugin].distribution
    steps = {owners["vlmbench_normalizers", name].distribution for name in entry.normalize}
    return (SDK, own, *sorted(steps - {own}))


def missing_binaries(entry: EnvironmentEntry) -> list[tuple[str, str]]:
    """The programs an environment needs and this machine lacks, each with the command that installs it."""
    return [(name, install) for name, install in entry.binaries.items() if _which(name) is None]


def without_optional(
    bench: Bench, cells: Sequence[Cell], asked_for: Sequence[str] = ()
) -> tuple[list[Cell], list[str]]:
    """Leave out optional models whose programs are not installed, unless they were asked for by name.

    Returns:
        The cells that are left, and a line for each model that is not.
    """
    optional = {name for each in bench.catalog.benchmarks.values() for name in each.optional_models}
    lines: dict[str, str] = {}
    for model in optional - set(asked_for):
        environment = bench.catalog.environments[bench.catalog.models[model].environment]
        for program, install in missing_binaries(environment):
            lines[model] = f"{model} is left out: `{program}` is not installed ({install})"
    left_out = {cell.model for cell in cells} & set(lines)
    return [cell for cell in cells if cell.model not in left_out], [lines[name] for name in sorted(left_out)]


@cache
def _which(name: str) -> str | None:
    return shutil.which(name)
