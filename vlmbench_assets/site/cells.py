"""What the site says of one cell."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import JsonValue

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.charts.errors import all_kinds, error_counts
from vlmbench_assets.charts.style import CATEGORY_COLOURS
from vlmbench_assets.contracts import AGGREGATES, ANSWERS, METRICS, Contract
from vlmbench_assets.imported_model import imported_from
from vlmbench_assets.lineage import digest_bytes
from vlmbench_assets.make.aggregates import plugins_by_metric
from vlmbench_assets.make.answered import held_to_contracts, limit_of, without_its_thinking
from vlmbench_assets.make.report_facts import command_of
from vlmbench_assets.prompting import tuned_here
from vlmbench_assets.site.columns import LongTexts, coded
from vlmbench_assets.site.scripts import Json, Later, number, numbers
from vlmbench_assets.staleness import Judge
from vlmbench_assets.store import AssetName, Manifest
from vlmbench_assets.tables import parse_table, rows_of
from vlmbench_assets.work.aggregate import OVERALL, PAIR, counted, joined
from vlmbench_assets.work.cell_report.lead import read_of
from vlmbench_assets.work.classes import confusion
from vlmbench_assets.work.percentiles import SHOWN, fewest, percentile
from vlmbench_assets.work.report_tables import HEADLINE_POLICY, ReportTables
from vlmbench_assets.work.usage import used_of
from vlmbench_sdk import ContractError, MetricPlugin
from vlmbench_sdk.usage import Usage

Script = tuple[str, Json | Later]
"""Name and value of a file."""


@dataclass(frozen=True, slots=True)
class CellTables:
    """One cell as it was last made."""

    cell: Cell
    samples: pd.DataFrame
    answers: pd.DataFrame
    """Of samples that are still there, in their order; what breaks its contract is `parse_failed`."""
    metrics: pd.DataFrame
    aggregates: pd.DataFrame
    gone: int
    """Answers to samples that the dataset has no more."""
    made: Mapping[AssetName, Manifest | None]

    def counted(self, metric: str, plugin: MetricPlugin) -> pd.Series:
        """What each sample counts with under the headline's policy; the index is sample_id."""
        rows = joined(self.samples, self.answers, self.metrics[self.metrics["metric"] == metric])
        found: pd.Series = counted(rows, plugin, HEADLINE_POLICY).set_index("sample_id")["value"]
        return found

    def report(self, bench: Bench, headline: str) -> ReportTables:
        """The same, as its report reads them."""
        return ReportTables(
            samples=self.samples,
            answers=self.answers,
            metrics=self.metrics,
            aggregates=self.aggregates,
            headline=headline,
            metric_plugins=plugins_by_metric(bench, self.cell),
            title=str(self.cell),
        )


def published(bench: Bench, asset: AssetName, contract: Contract, dataset: str, model: str = "") -> pd.DataFrame | None:
    """A table as it was published; None where it never was.

    Raises:
        ContractError: When it is gone, or is not what was published.
    """
    path, made = bench.store.table(asset, dataset, model), bench.store.manifest(asset, dataset, model)
    digest = made.files.get(path.name) if made else None
    if not path.exists():
        if digest is None:
            return None
        raise ContractError(f"{path.name} is gone", where=str(path), fix="Run the cell again: `vlmbench run`")
    content = path.read_bytes()
    if digest not in {None, digest_bytes(content)}:
        raise ContractError(
            f"{path.name} is not what was published: it was changed, or its publication was interrupted",
            where=str(path),
            fix="Run the cell again: `vlmbench run`",
        )
    return parse_table(content, contract)


def read_cell(bench: Bench, cell: Cell, samples: pd.DataFrame) -> CellTables | None:
    """Read what was published of a cell; None where it was never answered.

    Raises:
        ContractError: When a table is lost or damaged.
    """
    store = bench.store
    answers = published(bench, "answers", ANSWERS, cell.dataset, cell.model)
    if answers is None:
        return None
    answers = without_its_thinking(bench, cell, answers)
    order = pd.Index(samples["sample_id"]).get_indexer(answers["sample_id"])
    gone = int((order < 0).sum())
    answers = answers.assign(row=order)[order >= 0].sort_values("row", kind="stable", ignore_index=True)
    answers = held_to_contracts(bench, cell, answers, samples)
    tables = {}
    contracts_by_asset: dict[AssetName, Contract] = {"metrics": METRICS, "aggregates": AGGREGATES}
    for asset, contract in contracts_by_asset.items():
        table = published(bench, asset, contract, cell.dataset, cell.model)
        tables[asset] = pd.DataFrame(columns=contract.columns) if table is None else table
    metrics = tables["metrics"]
    made: dict[AssetName, Manifest | None] = {
        asset: store.manifest(asset, cell.dataset, cell.model) for asset in ("answers", "metrics", "aggregates")
    }
    known = metrics["sample_id"].isin(answers["sample_id"])
    return CellTables(cell, samples, answers, metrics[known], tables["aggregates"], gone, made)


