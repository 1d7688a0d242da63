"""A dataset as the Hub of Hugging Face has them: Parquet with the images inside, and a card."""

import json
from typing import TYPE_CHECKING

from vlmbench_exchange.parquet import refuse_without_pyarrow, tables, write_rows
from vlmbench_sdk import ExportedDataset, ExportJob, NoOptions

if TYPE_CHECKING:
    import pyarrow


def write(job: ExportJob[NoOptions]) -> None:
    """Write the folder: `samples/DATASET.parquet` with pictures, the other tables, and `README.md`.

    Raises:
        ExchangeError: When pyarrow is not installed, or an image is not there any more.
    """
    refuse_without_pyarrow()
    (job.out / "samples").mkdir()
    (job.out / "results").mkdir()
    rows = tables(job)
    for dataset in job.datasets:
        own = [row for row in rows["samples"] if row["dataset"] == dataset.name]
        if own:
            write_rows(job.out / "samples" / f"{dataset.name}.parquet", own, {"pictures": _pictures(dataset)})
    for name in ("answers", "metrics", "aggregates"):
        if rows[name]:
            write_rows(job.out / "results" / f"{name}.parquet", rows[name])
    present = [name for name in ("answers", "metrics", "aggregates") if rows[name]]
    (job.out / "README.md").write_text(_card(job, present), encoding="utf-8")


def _pictures(dataset: ExportedDataset) -> "tuple[pyarrow.DataType, list[object]]":
    import pyarrow as pa

    kind = pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    found: list[object] = []
    for row in dataset.samples:
        names = json.loads(str(row["images"]))
        found.append([{"bytes": dataset.image(name).read_bytes(), "path": name} for name in names])
    return kind, found


def _card(job: ExportJob[NoOptions], present: list[str]) -> str:
    lines = ["---", "pretty_name: Results of VLMHyperBench", "configs:"]
    shown = [(f"samples-{each.name}", f"samples/{each.name}.parquet") for each in job.datasets]
    for name, path in [*shown, *((name, f"results/{name}.parquet") for name in present)]:
        lines += [
            f"- config_name: {json.dumps(name)}",
            "  data_files:",
            "  - split: test",
            f"    path: {json.dumps(path)}",
        ]
    lines += ["---", "", "# Results of VLMHyperBench", ""]
    lines += ["| model | dataset | answers |", "|---|---|---|"]
    lines += [f"| {each.model} | {each.dataset} | {len(each.answers)} |" for each in job.cells]
    for dataset in job.datasets:
        lines += ["", f"## {dataset.name}", ""]
        said = (("", dataset.description), ("Licence: ", dataset.licence or "not said"), ("Cite: ", dataset.citation))
        lines += [f"{before}{text}\n" for before, text in said if text]
    return "\n".join(lines).rstrip() + "\n"
