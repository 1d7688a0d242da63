"""Make a cell's `metrics`: score what was not scored before by the same metric, answer and gold."""

from collections.abc import Mapping

import pandas as pd

from vlmbench_assets.bench import Bench, project_versions
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import ANSWERS, METRICS, SAMPLES
from vlmbench_assets.lineage import Lineage, digest_bytes, digest_file
from vlmbench_assets.made_from import BEFORE, MadeFrom
from vlmbench_assets.make.answered import read_said
from vlmbench_assets.make.samples import GOLD
from vlmbench_assets.prompting import CONTRACTS, THINKING, collection_of
from vlmbench_assets.score_elsewhere import scored_elsewhere
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import checked_csv, parse_table, read_table
from vlmbench_assets.work.parse import contracts_of, in_normal_form, with_failures
from vlmbench_assets.work.score import load_metric, score
from vlmbench_assets.work.watch import QUIET, Surroundings

SAID = ("sample_id", "status", "answer")
"""The columns of answers that scores depend on."""


def make_metrics(
    bench: Bench, cell: Cell, *, again: bool = False, around: Surroundings = QUIET
) -> tuple[pd.DataFrame, Manifest]:
    """Score a cell, and publish its table.

    Args:
        bench: The workspace.
        cell: The cell.
        again: Score everything again, also what was scored by the same metric before.
        around: Where lines of workers go.
    """
    samples, answers = read_said(bench, cell)
    inputs = (
        bench.store.manifest("samples", cell.dataset),
        bench.store.manifest("answers", cell.dataset, cell.model),
    )
    names = bench.catalog.metrics_of(cell.dataset, cell.model)
    kept = None if again else _kept(bench, cell, names, samples, answers)
    plugins, normalizers = bench.plugins.metrics, bench.plugins.normalizers
    loaded = [
        load_metric(name, entry, plugins[entry.plugin], normalizers)
        for name in names
        for entry in (bench.catalog.metrics[name],)
    ]
    contracts = contracts_of(collection_of(bench, cell.model), samples, cell.dataset)
    samples, answers = in_normal_form(samples, with_failures(answers, contracts), contracts)
    # Of a million rows the other columns take most of the memory.
    samples, answers = samples[list(GOLD)], answers[list(SAID)]
    work = bench.store.folder("metrics", cell.dataset, cell.model) / "work"
    loaded = [
        scored_elsewhere(bench, metric, (samples, answers), kept, work / metric.name, around)
        if metric.entry.environment
        else metric
        for metric in loaded
    ]
    frame = score(samples, answers, loaded, kept)
    path = bench.store.table("metrics", cell.dataset, cell.model)
    content = checked_csv(frame, METRICS, path)
    lineage, digests = MadeFrom(bench).metrics(cell, *inputs), {"table": digest_bytes(content)}
    manifest = bench.store.publish(
        "metrics",
        cell.dataset,
        cell.model,
        files={path.name: content},
        lineage=lineage,
        digests=digests,
        facts={
            "metrics": list(names),
            "rows": len(frame),
            "scored": len(frame) - (0 if kept is None else len(kept)),
            "samples_file": _file(inputs[0], "samples"),
            "answers_file": _file(inputs[1], "answers"),
            "host_packages": dict(project_versions()),
            BEFORE: _before(bench.store.manifest("metrics", cell.dataset, cell.model), lineage, digests),
        },
    )
    return frame, manifest


def _before(made: Manifest | None, lineage: Lineage, digests: Mapping[str, str]) -> str:
    """The version of the scores before these; of the same scores made again, what was before them."""
    if made is None or made.damaged:
        return ""
    return str(made.facts.get(BEFORE, "")) if (made.lineage, made.digests) == (lineage, digests) else made.version


def _kept(
    bench: Bench, cell: Cell, names: tuple[str, ...], samples: pd.DataFrame, answers: pd.DataFrame
) -> pd.DataFrame | None:
    """Rows of scores that stand: the same metric scored the same answer against the same gold."""
    before = bench.store.manifest("metrics", cell.dataset, cell.model)
    path = bench.store.table("metrics", cell.dataset, cell.model)
    if before is None or not path.exists() or before.files.get(path.name) != digest_file(path):
        return None
    made_from = MadeFrom(bench)
    contracts = made_from.contracts(cell, bench.store.manifest("samples", cell.dataset))
    if {name: value for name, value in before.lineage.items() if name in {CONTRACTS, THINKING}} != contracts:
        return None

    def whole(name: str) -> Lineage:
        return {**made_from.metric(name), **made_from.metric_environment(name, before.lineage)}

    same = {name for name in names if _unchanged(before.lineage, whole(name), name)}
    old_samples = bench.store.objects.get(str(before.facts.get("samples_file", "")))
    old_answers = bench.store.objects.get(str(before.facts.get("answers_file", "")))
    if not same or old_samples is None or old_answers is None:
        return None
    then = _inputs(parse_table(old_samples, SAMPLES), parse_table(old_answers, ANSWERS))
    unchanged = _inputs(samples, answers).merge(then)["sample_id"]
    rows = read_table(path, METRICS)
    return rows[rows["metric"].isin(same) & rows["sample_id"].isin(unchanged)]


def _unchanged(before: Lineage, now: Lineage, name: str) -> bool:
    """Whether a metric is what it was; all names of its lineage start with its own."""
    head = f"metric {name}"
    return {key: value for key, value in before.items() if key == head or key.startswith(head + " ")} == now


def _inputs(samples: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """What each sample's scores depend on."""
    return samples[list(GOLD)].merge(answers[list(SAID)], on="sample_id")


def _file(manifest: Manifest | None, asset: str) -> str:
    return manifest.files.get(f"{asset}.csv", "") if manifest else ""