def flags(judge: Judge, cell: Cell, tables: CellTables | None) -> dict[str, Json]:
    """What a reader must know before the scores are believed; only what is the case."""
    judged = judge.cell(cell)
    answers = judge.bench.store.manifest("answers", cell.dataset, cell.model)
    asked, there = ((answers.facts if answers else {}).get(name) for name in ("samples", "samples_in_dataset"))
    imported = imported_from(answers)
    failed = [found for found in judged.assets.values() if found.state == "failed"]
    limit: Json = [asked, there] if isinstance(asked, int) and isinstance(there, int) and asked != there else []
    # That some were never asked is what the limit says already.
    reasons = [reason for reason in judged.doubts if not (limit and reason.endswith("samples were never asked"))]
    found: dict[str, Json] = {
        "missing": tables is None or tables.aggregates.empty,
        "failed": [f"{each.asset}: {each.reasons[0] if each.reasons else ''}" for each in failed],
        "stale": reasons if tables is not None and not failed else [],
        "limit": limit,
        "tuned": tuned_here(judge.bench, cell),
        "imported": imported,
        "blocked": judged.blocked if judged.blocked and not imported else "",
        "gone": tables.gone if tables else 0,
    }
    return {name: value for name, value in found.items() if value}


def cell_scripts(bench: Bench, tables: CellTables, headline: str, warnings: Json, past: Json) -> Iterator[Script]:
    """The files of a cell: a summary, its answers, and what is too long for lists."""
    cell = tables.cell
    folder = f"cells/{cell.model}/{cell.dataset}"
    yield f"{folder}/summary", _summary(bench, tables, headline, warnings, past)
    long = LongTexts(f"{folder}/long")
    yield f"{folder}/answers", _answers(bench, tables, headline, long)
    yield from long.files()


def _summary(bench: Bench, tables: CellTables, headline: str, warnings: Json, past: Json) -> Json:
    cell, answers = tables.cell, tables.answers
    manifest = tables.made["answers"]
    names = [name for name in dict.fromkeys(tables.aggregates["metric"]) if name in bench.catalog.metrics]
    facts = manifest.facts if manifest else {}
    report = tables.report(bench, headline)
    kinds = all_kinds(report)
    return {
        "model": cell.model,
        "dataset": cell.dataset,
        "headline": headline,
        "flags": warnings,
        "answered": manifest.written_at if manifest else "",
        "samples": len(answers),
        "metrics": [{"name": name, **about_metric(bench, name)} for name in names],
        "breakdown": _breakdown(tables.aggregates, names),
        "statuses": _statuses(answers),
        "judged": list(dict.fromkeys(kinds["metric"])),
        "errors": _errors(kinds),
        "latency": _latency(answers["latency_ms"].dropna().to_numpy(dtype=np.float64)),
        "tokens": numbers([answers["input_tokens"].mean(), answers["output_tokens"].mean()]),
        "read": [*read_of(report)],
        "confusion": _confusion(report),
        "resources": _resources(facts),
        "history": past,
        "lineage": [[name, value] for name, value in (manifest.lineage if manifest else {}).items()],
        "command": command_of(cell, limit_of(manifest)),
    }


def about_metric(bench: Bench, name: str) -> dict[str, Json]:
    """How a metric is to be read."""
    plugin = bench.metric(name)
    return {
        "higher": plugin.higher_is_better,
        "lower": number(plugin.lower),
        "upper": number(plugin.upper),
        "unit": plugin.unit,
        "about": bench.catalog.metrics[name].description or plugin.description,
    }


