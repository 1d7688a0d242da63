"""Intervals: worked by hand, against an independent formula, and against resampled documents."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from vlmbench_assets.work.statistics import Estimate, FloatArray, IntArray, estimate


def _estimate(
    values: list[float],
    documents: list[int],
    weights: list[float] | None = None,
    lower: float | None = 0.0,
    upper: float | None = 1.0,
) -> Estimate:
    return estimate(
        np.array(values, dtype=float),
        np.array(weights or [1.0] * len(values)),
        np.array(documents, dtype=np.int64),
        lower=lower,
        upper=upper,
    )


def test_an_interval_worked_by_hand() -> None:
    # Mean 3/5; residual sums of the documents -0.2, 0.8, -0.6; variance 3/2 * 1.04 / 25; t(0.975, 2) = 4.30265.
    found = _estimate([1, 0, 1, 1, 0], [0, 0, 1, 1, 2], lower=None, upper=None)
    half = 4.302652729911275 * (1.5 * 1.04 / 25) ** 0.5
    assert found.value == pytest.approx(0.6)
    assert found.low == pytest.approx(0.6 - half)
    assert found.high == pytest.approx(0.6 + half)
    assert found.method == "cluster_t"


def test_a_corpus_ratio_worked_by_hand() -> None:
    # One edit in 2 characters and none in 8: 1/10. Residual sums 2 * 0.4 and 8 * -0.1; variance 2 * 1.28 / 100.
    found = _estimate([0.5, 0.0], [0, 1], [2, 8], upper=None)
    assert found.value == pytest.approx(0.1)
    assert found.high == pytest.approx(0.1 + stats.t.ppf(0.975, 1) * 0.0256**0.5)
    assert found.low == 0.0


def test_samples_of_one_document_do_not_make_the_interval_narrower() -> None:
    once = _estimate([1, 0, 1, 1], [0, 1, 2, 3], lower=None, upper=None)
    ten_times = _estimate([1, 0, 1, 1] * 10, [0, 1, 2, 3] * 10, lower=None, upper=None)
    assert ten_times.low == pytest.approx(once.low)
    assert ten_times.high == pytest.approx(once.high)


def test_the_interval_stays_in_the_metrics_range() -> None:
    found = _estimate([1, 0, 1, 1, 0], [0, 0, 1, 1, 2])
    assert (found.low, found.high) == (0.0, 1.0)


@pytest.mark.parametrize("weights", [None, [0.0, 0.0]])
def test_nothing_to_average_is_null(weights: list[float] | None) -> None:
    assert _estimate([0.5, 0.5] if weights else [], [0, 1] if weights else [], weights) == Estimate(None)


def test_one_document_has_a_score_but_no_interval() -> None:
    assert _estimate([1, 0], [3, 3]) == Estimate(0.5)


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
def test_documents_that_all_score_the_same_are_no_certainty(score: float) -> None:
    few, many = _estimate([score] * 5, list(range(5))), _estimate([score] * 50, list(range(50)))
    for found in (few, many):
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= score <= found.high <= 1
        assert found.method not in {"", "cluster_t"}
    assert few.high is not None
    assert few.low is not None
    assert many.high is not None
    assert many.low is not None
    assert few.high - few.low > many.high - many.low > 0.05


def test_a_perfect_score_of_ten_documents_has_the_wilson_interval() -> None:
    # n / (n + z²) with z = 1.96: 10 / 13.8415.
    assert _estimate([1] * 10, list(range(10))).low == pytest.approx(0.72247, abs=1e-5)


def test_an_unbounded_metric_without_spread_has_no_interval() -> None:
    assert _estimate([0.25, 0.25], [0, 1], upper=None) == Estimate(0.25)


def test_a_score_outside_of_its_range_is_still_a_number() -> None:
    assert _estimate([5.0, 5.0], [0, 1]).value == 5.0


cells = st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 20), st.integers(0, 6)), min_size=2, max_size=40).filter(
    lambda rows: len({row[2] for row in rows}) > 1
)


@given(cells)
def test_it_equals_the_sandwich_estimator(rows: list[tuple[float, float, int]]) -> None:
    x, w, g = (np.array(column) for column in zip(*rows, strict=True))
    found = estimate(x, w, g.astype(np.int64), lower=None, upper=None)
    mean = float(np.average(x, weights=w))
    assert found.value == pytest.approx(mean)
    # The regression of x on a constant: bread 1 / Σw, meat Σ u u' over documents.
    membership = (g[:, None] == np.unique(g)[None, :]).astype(float)
    scores = membership.T @ (w * (x - mean))
    count = membership.shape[1]
    error = float(np.sqrt(count / (count - 1) * scores @ scores)) / float(w.sum())
    if found.method == "cluster_t":
        assert found.high == pytest.approx(mean + stats.t.ppf(0.975, count - 1) * error)
    else:
        assert error == pytest.approx(0, abs=1e-8)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_it_agrees_with_a_bootstrap_of_documents(seed: int) -> None:
    random = np.random.default_rng(seed)
    documents, fields = 120, 4
    g: IntArray = np.repeat(np.arange(documents), fields)
    hard = random.beta(2, 2, documents)
    x: FloatArray = (random.random(documents * fields) < hard[g]).astype(float)
    w = random.integers(1, 20, documents * fields).astype(float)
    found = estimate(x, w, g, lower=None, upper=None)
    top, bottom = np.bincount(g, w * x), np.bincount(g, w)
    drawn = random.integers(0, documents, (4000, documents))
    low, high = np.quantile(top[drawn].sum(axis=1) / bottom[drawn].sum(axis=1), [0.025, 0.975])
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == pytest.approx(high - low, rel=0.15)
    assert found.low == pytest.approx(low, abs=0.03)
