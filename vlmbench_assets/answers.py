"""Asset `answers`: what a model said to each sample of a dataset, in its own environment."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import dagster as dg
import pandas as pd
from pydantic import Field

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.checks import StageEvents, contract_kept, contract_spec, run_stage, table_schema
from vlmbench_assets.files import remove_tree
from vlmbench_assets.hold import cell_held
from vlmbench_assets.make.answers import Asking, make_answers
from vlmbench_assets.messages import ContextFile, FewMessages
from vlmbench_assets.partitions import OWNERS, Partitions, cell_of
from vlmbench_assets.shown import answer_figures, table
from vlmbench_assets.store import Manifest
from vlmbench_assets.work.usage import used_of
from vlmbench_assets.work.watch import Surroundings
from vlmbench_sdk.job import PIPES

LOG_PROGRESS_EVERY_S = 10.0
SHOWN_USE = (
    "cpu_mean",
    "cpu_peak",
    "memory_mean_mib",
    "memory_peak_mib",
    "gpu_memory_mean_mib",
    "gpu_memory_peak_mib",
    "gpu_busy_mean",
    "gpu_busy_peak",
)
"""Of `Usage`, in the UI."""


class AnswersConfig(dg.Config):
    """Run configuration of `answers`."""

    limit: int | None = Field(
        default=None, ge=1, description="Ask only the first samples of the dataset, to try things out"
    )
    again: bool = Field(default=False, description="Ask every sample again, also those that have an answer")
    keep_errors: bool = Field(default=False, description="Do not ask again what ended in an error or a timeout")


def answers_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        name="answers",
        partitions_def=partitions.cells,
        deps=[
            dg.AssetDep("samples", partition_mapping=dg.MultiToSingleDimensionPartitionMapping("dataset")),
            dg.AssetDep("model", partition_mapping=dg.MultiToSingleDimensionPartitionMapping("model")),
        ],
        check_specs=[contract_spec("answers")],
        group_name="cells",
        owners=OWNERS,
        # For whoever wants to bound how many models are asked at once by runs of the UI: a limit on this pool.
        pool="answers",
        kinds={"csv"},
        description="One answer per sample, from the model's worker in its own environment.",
        metadata={"dagster/column_schema": table_schema("answers")},
    )
    def answers(context: dg.AssetExecutionContext, config: AnswersConfig) -> StageEvents:
        cell = cell_of(context)
        how = Asking(limit=config.limit, again=config.again, keep_errors=config.keep_errors)

        def waits(line: str) -> None:
            context.log.info(line)
            bench.waits(cell, line)

        progress = _Progress(bench, cell, context)
        around = Surroundings(context.log.info, progress, lambda work, secrets: _pipes(context, work, secrets), waits)

        def make() -> dg.MaterializeResult[None]:
            with cell_held(bench.store, "answers", cell.dataset, cell.model):
                frame, manifest = make_answers(bench, cell, how, around)
            return dg.MaterializeResult(
                metadata=_metadata(bench, cell, frame, manifest),
                data_version=dg.DataVersion(manifest.version),
                check_results=[contract_kept("answers", len(frame))],
            )

        yield from run_stage("answers", make)

    return answers


@contextmanager
def _pipes(context: dg.AssetExecutionContext, work: Path, secrets: Sequence[str]) -> Iterator[dict[str, str]]:
    """Open Dagster Pipes around the worker: its own log lines reach the run's log."""
    pipes = work / PIPES
    remove_tree(pipes)
    pipes.mkdir()
    try:
        with dg.open_pipes_session(
            context=context,
            context_injector=ContextFile(pipes / "context.json"),
            message_reader=FewMessages(pipes / "messages.jsonl", secrets),
        ) as session:
            yield dict(session.get_bootstrap_env_vars())
    finally:
        # What the worker told may hold secrets. Where it cannot be removed, the next run says so.
        with suppress(OSError):
            remove_tree(pipes)


class _Progress:
    """Progress for the terminal, and now and then for the run's log."""

    def __init__(self, bench: Bench, cell: Cell, context: dg.AssetExecutionContext) -> None:
        self._bench, self._cell, self._log = bench, cell, context.log
        self._started = self._logged = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        self._bench.progress(self._cell, done, total)
        now = time.monotonic()
        if done and now - self._logged >= LOG_PROGRESS_EVERY_S:
            self._logged = now
            rate = done / (now - self._started)
            self._log.info(f"{done} of {total} samples, {rate:.1f}/s, {(total - done) / rate:.0f} s left")


def asked_line(manifest: Manifest) -> str:
    """How many of the answers were asked in which time, over all runs since the model changed."""
    facts = manifest.facts
    return (
        f"{facts.get('asked', 0)} asked in {float(str(facts.get('answer_s', 0.0))):.1f} s, {facts['samples']} answers"
    )


def _metadata(bench: Bench, cell: Cell, frame: pd.DataFrame, manifest: Manifest) -> dict[str, dg.MetadataValue]:
    path = bench.store.table("answers", cell.dataset, cell.model)
    statuses = frame["status"].value_counts()
    shown: dict[str, dg.MetadataValue] = {
        **answer_figures(bench, cell, frame),
        "statuses": dg.MetadataValue.text(", ".join(f"{name}: {count}" for name, count in statuses.items())),
        "preview": table(frame, ["sample_id", "status", "answer", "latency_ms", "error"]),
        "asked": dg.MetadataValue.text(asked_line(manifest)),
        "environment": dg.MetadataValue.json({"environment": manifest.facts.get("environment")}),
        "table": dg.MetadataValue.path(path),
        "worker_log": dg.MetadataValue.path(_worker_log(path)),
    }
    for name in ("load_s", "answer_s"):
        if isinstance(value := manifest.facts.get(name), float):
            shown[name] = dg.MetadataValue.float(value)
    used = used_of(manifest.facts)
    for name in SHOWN_USE if used else ():
        # As numbers, so that Dagster draws them over the runs.
        if (number := getattr(used, name)) is not None:
            shown[name] = dg.MetadataValue.float(float(number))
    return {**shown, "lineage": dg.MetadataValue.json(manifest.lineage)}


def _worker_log(table: Path) -> Path:
    return table.with_name("worker.log")
