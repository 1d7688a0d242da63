"""What the host writes for samples without gold, for failed answers, and for metrics that combine."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

import vlmbench_structure
from tests.work.cells import Row, tables_of
from vlmbench_assets.work.aggregate import aggregate
from vlmbench_assets.work.score import LoadedMetric, cases_to_score, load_metric, score
from vlmbench_sdk.entries import MetricEntry
from vlmbench_sdk.plugins import load_plugins

PLUGINS = load_plugins().metrics


def _loaded(name: str) -> LoadedMetric:
    options = {"kind": "inn"} if name == "checksum" else {}
    return load_metric(name, MetricEntry(plugin=name, options=options), PLUGINS[name], {})


def _scored(name: str, rows: list[Row]) -> pd.DataFrame:
    samples, answers, _ = tables_of(rows)
    return score(samples, answers, [_loaded(name)]).set_index("sample_id")


def _row(sample: str, answer: str, references: tuple[str, ...], status: str = "ok") -> Row:
    return Row(sample, sample, {}, answer=answer, references=references, status=status)


def test_a_rule_that_needs_no_gold_scores_samples_without_any() -> None:
    rows = [_row("a", "1234567894", ()), _row("b", "1234567895", ()), _row("c", "", (), status="error")]
    table = _scored("checksum", rows)
    assert table["value"].tolist()[:2] == [1.0, 0.0]
    assert table["value"].isna().tolist() == [False, False, True]
    assert table.loc["c", "detail"] == "error"
    samples, answers, _ = tables_of(rows)
    assert len(cases_to_score(samples, answers, _loaded("checksum"), None)) == 3
    assert cases_to_score(samples, answers, _loaded("teds"), None) == []
    assert _scored("teds", rows)["detail"].tolist() == ["no gold"] * 3
    metrics = score(samples, answers, [_loaded("checksum")])
    found = aggregate(samples, answers, metrics, {"checksum": PLUGINS["checksum"]}, ["overall"]).set_index("policy")
    assert found.loc["failures_worst", "value"] == pytest.approx(1 / 3)
    assert found.loc["answered_only", "value"] == pytest.approx(1 / 2)


@pytest.mark.parametrize("name", ["numeric_tolerance", "date_tolerance", "field_f1", "kie_f1", "box_iou", "teds"])
@pytest.mark.parametrize(("answer", "status"), [("5", "ok"), ("", "ok"), ("words", "ok"), ("", "timeout")])
def test_gold_that_a_metric_cannot_use_is_none_whatever_is_said(name: str, answer: str, status: str) -> None:
    table = _scored(name, [_row("a", answer, ("n/a",), status=status)])
    assert table["value"].isna().tolist() == [True]
    assert table.loc["a", "detail"] == "no gold"


def test_boxes_that_overlap_by_half_are_right() -> None:
    shipped = Path(vlmbench_structure.__file__).parent / "registries/metrics/box_iou_50.yaml"
    entry = MetricEntry.model_validate(yaml.safe_load(shipped.read_text(encoding="utf-8")))
    loaded = load_metric("box_iou_50", entry, PLUGINS["box_iou"], {})
    answers, gold = ["[0, 0, 10, 10]", "[0, 0, 10, 5]", "[0, 0, 10, 4.9]", "[]"], ("[0, 0, 10, 10]",)
    found = loaded.score(answers, [gold] * 4, ["box"] * 4)
    assert found.values == [1.0, 1.0, 0.0, 0.0]
    assert found.categories == ["correct", "correct", "wrong_value", "missing"]


def test_a_failed_answer_keeps_its_gold_for_what_combines() -> None:
    table = _scored("class_f1", [_row("a", "x", ("x",)), _row("b", "", ("y",), status="timeout")])
    assert table["value"].isna().tolist() == [False, True]
    assert table.loc["b", "detail"] == '{"gold": "y", "said": "(unparsed)"}'
    table = _scored("kie_f1", [_row("a", "", ('{"a": 1, "b": 2}',), status="refused")])
    assert table.loc["a", "detail"] == '{"correct": 0, "answer": 0, "gold": 2}'


@pytest.mark.parametrize("status", ["ok", "error"])
def test_a_sample_that_a_metric_has_no_gold_for_is_not_counted_failed_or_not(status: str) -> None:
    rows = [_row("there", "x", ("x",), status=status), _row("absent", "", ("",))]
    samples, answers, _ = tables_of(rows)
    metrics = score(samples, answers, [_loaded("absent_hallucination")])
    assert metrics["detail"].tolist()[0] == "no gold"
    plugins = {"absent_hallucination": PLUGINS["absent_hallucination"]}
    found = aggregate(samples, answers, metrics, plugins, ["overall"]).set_index("policy")
    assert found["value"].tolist() == [0.0, 0.0]