def _breakdown(aggregates: pd.DataFrame, names: list[str]) -> Json:
    """By dimension: rows of metric, group, n, documents, coverage, value, interval, answered only, how the interval."""
    keys = ["dimension", "metric", "group"]
    both = {policy: part.set_index(keys) for policy, part in aggregates.groupby("policy", sort=False)}
    worst, answered = both.get(HEADLINE_POLICY), both.get("answered_only")
    if worst is None:
        return []
    found: dict[str, list[Json]] = {}
    # A pair that is declared the other way round as well says nothing more.
    dimensions = list(dict.fromkeys(key[0] for key in worst.index))
    kept = {PAIR.join(sorted(each.split(PAIR))): each for each in reversed(dimensions)}.values()
    only = answered["value"].to_dict() if answered is not None else {}
    for key, row in zip(worst.index, worst.to_dict("records"), strict=True):
        dimension, metric, group = key
        if metric in names and dimension in kept:
            figures = [row[name] for name in ("n", "documents", "coverage", "value", "ci_low", "ci_high")]
            found.setdefault(dimension, []).append(
                [names.index(metric), group, *numbers([*figures, only.get(key)]), row["ci_method"]]
            )
    return [[dimension, rows] for dimension, rows in sorted(found.items(), key=lambda each: each[0] != OVERALL)]


def _statuses(answers: pd.DataFrame) -> Json:
    rows: list[Json] = []
    for status, part in answers.groupby("status", sort=True):
        errors = part.loc[part["error"] != "", "error"].value_counts()
        rows.append([str(status), len(part), str(errors.index[0])[:1000] if len(errors) else ""])
    return rows


def _errors(found: pd.DataFrame) -> Json:
    """How many answers of each field are of each kind of error, as the cell's report counts them."""
    counts = error_counts(found)
    kinds = [kind for kind in CATEGORY_COLOURS if kind in counts.columns]
    return [[str(field), kind, int(counts.loc[field, kind])] for field in counts.index for kind in kinds]


def _confusion(tables: ReportTables) -> Json:
    """Classes of the gold, what was named instead, and how many samples of each; None where there are no classes."""
    counts = confusion(tables)
    if counts.empty:
        return None
    return {
        "gold": [str(each) for each in counts.index],
        "said": [str(each) for each in counts.columns],
        "counts": [[int(n) for n in row] for row in counts.to_numpy()],
    }


def _resources(facts: Mapping[str, JsonValue]) -> Json:
    """What the last run that asked took: name, and one figure, or mean and peak; only what was measured."""
    used = used_of(facts) or Usage()
    figures: dict[str, list[object]] = {
        "wall": [facts.get("wall_s")],
        "load": [facts.get("load_s")],
        "cpu": [used.cpu_mean, used.cpu_peak],
        "memory": [used.memory_mean_mib, used.memory_peak_mib],
        "gpus": [used.gpus or None],
        "gpu_memory": [used.gpu_memory_mean_mib, used.gpu_memory_peak_mib],
        "gpu_busy": [used.gpu_busy_mean, used.gpu_busy_peak],
    }
    return [[name, *numbers(each)] for name, each in figures.items() if any(figure is not None for figure in each)]


def _latency(latency: NDArray[np.float64]) -> Json:
    """Rows of a percentile, how many answers it needs, its value where there are as many, and how many there are."""
    return [[round(100 * share), fewest(share), number(percentile(latency, share)), len(latency)] for share in SHOWN]


def _answers(bench: Bench, tables: CellTables, headline: str, long: LongTexts) -> Json:
    answers, ids = tables.answers, tables.answers["sample_id"]
    rows = [int(row) for row in answers["row"]]
    texts = [
        long.short(row, {"answer": each["answer"], "error": each["error"]})
        for row, each in zip(rows, rows_of(answers), strict=True)
    ]
    by_metric = {str(name): part.set_index("sample_id") for name, part in tables.metrics.groupby("metric", sort=False)}
    names = [name for name in by_metric if name in bench.catalog.metrics]
    report = tables.report(bench, headline)
    kinds = all_kinds(report).set_index("sample_id")["kind"]
    score: pd.Series = tables.counted(headline, bench.metric(headline)) if headline else pd.Series(dtype=float)
    return {
        "rows": rows if rows != list(range(len(tables.samples))) else None,
        "status": coded(list(answers["status"])),
        "answer": [answer for answer, _ in texts],
        "error": coded([error for _, error in texts]),
        "score": numbers(list(score.reindex(ids))),
        "category": coded(list(kinds.reindex(ids).fillna(""))),
        "metrics": names,
        "values": [numbers(list(by_metric[name]["value"].reindex(ids))) for name in names],
        "latency": [None if pd.isna(each) else round(each) for each in answers["latency_ms"]],
        "tokens": [numbers(list(answers[name].astype(float))) for name in ("input_tokens", "output_tokens")],
        "long": long.at,
    }
