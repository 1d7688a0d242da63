"""The conformance checks pass for what ships, and catch what breaks a promise."""

from dataclasses import replace
from pathlib import Path

import pytest

from vlmbench_sdk import (
    Case,
    Cases,
    DatasetReaderPlugin,
    MetricPlugin,
    ModelPlugin,
    NoOptions,
    NormalizerPlugin,
    Request,
    Score,
    Scores,
)
from vlmbench_sdk.plugins import load_plugins
from vlmbench_sdk.testing import Golden, check_many, check_metric, check_model, check_normalizer, check_reader

HERE = "test_sdk_testing"


def out_of_range(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - a scorer's signature
    return Score(value=float(len(case.answer)))


def same(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - a scorer's signature
    right = case.normalize(case.answer) in map(case.normalize, case.references)
    return Score(value=float(right), category="correct" if right else "wrong_value")


def many_same(cases: Cases, options: NoOptions) -> Scores:  # noqa: ARG001 - a scorer's signature
    rows = zip(cases.normalize(cases.answers), map(cases.normalize, cases.references), strict=True)
    right = [answer in golds for answer, golds in rows]
    return Scores([float(each) for each in right], (), ["correct" if each else "wrong_value" for each in right])


def many_first(cases: Cases, options: NoOptions) -> Scores:
    """Looks at the first reference only."""
    return many_same(replace(cases, references=[golds[:1] for golds in cases.references]), options)


def many_fewer(cases: Cases, options: NoOptions) -> Scores:
    return many_same(replace(cases, answers=cases.answers[1:], references=cases.references[1:]), options)


def many_unnamed(cases: Cases, options: NoOptions) -> Scores:
    return Scores(many_same(cases, options).values)


def grows(text: str) -> str:
    return text + "!"


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parent)


def test_shipped_plugins_keep_their_promises() -> None:
    plugins = load_plugins()
    for normalizer in plugins.normalizers.values():
        check_normalizer(normalizer)
    check_metric(
        plugins.metrics["exact_match"],
        [Golden(answer="a", references=("a",), value=1.0), Golden(answer="a", references=("b",), value=0.0)],
    )
    samples = check_reader(plugins.dataset_readers["synthetic"], None, {"documents": 1, "conditions": ["clean"]})
    requests = [Request(sample_id=sample.sample_id, images=sample.images, prompt="p") for sample in samples]
    assert [answer.answer for answer in check_model(plugins.models["echo"], requests)] == ["p"] * len(requests)


def test_many_are_held_against_one_by_one() -> None:
    def metric(many: str) -> MetricPlugin:
        return MetricPlugin(name="same", version=1, score=f"{HERE}:same", score_many=f"{HERE}:{many}")

    check_many(metric("many_same"))
    with pytest.raises(AssertionError, match=r"score_many gives value 0\.0 to .* score gives 1\.0"):
        check_many(metric("many_first"))
    with pytest.raises(AssertionError, match="of value for"):
        check_many(metric("many_fewer"))
    with pytest.raises(AssertionError, match=r"score_many gives category '' to .* score gives 'correct'"):
        check_many(metric("many_unnamed"))


def test_broken_promises_are_named() -> None:
    metric = MetricPlugin(name="long", version=1, score=f"{HERE}:out_of_range")
    with pytest.raises(AssertionError, match=r"is 1\.0, not 0\.5"):
        check_metric(metric, [Golden(answer="a", references=("a",), value=0.5)])
    with pytest.raises(AssertionError, match="above its upper end"):
        check_metric(metric, [Golden(answer="a", references=("a",), value=1.0)])
    with pytest.raises(AssertionError, match="not idempotent"):
        check_normalizer(NormalizerPlugin(name="grows", version=1, function=f"{HERE}:grows"))
    with pytest.raises(AssertionError, match="not a subclass"):
        check_model(ModelPlugin(name="no", backend=f"{HERE}:grows"), [])
    reader = DatasetReaderPlugin(name="no", read=f"{HERE}:read_nothing_there")
    with pytest.raises(AssertionError, match="does not exist"):
        check_reader(reader)


def read_nothing_there(job: object) -> list[object]:  # noqa: ARG001 - a reader's signature
    from vlmbench_sdk import Sample

    return [Sample(sample_id="a", doc_id="a", images=("nowhere.png",))]
