"""The conformance checks pass for what ships, and catch what breaks a promise."""

from pathlib import Path

import pytest

from vlmbench_sdk import (
    Case,
    DatasetReaderPlugin,
    MetricPlugin,
    ModelPlugin,
    NoOptions,
    NormalizerPlugin,
    Request,
    Score,
)
from vlmbench_sdk.plugins import load_plugins
from vlmbench_sdk.testing import Golden, check_metric, check_model, check_normalizer, check_reader

HERE = "test_sdk_testing"


def out_of_range(case: Case, options: NoOptions) -> Score:  # noqa: ARG001 - a scorer's signature
    return Score(value=float(len(case.answer)))


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
