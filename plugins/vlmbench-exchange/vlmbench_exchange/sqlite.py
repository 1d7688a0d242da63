"""One SQLite file with all tables and images, and metadata for Datasette with canned queries.

By Python's own sqlite3: what is written opens in sqlite-utils and Datasette, and needs neither.
"""

import json
import mimetypes
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from statistics import median

from vlmbench_exchange.datasette_queries import RESULTS, canned_queries, queries_html
from vlmbench_exchange.options import SqliteOptions
from vlmbench_sdk import ExchangeError, ExportedCell, ExportedDataset, ExportJob
from vlmbench_sdk.records import FAILED_STATUSES

FILE = "vlmbench.db"
TABLES = {
    "samples": "What was asked: one question about one document",
    "answers": "What each model said; exactly one row per sample asked",
    "metrics": "Every answer scored by every metric",
    "aggregates": "Scores by group, with intervals and coverage",
    "cells": "Which model met which dataset, the metric that ranks it, failures, the median latency, and what the "
    "answers were made from (JSON)",
    "metric_entries": "The metrics: which version of which, whether higher is better, and the best value",
    "images": "The images by SHA-256",
    "sample_images": "Which images a sample has, in page order",
}
KEYS = {
    "samples": ("dataset", "sample_id"),
    "answers": ("model", "dataset", "sample_id"),
    "metrics": ("model", "dataset", "sample_id", "metric"),
    "aggregates": ("model", "dataset", "dimension", "group", "metric", "policy"),
    "cells": ("model", "dataset"),
    "metric_entries": ("metric",),
    "images": ("sha256",),
    "sample_images": ("dataset", "sample_id", "page"),
}
NUMBERS = {
    **dict.fromkeys(
        (
            "attempts",
            "input_tokens",
            "output_tokens",
            "n",
            "n_scored",
            "documents",
            "page",
            "higher_is_better",
            "failed",
        ),
        "INTEGER",
    ),
    **dict.fromkeys(
        (
            "latency_ms",
            "median_latency_ms",
            "ttft_ms",
            "value",
            "weight",
            "coverage",
            "ci_low",
            "ci_high",
            "mde",
            "best",
        ),
        "REAL",
    ),
    "data": "BLOB",
}
ATTACHED = {"answers": "samples", "metrics": "answers", "sample_images": "images"}
"""Tables whose rows belong to rows of another, by the columns that are its key."""
UNSCORED = {
    "metrics": ("sample_id", "metric", "value", "weight", "category", "detail"),
    "aggregates": ("dimension", "group", "metric", "policy", "n", "coverage", "value", "ci_low", "ci_high"),
    "sample_images": ("sha256",),
    "metric_entries": ("metric_id", "higher_is_better", "best"),
}
"""Columns of tables that are there also where nothing was scored or shown, for the queries that read them."""
FEWEST_TIMES = 2
"""A median of fewer is only the largest, under another name."""
Value = str | float | int | bytes | None


def write(job: ExportJob[SqliteOptions]) -> None:
    """Write the file and its metadata.

    Raises:
        ExchangeError: When an image is not there any more, or SQLite cannot take a value.
    """
    tables: dict[str, list[dict[str, Value]]] = {name: [] for name in TABLES}
    for dataset in job.datasets:
        tables["samples"] += [{"dataset": dataset.name, **row} for row in dataset.samples]
        _images(dataset, tables, data=job.options.images == "data")
    for cell in job.cells:
        names: dict[str, Value] = {"model": cell.model, "dataset": cell.dataset}
        of_cell = {"answers": cell.answers, "metrics": cell.metrics, "aggregates": cell.aggregates}
        for table, found in of_cell.items():
            tables[table] += [{**names, **row} for row in found]
        lineage = json.dumps(dict(cell.lineage), ensure_ascii=False)
        tables["cells"].append({**names, "headline": cell.headline, **_figures(cell), "lineage": lineage})
    tables["metric_entries"] += [
        {
            "metric": each.name,
            "metric_id": each.metric_id,
            "higher_is_better": int(each.higher_is_better),
            "best": each.best,
        }
        for each in job.metrics
    ]
    try:
        with closing(sqlite3.connect(job.out / FILE)) as database, database:
            for name, rows in tables.items():
                _fill(database, name, rows)
            database.execute(RESULTS)
    except (sqlite3.Error, UnicodeEncodeError, OverflowError) as error:
        raise ExchangeError(f"SQLite cannot take it ({error})", fix="Export to another format") from error
    (job.out / "metadata.yaml").write_text("".join(_yaml(_metadata(job))), encoding="utf-8")
    (job.out / "datasette.yaml").write_text("".join(_yaml(_SETTINGS)), encoding="utf-8")


