"""Asset `answers`: what a model said to each sample of a dataset, in its own environment."""

import time
from pathlib import Path

import dagster as dg
import pandas as pd
from pydantic import Field

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.checks import StageEvents, contract_kept, contract_spec, run_stage, table_schema
from vlmbench_assets.contracts import ANSWERS, UNANSWERED
from vlmbench_assets.lineage import data_version, digest_json
from vlmbench_assets.partitions import Partitions, cell_of
from vlmbench_assets.preview import preview
from vlmbench_assets.samples import make_samples, samples_metadata, samples_of
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import write_table
from vlmbench_assets.work.ask import Worker, answers_table, ask, make_requests
from vlmbench_assets.work.prompt import render_all
from vlmbench_assets.work.read import image_root
from vlmbench_assets.worker import model_job, model_lineage, prepare_worker, run_facts
from vlmbench_sdk import Request, WorkerError
from vlmbench_sdk.job import JOURNAL, Job, JobResult

LOG_PROGRESS_EVERY_S = 10.0


class AnswersConfig(dg.Config):
    """Run configuration of `answers`."""

    limit: int | None = Field(
        default=None, ge=1, description="Ask only the first samples of the dataset, to try things out"
    )


def answers_asset(bench: Bench, partitions: Partitions) -> dg.AssetsDefinition:
    """Define the asset."""

    @dg.asset(
        name="answers",
        partitions_def=partitions.cells,
        deps=[dg.AssetDep("samples", partition_mapping=dg.MultiToSingleDimensionPartitionMapping("dataset"))],
        check_specs=[contract_spec("answers")],
        group_name="cells",
        kinds={"csv"},
        description="One answer per sample, from the model's worker in its own environment.",
        metadata={"dagster/column_schema": table_schema("answers")},
    )
    def answers(context: dg.AssetExecutionContext, config: AnswersConfig) -> StageEvents:
        cell = cell_of(context)

        def make() -> dg.MaterializeResult[None]:
            with bench.store.running("answers", cell.dataset, cell.model):
                frame, manifest = _make(bench, cell, config.limit, context)
            return dg.MaterializeResult(
                metadata=_metadata(bench, cell, frame, manifest),
                data_version=dg.DataVersion(data_version(manifest.lineage)),
                check_results=[contract_kept("answers", len(frame))],
            )

        yield from run_stage("answers", make)

    return answers


def _make(
    bench: Bench, cell: Cell, limit: int | None, context: dg.AssetExecutionContext
) -> tuple[pd.DataFrame, Manifest]:
    every_sample = _samples(bench, cell.dataset, context)
    samples = every_sample.head(limit) if limit else every_sample
    model = bench.catalog.models[cell.model]
    prompts_entry = bench.catalog.prompts[model.prompts] if model.prompts else None
    prompts = render_all(prompts_entry, model.prompts or "", samples, cell.dataset)
    work = bench.store.fresh_work_folder(cell.dataset, cell.model)
    source = bench.workspace.source(bench.catalog.datasets[cell.dataset].source)
    root = image_root(source, bench.store.folder("samples", cell.dataset))
    requests = make_requests(samples, prompts, root)
    worker = prepare_worker(bench, cell.model, work, root, context.log.info)
    job = model_job(bench, cell.model)
    started = time.monotonic()
    result = _ask_through_pipes(job, requests, worker, _Progress(bench, cell, context), context)
    wall_s = time.monotonic() - started
    lineage = model_lineage(bench, cell.model, worker.prepared)
    image_digests = dict(zip(samples["sample_id"], samples["image_sha256"], strict=True))
    frame = answers_table(requests, prompts, digest_json(lineage), image_digests, work / JOURNAL)
    write_table(frame, ANSWERS, bench.store.table("answers", cell.dataset, cell.model))
    # After the table is safe: a cell in which nothing was answered is a failure with its evidence kept.
    _refuse_all_failed(frame, cell)
    samples_manifest = bench.store.manifest("samples", cell.dataset)
    manifest = bench.store.write_manifest(
        "answers",
        cell.dataset,
        cell.model,
        lineage={
            **lineage,
            "samples": samples_manifest.lineage["table"] if samples_manifest else "",
            "limit": str(limit or ""),
        },
        facts={
            **run_facts(bench, cell.model, worker.prepared, result, wall_s),
            "limit": limit,
            "samples": len(samples),
            "samples_in_dataset": len(every_sample),
        },
    )
    return frame, manifest


def _ask_through_pipes(
    job: Job, requests: list[Request], worker: Worker, progress: "_Progress", context: dg.AssetExecutionContext
) -> JobResult:
    """Ask with Dagster Pipes open: the worker's own log lines reach the run's log."""
    pipes = worker.work / "pipes"
    pipes.mkdir()
    with dg.open_pipes_session(
        context=context,
        context_injector=dg.PipesFileContextInjector(str(pipes / "context.json")),
        message_reader=dg.PipesFileMessageReader(str(pipes / "messages.jsonl")),
    ) as session:
        return ask(job, requests, worker.with_env(session.get_bootstrap_env_vars()), progress)


def _samples(bench: Bench, dataset: str, context: dg.AssetExecutionContext) -> pd.DataFrame:
    """The dataset's samples; read now when nobody did, so that one click on a cell is enough."""
    found = samples_of(bench, dataset)
    if found is not None:
        return found
    context.log.info(f"dataset {dataset} was not read yet; reading it")
    frame, manifest = make_samples(bench, dataset)
    context.log_event(
        dg.AssetMaterialization(
            "samples",
            partition=dataset,
            metadata=samples_metadata(bench, frame, dataset),
            tags={"dagster/data_version": data_version(manifest.lineage)},
        )
    )
    return frame


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


def _refuse_all_failed(frame: pd.DataFrame, cell: Cell) -> None:
    if len(frame) and frame["status"].isin(UNANSWERED).all():
        reasons = frame["error"].value_counts()
        raise WorkerError(
            f"none of {len(frame)} samples was answered; most often: {reasons.index[0]}",
            where=str(cell),
            fix="The table of answers is kept for a look",
        )


def _metadata(bench: Bench, cell: Cell, frame: pd.DataFrame, manifest: Manifest) -> dict[str, dg.MetadataValue]:
    path = bench.store.table("answers", cell.dataset, cell.model)
    failed = frame["status"].isin(UNANSWERED)
    statuses = frame["status"].value_counts()
    shown: dict[str, dg.MetadataValue] = {
        "samples": dg.MetadataValue.int(len(frame)),
        "failed": dg.MetadataValue.int(int(failed.sum())),
        "statuses": dg.MetadataValue.text(", ".join(f"{name}: {count}" for name, count in statuses.items())),
        "preview": dg.MetadataValue.md(preview(frame, ["sample_id", "status", "answer", "latency_ms"])),
        "environment": dg.MetadataValue.json({"environment": manifest.facts["environment"]}),
        "lineage": dg.MetadataValue.json(manifest.lineage),
        "table": dg.MetadataValue.path(path),
        "worker_log": dg.MetadataValue.path(_worker_log(path)),
    }
    if len(frame):
        shown["coverage"] = dg.MetadataValue.float(float(1 - failed.mean()))
    latency = frame["latency_ms"].median()
    if not pd.isna(latency):
        shown["median_latency_ms"] = dg.MetadataValue.float(float(latency))
    for name in ("load_s", "answer_s"):
        if isinstance(value := manifest.facts[name], float):
            shown[name] = dg.MetadataValue.float(value)
    return shown


def _worker_log(table: Path) -> Path:
    return table.parent / "work" / "worker.log"
