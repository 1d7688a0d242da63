"""Golden vectors of every metric."""

import sys
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from tests.structure.scored import METRICS, combined, score
from vlmbench_sdk import MetricPlugin


def vectors_of(plugin: MetricPlugin) -> list[dict[str, Any]]:
    assert plugin.vectors is not None, plugin.name
    loaded = yaml.safe_load(plugin.vectors.read_text(encoding="utf-8"))
    return cast("list[dict[str, Any]]", loaded["vectors"])


VECTORS = [(name, each) for name, plugin in METRICS.items() for each in vectors_of(plugin)]


@pytest.mark.parametrize(("name", "vector"), VECTORS)
def test_golden_vectors(name: str, vector: dict[str, Any]) -> None:
    options = vector.get("options")
    if "cases" in vector:
        scores = [score(name, each["answer"], each["references"], options) for each in vector["cases"]]
        assert combined(name, scores, options) == pytest.approx(vector["value"], abs=1e-6)
        return
    found = score(name, vector["answer"], vector.get("references", ()), options)
    assert found.value == (vector["value"] if vector["value"] is None else pytest.approx(vector["value"], abs=1e-6))
    if "category" in vector:
        assert found.category == vector["category"]


@pytest.mark.parametrize("plugin", METRICS.values(), ids=lambda plugin: plugin.name)
def test_vectors_name_their_sources_and_both_a_right_and_a_wrong_answer(plugin: MetricPlugin) -> None:
    vectors = vectors_of(plugin)
    assert all(each["source"] for each in vectors)
    assert len({each["value"] for each in vectors} - {None}) > 1
    assert plugin.description


def test_conform_catches_a_rule_by_which_a_table_is_unlike_itself() -> None:
    from vlmbench_assets.conform import conform
    from vlmbench_sdk.plugins import load_plugins

    found = [*conform(load_plugins(), ["teds"], pythons=[Path(sys.executable)])]
    assert all(each.state == "ok" for each in found if not each.peer)
    caught = [each for each in found if each.peer.startswith("OCRBench") and each.source.startswith("identity")]
    assert [(each.state, each.found) for each in caught] == [("failed", "0.8")]