def _figures(cell: ExportedCell) -> dict[str, Value]:
    """What a query over all answers would take too long for: Datasette stops them after a second."""
    known = [row["latency_ms"] for row in cell.answers]
    times = [each for each in known if isinstance(each, int | float)]
    return {
        "failed": sum(row["status"] in FAILED_STATUSES for row in cell.answers),
        "median_latency_ms": median(times) if len(times) >= FEWEST_TIMES else None,
    }


def _images(dataset: ExportedDataset, tables: dict[str, list[dict[str, Value]]], *, data: bool) -> None:
    seen = {row["sha256"] for row in tables["images"]}
    for sample in dataset.samples:
        paths, digests = json.loads(str(sample["images"])), json.loads(str(sample["image_sha256"]))
        for page, (path, digest) in enumerate(zip(paths, digests, strict=True)):
            tables["sample_images"].append(
                {"dataset": dataset.name, "sample_id": sample["sample_id"], "page": page, "sha256": digest}
            )
            if digest in seen:
                continue
            seen.add(digest)
            file = dataset.image(path)
            mime = mimetypes.guess_type(path)[0] or "application/octet-stream"
            tables["images"].append(
                {
                    "sha256": digest,
                    # A path of this machine is of use only where it is looked up.
                    "path": path if data else str(file),
                    "mime": mime,
                    "data": file.read_bytes() if data else None,
                }
            )


def _fill(database: sqlite3.Connection, table: str, rows: Sequence[Mapping[str, object]]) -> None:
    columns = list(rows[0]) if rows else [*dict.fromkeys([*KEYS[table], *UNSCORED.get(table, ())])]
    lines = [f"{_quoted(name)} {NUMBERS.get(name, 'TEXT')}" for name in columns]
    lines.append(f"PRIMARY KEY ({_listed(KEYS[table])})")
    if table in ATTACHED:
        keys = _listed(KEYS[ATTACHED[table]])
        lines.append(f"FOREIGN KEY ({keys}) REFERENCES {_quoted(ATTACHED[table])} ({keys})")
    database.execute(f"CREATE TABLE {_quoted(table)} ({', '.join(lines)})")
    # Names of columns are ours; values are bound, whatever they hold.
    marks = ", ".join("?" * len(columns))
    values = ([row[name] for name in columns] for row in rows)
    database.executemany(f"INSERT INTO {_quoted(table)} VALUES ({marks})", values)  # noqa: S608


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_SETTINGS: Mapping[str, object] = {
    # Pictures of documents are larger than the 100 KB that this plugin of Datasette shows by itself.
    "plugins": {"datasette-render-images": {"size_limit": 10_000_000}},
    "settings": {"default_page_size": 50, "truncate_cells_html": 400},
}


def _metadata(job: ExportJob[SqliteOptions]) -> Mapping[str, object]:
    models = list(dict.fromkeys(cell.model for cell in job.cells))
    queries = canned_queries(models)
    licences = "; ".join(f"{each.name}: {each.licence}" for each in job.datasets if each.licence)
    return {
        "title": "Results of VLMHyperBench",
        "description_html": queries_html(queries),
        "license": f"of the datasets: {licences or 'not said'}",
        "databases": {
            "vlmbench": {
                "description_html": queries_html(queries),
                "queries": {name: query.metadata() for name, query in queries.items()},
                "tables": {
                    **{name: {"description": says} for name, says in TABLES.items()},
                    "aggregates": {
                        "description": TABLES["aggregates"],
                        "facets": ["model", "dataset", "dimension", "metric", "policy"],
                        "sort_desc": "value",
                    },
                    "answers": {"description": TABLES["answers"], "facets": ["model", "dataset", "status"]},
                    "metrics": {"description": TABLES["metrics"], "facets": ["model", "metric", "category"]},
                },
            }
        },
    }


def _yaml(value: Mapping[str, object], depth: int = 0) -> Iterable[str]:
    """Mappings as blocks, everything else as JSON, which is YAML too."""
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield f"{'  ' * depth}{key}:\n"
            yield from _yaml(item, depth + 1)
        else:
            yield f"{'  ' * depth}{key}: {json.dumps(item, ensure_ascii=False)}\n"
