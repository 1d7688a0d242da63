"""The canned queries, over a headline with categories and over one without, with failed answers and a missing gold."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from vlmbench_exchange.datasette_queries import canned_queries
from vlmbench_exchange.options import SqliteOptions
from vlmbench_exchange.sqlite import FILE, write
from vlmbench_sdk import ExportedCell, ExportedDataset, ExportedMetric, ExportJob, Row

ASKED = dict.fromkeys(("model", "other_model", "dataset", "field", "metric", "dimension"), "")
GIVEN = {"cer": {"right": 0.0, "near": 0.1, "far": 0.9}, "exact": {"right": 1.0, "near": 0.0, "far": 0.0}}
METRICS = (
    ExportedMetric("cer", "cer@1", higher_is_better=False, best=0.0),
    ExportedMetric("exact", "exact@1", higher_is_better=True, best=1.0),
)


def _sample(name: str, gold: list[str]) -> Row:
    texts = {
        "doc_type": "receipt",
        "field": "total",
        "subset": "clean",
        "question": "?",
        "references": json.dumps(gold),
    }
    return {"sample_id": name, **texts, "images": "[]", "image_sha256": "[]"}


def _cell(model: str, headline: str, answers: Mapping[str, str]) -> ExportedCell:
    """Answers by sample: `right`, `near`, `far`, or a status that failed."""
    failed = {sample: said for sample, said in answers.items() if said not in GIVEN["cer"]}
    metrics: list[Row] = []
    for metric, values in GIVEN.items():
        for sample, said in answers.items():
            value = None if sample == "no_gold" else values.get(said)
            category = "" if value is None or metric == "cer" else "correct" if value == 1 else "wrong_value"
            detail = "no gold" if sample == "no_gold" else ""
            names = {"sample_id": sample, "metric": metric, "category": category, "detail": detail}
            metrics.append({**names, "value": value, "weight": 1.0})
    return ExportedCell(
        model=model,
        dataset="d",
        answers=[
            {"sample_id": name, "answer": said, "status": failed.get(name, "ok"), "latency_ms": 1.0, "error": ""}
            for name, said in answers.items()
        ],
        metrics=metrics,
        aggregates=[],
        lineage={},
        facts={},
        headline=headline,
    )


@pytest.mark.parametrize("headline", ["cer", "exact"])
def test_failed_answers_are_wrong_and_a_metric_without_categories_is_judged_by_its_best(
    headline: str, tmp_path: Path
) -> None:
    samples = [_sample("s1", ["1"]), _sample("s2", ["2"]), _sample("s3", ["3"]), _sample("no_gold", [])]
    dataset = ExportedDataset("d", "", "", "", samples, tmp_path)
    one = _cell("one", headline, {"s1": "right", "s2": "near", "s3": "timeout", "no_gold": "far"})
    two = _cell("two", headline, {"s1": "far", "s2": "right", "s3": "right", "no_gold": "error"})
    write(ExportJob(out=tmp_path, options=SqliteOptions(), datasets=[dataset], cells=[one, two], metrics=METRICS))
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.row_factory = sqlite3.Row

        def rows(name: str, **asked: str) -> list[sqlite3.Row]:
            sql = str(canned_queries(["one", "two"])[name].metadata()["sql"])
            return database.execute(sql, {**ASKED, **asked}).fetchall()

        wrong = "not_best" if headline == "cer" else "wrong_value"
        worst = [(row["model"], row["sample_id"], row["verdict"]) for row in rows("worst_samples")]
        assert worst[0] == ("one", "s3", "failed")
        assert sorted(worst[1:]) == [("one", "s2", wrong), ("two", "s1", wrong)]
        fields = {row["model"]: dict(row) for row in rows("errors_by_field")}
        shown = ("samples", "correct", wrong, "failed", "unscored")
        assert [fields["one"][name] for name in shown] == [3, 1, 1, 1, 0]
        assert [fields["two"][name] for name in shown] == [3, 2, 1, 0, 0]
        pairs = {(row["sample_id"], row["right_model"], row["verdict"]) for row in rows("disagreements")}
        assert pairs == {("s1", "one", wrong), ("s2", "two", wrong), ("s3", "two", "failed")}
        beside = {row["sample_id"]: (row["one"], row["two"]) for row in rows("models_side_by_side")}
        assert beside["s3"] == ("✗ (timeout) timeout", "✓ right")
        assert beside["no_gold"] == ("far", "(error) error")


def test_the_leaderboard_is_round_and_tells_failures_and_latency(tmp_path: Path) -> None:
    samples = [_sample(name, ["1"]) for name in ("s1", "s2", "s3", "s4")]
    dataset = ExportedDataset("d", "", "", "", samples, tmp_path)
    names: Row = {"dimension": "overall", "group": "", "metric": "exact", "policy": "failures_worst", "n": 4}
    ends: Row = {"ci_low": 0.1 + 0.2, "ci_high": None, "coverage": 2 / 3}
    cells = []
    for model, value, times in (
        ("one", 0.49333333333333335, [1.0, 9.06, 2.0, None]),
        ("two", 1 / 3, [5.0, *[None] * 3]),
    ):
        cell = _cell(model, "exact", {"s1": "right", "s2": "timeout", "s3": "far", "s4": "error"})
        answers = [{**row, "latency_ms": time} for row, time in zip(cell.answers, times, strict=True)]
        cells.append(replace(cell, answers=answers, aggregates=[{**names, **ends, "value": value}]))
    write(ExportJob(out=tmp_path, options=SqliteOptions(), datasets=[dataset], cells=cells, metrics=METRICS))
    sql = str(canned_queries(["one", "two"])["leaderboard"].metadata()["sql"])
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        assert database.execute(sql, ASKED).fetchall() == [
            ("d", "one", "exact", 0.4933, 0.3, None, 0.6667, 4, 2, 2.0),
            ("d", "two", "exact", 0.3333, 0.3, None, 0.6667, 4, 2, None),
        ]


def test_every_query_runs_where_nothing_was_scored(tmp_path: Path) -> None:
    dataset = ExportedDataset("d", "", "", "", [_sample("s1", ["1"])], tmp_path)
    tokens = dict.fromkeys(("attempts", "input_tokens", "output_tokens"), 1)
    cell = _cell("one", "cer", {"s1": "right"})
    cell = replace(cell, metrics=[], answers=[{**row, **tokens} for row in cell.answers])
    write(ExportJob(out=tmp_path, options=SqliteOptions(), datasets=[dataset], cells=[cell]))
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        found = {
            name: database.execute(str(query.metadata()["sql"]), {**ASKED, "sample_id": "s1"}).fetchall()
            for name, query in canned_queries(["one"]).items()
        }
    assert [name for name, rows in found.items() if rows] == ["slowest"]
