"""All tables as Parquet, one file each; text stays text, numbers are numbers, null is null."""

import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from vlmbench_sdk import ExchangeError, ExportJob, NoOptions

if TYPE_CHECKING:
    import pyarrow

    More = Mapping[str, tuple[pyarrow.DataType, Sequence[object]]]

WHOLE = frozenset({"attempts", "input_tokens", "output_tokens", "n", "n_scored", "documents"})
DECIMAL = frozenset({"latency_ms", "ttft_ms", "value", "weight", "coverage", "ci_low", "ci_high", "mde"})
LISTS = frozenset({"references", "images", "image_sha256"})
"""Columns that are JSON lists of texts in the CSV tables, and lists in Parquet."""
Rows = Sequence[Mapping[str, object]]


def write(job: ExportJob[NoOptions]) -> None:
    """Write `samples`, `answers`, `metrics` and `aggregates`.

    Raises:
        ExchangeError: When pyarrow is not installed.
    """
    for name, rows in tables(job).items():
        if rows:
            write_rows(job.out / f"{name}.parquet", rows)


def tables(job: ExportJob[NoOptions]) -> dict[str, list[dict[str, object]]]:
    """Rows of all tables, with the names of model and dataset in front."""
    found: dict[str, list[dict[str, object]]] = {"samples": [], "answers": [], "metrics": [], "aggregates": []}
    for dataset in job.datasets:
        found["samples"] += [
            {"dataset": dataset.name, **{name: _listed(name, value) for name, value in row.items()}}
            for row in dataset.samples
        ]
    for cell in job.cells:
        for name, rows in (("answers", cell.answers), ("metrics", cell.metrics), ("aggregates", cell.aggregates)):
            found[name] += [{"model": cell.model, "dataset": cell.dataset, **row} for row in rows]
    return found


def write_rows(path: Path, rows: Rows, more: "More | None" = None) -> None:
    """Write a table.

    Args:
        path: The file.
        rows: Its rows, all with the same columns.
        more: Further columns by name, with their types.

    Raises:
        ExchangeError: When pyarrow is not installed.
    """
    refuse_without_pyarrow()
    import pyarrow as pa
    from pyarrow import parquet

    columns: dict[str, pyarrow.Array] = {}
    for name in rows[0]:
        kind = pa.string()
        if name in LISTS:
            kind = pa.list_(pa.string())
        elif name in WHOLE:
            kind = pa.int64()
        elif name in DECIMAL:
            kind = pa.float64()
        columns[name] = pa.array([row[name] for row in rows], type=kind)
    for name, (kind, values) in (more or {}).items():
        columns[name] = pa.array(values, type=kind)
    table = pa.table(columns)
    features = {name: _feature(name) for name in columns}
    # How the `datasets` library of Hugging Face knows which columns are images.
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    parquet.write_table(table, path)


def _feature(name: str) -> dict[str, object]:
    if name == "pictures":
        return {"feature": {"_type": "Image"}, "_type": "List"}
    if name in LISTS:
        return {"feature": {"dtype": "string", "_type": "Value"}, "_type": "List"}
    kind = "int64" if name in WHOLE else "float64" if name in DECIMAL else "string"
    return {"dtype": kind, "_type": "Value"}


def _listed(name: str, value: object) -> object:
    return json.loads(str(value)) if name in LISTS else value


def refuse_without_pyarrow() -> None:
    """Say what to install.

    Raises:
        ExchangeError: When pyarrow is not installed.
    """
    if find_spec("pyarrow") is None:
        raise ExchangeError(
            "this format needs pyarrow, which is not installed",
            fix="Install it: pip install 'vlmbench-exchange[parquet]'",
        )
