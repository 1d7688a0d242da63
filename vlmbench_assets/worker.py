"""Make a model's worker ready: its environment, its job, and what is written down about both."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from vlmbench_assets.bench import Bench, project_versions
from vlmbench_assets.lineage import digest_record
from vlmbench_assets.work.ask import Worker
from vlmbench_assets.workspace import cache_folder
from vlmbench_sdk import Environment, EnvironmentUnavailableError, Options, PluginError, Prepared
from vlmbench_sdk.entries import EnvironmentEntry
from vlmbench_sdk.job import Job, JobResult
from vlmbench_sdk.plugin_specs import resolve
from vlmbench_sdk.secrets import secret_names

SDK = "vlmbench-sdk"


def prepare_worker(bench: Bench, model: str, work: Path, image_root: Path, say: Callable[[str], None]) -> Worker:
    """Prepare the environment of a model.

    Raises:
        EnvironmentUnavailableError: When a program is missing or the environment cannot be made.
    """
    entry = bench.catalog.models[model]
    declared = bench.catalog.environments[entry.environment]
    missing = missing_binaries(declared)
    if missing:
        name, install = missing[0]
        raise EnvironmentUnavailableError(
            f"the program `{name}` is not installed", where=f"model {model}", fix=f"Install it: {install}"
        )
    environment = _environment(bench, entry.environment, declared)
    owner = bench.plugins.owners["vlmbench_models", entry.plugin]
    prepared = environment.prepare((SDK, owner.distribution), say)
    return Worker(
        environment=environment,
        prepared=prepared,
        work=work,
        image_root=image_root,
        env=_handed_over(entry.environment, {*declared.env, *secret_names(entry.options)}),
        timeout_s=declared.timeout_s,
    )


def missing_binaries(entry: EnvironmentEntry) -> list[tuple[str, str]]:
    """The programs an environment needs and this machine lacks, each with the command that installs it."""
    return [(name, install) for name, install in entry.binaries.items() if shutil.which(name) is None]


def model_job(bench: Bench, model: str) -> Job:
    """What the model's worker has to do; `${ENV:NAME}` stays as it is and is filled in by the worker."""
    entry = bench.catalog.models[model]
    return Job(
        model=model,
        plugin=entry.plugin,
        options=entry.options,
        generation=entry.generation,
        revision=entry.revision,
    )


def model_lineage(bench: Bench, model: str, prepared: Prepared) -> dict[str, str]:
    """Named digests of everything about the model that its answers depend on."""
    entry = bench.catalog.models[model]
    owner = bench.plugins.owners["vlmbench_models", entry.plugin]
    lineage = {
        "model": digest_record(entry),
        "plugin": f"{owner.distribution}=={owner.version}",
        "environment": prepared.digest,
    }
    if entry.prompts:
        lineage["prompts"] = digest_record(bench.catalog.prompts[entry.prompts])
    return lineage


def run_facts(bench: Bench, model: str, prepared: Prepared, result: JobResult, wall_s: float) -> dict[str, JsonValue]:
    """What a manifest tells of a run besides its lineage."""
    entry = bench.catalog.models[model]
    declared = bench.catalog.environments[entry.environment]
    return {
        "model": entry.model_dump(mode="json"),
        "resolved_options": dict(result.resolved_options),
        "environment": {
            "name": entry.environment,
            "kind": declared.kind,
            "digest": prepared.digest,
            "python": result.python,
            "packages": dict(result.packages),
        },
        "host_packages": dict(project_versions()),
        "hardware": dict(result.hardware),
        "load_s": result.load_s,
        "answer_s": result.answer_s,
        "wall_s": wall_s,
    }


def _environment(bench: Bench, name: str, entry: EnvironmentEntry) -> Environment[Options]:
    plugin = bench.plugins.environments[entry.kind]
    found = resolve(plugin.environment, owner=f"environment plugin {plugin.name}")
    if not (isinstance(found, type) and issubclass(found, Environment)):
        raise PluginError(
            f"{plugin.environment!r} is not a subclass of vlmbench_sdk.Environment",
            where=f"environment plugin {plugin.name}",
        )
    options = plugin.options.model_validate(entry.options)
    return cast("type[Environment[Options]]", found)(options, name=name, cache=cache_folder())


def _handed_over(environment: str, names: set[str]) -> dict[str, str]:
    absent = sorted(names - set(os.environ))
    if absent:
        raise EnvironmentUnavailableError(
            f"the environment variable {absent[0]} is not set",
            where=f"environment {environment}",
            fix="Set it where the run is started",
        )
    return {name: os.environ[name] for name in sorted(names)}
