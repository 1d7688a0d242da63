"""What do aggregates and comparisons cost? Run: python benchmarks/intervals.py"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from vlmbench_assets.contracts import ANSWERS, METRICS, SAMPLES, Contract
from vlmbench_assets.tables import read_table, write_table
from vlmbench_assets.work.aggregate import aggregate
from vlmbench_assets.work.compare import Scored, compare
from vlmbench_sdk import MetricPlugin

DIMENSIONS = (
    "overall",
    "field",
    "subset",
    "doc_type",
    "language",
    "pages",
    "attributes.vendor",
    "field*doc_type",
    "field*subset",
    "doc_id",
)
FIELDS = 4


def tables(samples: int, documents: int, metrics: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """A cell: four fields a document, in some of seven conditions; half of the metrics are corpus-level, 3 % failed."""
    chance = np.random.default_rng(7)
    number = np.arange(samples)
    document = number * documents // samples
    ids = pd.Series(number).map("s{:07d}".format)
    pages = ['["a.png"]', '["a.png", "b.png"]', '["a.png", "b.png", "c.png"]']
    vendor = pd.Series(document % 50).map('{{"vendor": "v{:02d}"}}'.format)
    said = pd.DataFrame(
        {
            "sample_id": ids,
            "doc_id": pd.Series(document).map("d{:07d}".format),
            "split": "test",
            "subset": (pd.Series(number // FIELDS % 7)).map("condition {}".format),
            "doc_type": pd.Series(document % 3).map("type {}".format),
            "field": pd.Series(number % FIELDS).map("field {}".format),
            "question": "What is it?",
            "references": '["gold"]',
            "answer_type": "text",
            "images": pd.Series(document % 3).map(dict(enumerate(pages))),
            "image_sha256": "[]",
            "language": pd.Series(document % 2).map({0: "en", 1: "ru"}),
            "attributes": vendor,
        }
    ).astype(str)
    failed = chance.random(samples) < 0.03
    answers = pd.DataFrame(dict.fromkeys(ANSWERS.columns, ""), index=ids.index).assign(
        sample_id=ids, status=np.where(failed, "error", "ok"), answer="said", error=np.where(failed, "gone", "")
    )
    for name in ANSWERS.columns:
        if ANSWERS.is_number(name):
            answers[name] = pd.Series(1, index=ids.index, dtype=ANSWERS.schema.columns[name].dtype.type)
    hard = chance.beta(4, 1, documents)[document]
    parts = []
    for metric in range(metrics):
        value = (chance.random(samples) < hard).astype(float) if metric % 2 else chance.beta(5, 1, samples) * hard
        parts.append(
            pd.DataFrame(
                {
                    "sample_id": ids,
                    "metric": f"metric {metric:02d}",
                    "value": np.where(failed, np.nan, value),
                    "weight": np.ceil(chance.lognormal(2.3, 0.7, samples)),
                    "category": "",
                    "detail": np.where(failed, "error", ""),
                }
            )
        )
    return said, answers.astype({"answered_at": str}), pd.concat(parts, ignore_index=True)


def plugins(metrics: int) -> dict[str, MetricPlugin]:
    return {
        f"metric {each:02d}": MetricPlugin(
            name="m", version=1, score="nowhere:score", aggregate="mean" if each % 2 else "corpus"
        )
        for each in range(metrics)
    }


def measured(samples: int, documents: int, metrics: int) -> None:
    said, answers, scores = tables(samples, documents, metrics)
    start, cpu = time.perf_counter(), time.process_time()
    frame = aggregate(said, answers, scores, plugins(metrics), DIMENSIONS)
    wall, used = time.perf_counter() - start, time.process_time() - cpu
    drawn = int(frame["ci_method"].str.startswith("bootstrap_t").sum())
    print(
        f"| {samples:,} | {documents:,} | {metrics} | {len(DIMENSIONS)} | {len(frame):,} | {drawn:,} "
        f"| {wall:.1f} | {used:.1f} |",
        flush=True,
    )


def compared(samples: int, documents: int) -> None:
    said, answers, scores = tables(samples, documents, 2)
    name, plugin = "metric 01", plugins(2)["metric 01"]
    other = scores.assign(value=scores["value"].where(np.arange(len(scores)) % 11 > 0, 1 - scores["value"]))
    start = time.perf_counter()
    compare(Scored(said, answers, scores), Scored(said, answers, other), name, plugin, ("field", "subset"))
    print(f"two models on {samples:,} samples of {documents:,} documents: {time.perf_counter() - start:.1f} s")


def large(rows: int, folder: Path) -> None:
    """Read the tables of a large cell, aggregate, and write; in a process of its own, whose peak is told."""
    metrics = 5
    said, answers, scores = tables(rows // metrics, rows // metrics // FIELDS, metrics)
    pieces: list[tuple[pd.DataFrame, Contract]] = [(said, SAMPLES), (scores, METRICS)]
    for frame, contract in pieces:
        write_table(frame[contract.columns], contract, folder / f"{contract.name}.csv")
    answers[["sample_id", "status"]].to_csv(folder / "answers.csv", index=False)
    subprocess.run([sys.executable, __file__, "--cell", str(folder)], check=True)


def cell(folder: Path) -> None:
    start = time.perf_counter()
    said = read_table(folder / "samples.csv", SAMPLES)
    scores = read_table(folder / "metrics.csv", METRICS)
    answers = pd.read_csv(folder / "answers.csv")
    middle = time.perf_counter()
    aggregate(said, answers, scores, plugins(5), DIMENSIONS)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"cell of {len(scores):,} scores: read in {middle - start:.0f} s, aggregated in "
        f"{time.perf_counter() - middle:.0f} s, at most {peak:.2f} GiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cell", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000, help="scores in the large cell")
    arguments = parser.parse_args()
    if arguments.cell:
        cell(arguments.cell)
        return
    print("| samples | documents | metrics | dimensions | rows | bootstrapped | s | CPU s |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|")
    for samples, documents, metrics in ((5_000, 1_250, 20), (100_000, 2_000, 20), (100_000, 25_000, 20)):
        measured(samples, documents, metrics)
    compared(100_000, 25_000)
    with tempfile.TemporaryDirectory() as folder:
        large(arguments.rows, Path(folder))


if __name__ == "__main__":
    main()
