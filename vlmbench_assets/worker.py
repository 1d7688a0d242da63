"""Make a model's worker ready: its environment, its job, and what is written down about both."""

import os
from collections.abc import Callable
from pathlib import Path

from pydantic import JsonValue

from vlmbench_assets.bench import Bench, project_versions
from vlmbench_assets.catalog import PROCESS, Cell
from vlmbench_assets.environment import (
    distributions_of,
    distributions_of_metric,
    environment_named,
    environment_of,
    missing_binaries,
)
from vlmbench_assets.gpus.discovery import enough_gpus
from vlmbench_assets.gpus.leases import Need
from vlmbench_assets.work.ask import Worker
from vlmbench_assets.work.watch import read_usage
from vlmbench_sdk import Environment, EnvironmentUnavailableError, Options
from vlmbench_sdk.entries import EnvironmentEntry, ModelEntry
from vlmbench_sdk.job import Job, JobResult
from vlmbench_sdk.secrets import secret_names


def prepare_worker(bench: Bench, cell: Cell, work: Path, image_root: Path, say: Callable[[str], None]) -> Worker:
    """Prepare the environment of a cell's model.

    Raises:
        EnvironmentUnavailableError: When a program or a GPU is missing, or the environment cannot be made.
    """
    model = cell.model
    entry = bench.catalog.models[model]
    declared = bench.catalog.environments[entry.environment]
    _refuse_missing(declared, f"model {model}")
    environment = environment_of(bench, model)
    # Before the environment is made, which may take long for nothing.
    need = _need(entry, environment, cell)
    prepared = environment.prepare(distributions_of(bench, model), say)
    return Worker(
        environment=environment,
        prepared=prepared,
        work=work,
        image_root=image_root,
        secrets=_handed_over(entry.environment, {*declared.env, *secret_names(entry.options)}),
        need=need,
        gpus_wanted=entry.gpus,
        shards=entry.shards,
        timeout_s=declared.timeout_s,
        disk_gib=declared.disk_gib,
    )


def prepare_scorer(bench: Bench, metric: str, work: Path, say: Callable[[str], None]) -> Worker:
    """Prepare the environment that a metric scores in.

    Raises:
        EnvironmentUnavailableError: When a program is missing, or the environment cannot be made or does not score.
    """
    name = bench.catalog.metrics[metric].environment or PROCESS
    declared = bench.catalog.environments[name]
    _refuse_missing(declared, f"metric {metric}")
    environment = environment_named(bench, name)
    if not environment.scores:
        raise EnvironmentUnavailableError(
            f"metrics cannot score in an environment of kind {declared.kind}",
            where=f"metric {metric}, environment {name}",
            fix="Choose another `environment` in the metric's entry, or leave it out to score in the host",
        )
    return Worker(
        environment=environment,
        prepared=environment.prepare(distributions_of_metric(bench, metric), say),
        work=work,
        image_root=None,
        secrets=_handed_over(name, set(declared.env)),
        timeout_s=declared.timeout_s,
        disk_gib=declared.disk_gib,
    )


def model_job(bench: Bench, model: str, digest: str) -> Job:
    """What the model's worker has to do; `${ENV:NAME}` stays as it is and is filled in by the worker."""
    entry = bench.catalog.models[model]
    return Job(
        model=model,
        plugin=entry.plugin,
        options=entry.options,
        generation=entry.generation,
        revision=entry.revision,
        retry=entry.retry,
        digest=digest,
    )


def run_facts(bench: Bench, model: str, worker: Worker, result: JobResult, wall_s: float) -> dict[str, JsonValue]:
    """What a manifest tells of a run besides its lineage."""
    entry = bench.catalog.models[model]
    declared = bench.catalog.environments[entry.environment]
    usage = read_usage(worker.work)
    return {
        "model": entry.model_dump(mode="json"),
        "resolved_options": dict(result.resolved_options),
        "model_facts": dict(result.model_facts),
        "environment": {
            "name": entry.environment,
            "kind": declared.kind,
            "digest": worker.prepared.digest,
            "python": result.python,
            "packages": dict(result.packages),
        },
        "host_packages": dict(project_versions()),
        "hardware": dict(result.hardware),
        "load_s": result.load_s,
        "answer_s": result.answer_s,
        "wall_s": wall_s,
        "engine": dict(worker.engine),
        "usage": None if usage is None else usage.model_dump(mode="json"),
    }


def _refuse_missing(declared: EnvironmentEntry, where: str) -> None:
    for name, install in missing_binaries(declared):
        raise EnvironmentUnavailableError(
            f"the program `{name}` is not installed", where=where, fix=f"Install it: {install}"
        )


def _need(entry: ModelEntry, environment: Environment[Options], cell: Cell) -> Need | None:
    """The GPUs to lease for each of a cell's workers."""
    if not entry.gpus or not environment.leases_gpus:
        return None
    return Need(entry.gpus, enough_gpus(entry.gpus, f"model {cell.model}"), entry.gpu_share, str(cell))


def _handed_over(environment: str, names: set[str]) -> dict[str, str]:
    absent = sorted(names - set(os.environ))
    if absent:
        raise EnvironmentUnavailableError(
            f"the environment variable {absent[0]} is not set",
            where=f"environment {environment}",
            fix="Set it where the run is started",
        )
    return {name: os.environ[name] for name in sorted(names)}
