"""Metrics made from all scores of a group: both policies, intervals by resampling, the same each time."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from tests.work.cells import EXACT, Row, tables_of
from vlmbench_assets.work.aggregate import aggregate
from vlmbench_assets.work.compare import Scored, compare
from vlmbench_sdk import MetricPlugin, Score

F1 = EXACT.model_copy(update={"combine": "nowhere:combine"})
PLUGINS: dict[str, MetricPlugin] = {"exact_match": F1}


def macro_f1(scores: Sequence[Score]) -> float | None:
    """`detail` is `gold predicted`; the mean of the classes' F1."""
    pairs = [[*each.detail.split(" "), ""][:2] for each in scores]
    classes = sorted({gold for gold, _ in pairs})
    found = []
    for name in classes:
        right = sum(gold == said == name for gold, said in pairs)
        found.append(2 * right / (sum(gold == name for gold, _ in pairs) + sum(said == name for _, said in pairs)))
    return sum(found) / len(found) if found else None


def rows_of(count: int, seed: int = 4, failing: int = 0) -> list[Row]:
    chance = np.random.default_rng(seed)
    rows = []
    for number in range(count):
        gold = str(chance.choice(["a", "b", "c"], p=[0.6, 0.3, 0.1]))
        said = gold if chance.random() < 0.8 else str(chance.choice(["a", "b", "c"]))
        failed = number < failing
        rows.append(
            Row(
                f"s{number:03d}",
                f"d{number // 2:03d}",
                {"exact_match": None if failed else float(gold == said)},
                status="error" if failed else "ok",
                detail=f"{gold} {'' if failed else said}",
                field="total" if number % 2 else "date",
            )
        )
    return rows


def aggregated(rows: list[Row], *dimensions: str) -> pd.DataFrame:
    return aggregate(*tables_of(rows), PLUGINS, dimensions or ("overall",), {"exact_match": macro_f1})


def test_a_failed_answer_is_a_miss_of_its_class_or_left_out() -> None:
    rows = rows_of(60, failing=10)
    worst, answered = aggregated(rows).to_dict("records")
    details = [Score(value=0.0, detail=row.detail) for row in rows]
    assert worst["value"] == pytest.approx(macro_f1(details))
    assert answered["value"] == pytest.approx(macro_f1(details[10:]))
    assert (worst["n_scored"], answered["n_scored"], worst["documents"]) == (60, 50, 30)
    assert worst["ci_method"] == "bootstrap_error"
    assert worst["ci_low"] < worst["value"] < worst["ci_high"]


def test_groups_and_order() -> None:
    rows = rows_of(60)
    found = aggregated(rows, "overall", "field")
    assert found["group"].tolist() == ["all", "all", "date", "date", "total", "total"]
    pd.testing.assert_frame_equal(found, aggregated(rows[::-1], "overall", "field"))
    assert aggregated(rows[:6])["ci_method"].tolist() == ["too_few_documents"] * 2


def test_two_states_by_such_a_metric() -> None:
    one, two = (Scored(*tables_of(rows)) for rows in (rows_of(80, seed=1), rows_of(80, seed=1, failing=60)))
    found = compare(one, two, "exact_match", F1, combine=macro_f1).overall
    assert found.verdict == "worse"
    assert found.low is not None
    assert found.difference is not None
    assert found.low < found.difference < 0
    same = compare(one, one, "exact_match", F1, combine=macro_f1).overall
    assert (same.difference, same.verdict) == (0.0, "no difference")
