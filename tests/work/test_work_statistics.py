"""Intervals as the aggregates have them: worked by hand, against an independent formula and resampled documents."""

import importlib.util
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.support import REPOSITORY
from vlmbench_assets.work.aggregate import aggregate
from vlmbench_assets.work.statistics import (
    POWER,
    Estimate,
    FloatArray,
    IntArray,
    by_error,
    intervals,
    symmetric,
    t_quantile,
)
from vlmbench_sdk import MetricPlugin


def _estimate(
    values: list[float],
    documents: list[int],
    weights: list[float] | None = None,
    lower: float | None = 0.0,
    upper: float | None = 1.0,
) -> Estimate:
    """The overall row of the aggregates of some scores; its error is worked back from `mde`."""
    names = [f"s{number}" for number in range(len(values))]
    samples = pd.DataFrame({"sample_id": names, "doc_id": [f"d{number:04d}" for number in documents]})
    answers = pd.DataFrame({"sample_id": names, "status": "ok"})
    metrics = pd.DataFrame({"sample_id": names, "metric": "m", "value": np.array(values, dtype=float), "detail": ""})
    metrics["weight"] = np.array(weights or [1.0] * len(values), dtype=float)
    worst = 0.0 if lower is None else lower
    plugin = MetricPlugin(
        name="m", version=1, score="no:where", lower=lower, upper=upper, worst=worst, aggregate="corpus"
    )
    table = aggregate(samples, answers, metrics, {"m": plugin}, ["overall"])
    row = table[table["policy"] == "answered_only"].iloc[0]
    value, low, high, least = (
        None if pd.isna(row[name]) else float(row[name]) for name in ("value", "ci_low", "ci_high", "mde")
    )
    degrees = int(row["documents"]) - 1
    error = None if least is None else least / (t_quantile(degrees) + t_quantile(degrees, POWER)) / 2**0.5
    return Estimate(value, low, high, str(row["ci_method"]), error)


def test_a_value_and_its_error_worked_by_hand() -> None:
    # Values 0.2 to 0.8: mean 0.5; of single values the jackknife's error is s / √n = √(0.26 / 4) / √5.
    found = _estimate([0.2, 0.8, 0.3, 0.7, 0.5], [0, 1, 2, 3, 4])
    assert found.value == pytest.approx(0.5)
    assert found.error == pytest.approx((0.26 / 4 / 5) ** 0.5, rel=1e-5)
    assert found.method == "bootstrap_t_few"


def test_a_corpus_ratio_worked_by_hand() -> None:
    # 1 edit in 2 characters, none in 8, 1 in 10, 2 in 10, none in 10: 4 / 40. Left out one by one:
    # 3/38, 4/32, 3/30, 2/30, 4/30; 4/5 of the sum of their squared distances to their mean.
    found = _estimate([0.5, 0, 0.1, 0.2, 0], [0, 1, 2, 3, 4], [2, 8, 10, 10, 10], upper=None)
    left = np.array([3 / 38, 4 / 32, 3 / 30, 2 / 30, 4 / 30])
    assert found.value == pytest.approx(0.1)
    assert found.error == pytest.approx((0.8 * ((left - left.mean()) ** 2).sum()) ** 0.5, rel=1e-5)
    assert found.low is not None
    assert found.low > 0


def test_samples_of_one_document_do_not_make_the_interval_narrower() -> None:
    once = _estimate([1, 0, 1, 1, 0.5, 0.2], list(range(6)), lower=None, upper=None)
    ten_times = _estimate([1, 0, 1, 1, 0.5, 0.2] * 10, list(range(6)) * 10, lower=None, upper=None)
    assert (ten_times.low, ten_times.high) == (once.low, once.high)


def test_it_does_not_matter_on_what_scale_a_score_is_given() -> None:
    scores = [0.9, 0.4, 0.7, 1.0, 0.3, 0.8, 0.2, 0.9]
    one = _estimate(scores, list(range(8)))
    percent = _estimate([100 * each for each in scores], list(range(8)), upper=100.0)
    errors = _estimate([1 - each for each in scores], list(range(8)))
    moved = _estimate([each + 5 for each in scores], list(range(8)), lower=5.0, upper=6.0)
    assert one.low is not None
    assert one.high is not None
    assert [percent.low, percent.high] == pytest.approx([100 * one.low, 100 * one.high])
    assert [errors.low, errors.high] == pytest.approx([1 - one.high, 1 - one.low], abs=1e-5)
    assert [moved.low, moved.high] == pytest.approx([5 + one.low, 5 + one.high], abs=1e-5)


def test_the_interval_stays_in_the_metrics_range() -> None:
    for found in (
        _estimate([1, 0, 1, 1, 1, 1], list(range(6))),
        _estimate([0, 0, 0, 0, 9], list(range(5)), upper=None),
    ):
        assert found.low is not None
        assert found.high is not None
        assert found.value is not None
        assert 0 <= found.low < found.value < found.high


@pytest.mark.parametrize("weights", [None, [0.0, 0.0]])
def test_nothing_to_average_is_null(weights: list[float] | None) -> None:
    assert _estimate([0.5, 0.5] if weights else [], [0, 1] if weights else [], weights) == Estimate(None)


def test_few_documents_have_a_score_but_no_interval() -> None:
    assert _estimate([1, 0], [3, 3]) == Estimate(0.5, method="too_few_documents")
    assert _estimate([1, 0, 1, 0], [1, 2, 3, 4]) == Estimate(0.5, method="too_few_documents")
    assert _estimate([1, 0, 1, 0, 0.5], [1, 2, 3, 4, 5]).low is not None


@pytest.mark.parametrize("score", [0.0, 0.5, 1.0])
def test_documents_that_all_score_the_same_are_no_certainty(score: float) -> None:
    few, many = _estimate([score] * 5, list(range(5))), _estimate([score] * 50, list(range(50)))
    for found in (few, many):
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= score <= found.high <= 1
        assert found.method.startswith("wilson_documents")
    assert few.high is not None
    assert few.low is not None
    assert many.high is not None
    assert many.low is not None
    assert few.high - few.low > many.high - many.low > 0.05


def test_a_perfect_score_of_ten_documents_has_the_wilson_interval() -> None:
    # n / (n + z²) with z = 1.96: 10 / 13.8415.
    assert _estimate([1] * 10, list(range(10))).low == pytest.approx(0.72247, abs=1e-5)


def test_documents_that_are_right_or_wrong_have_the_wilson_interval() -> None:
    # 18 of 20, (p + z²/2n ± z√(p(1-p)/n + z²/4n²)) / (1 + z²/n): 0.6990 to 0.9721.
    scores = [1.0] * 18 + [0.0] * 2
    for times in (1, 3):
        found = _estimate(scores * times, list(range(20)) * times)
        assert found.method == "wilson_documents"
        assert [found.low, found.high] == pytest.approx([0.69897, 0.97213], abs=1e-5)
    # One that is half right, or weighs more, is no such trial.
    assert _estimate([0.5, *scores[1:]], list(range(20))).method == "jackknife_t"
    assert _estimate(scores, list(range(20)), [2.0, *[1.0] * 19]).method == "jackknife_t"


@pytest.mark.parametrize(("edits", "high"), [(60.0, 0.128), (200.0, 0.387), (2000.0, 3.73)])
def test_one_document_that_holds_most_of_the_errors_makes_no_endless_interval(edits: float, high: float) -> None:
    # 29 pages with 0 to 4 edits in 100 characters, one with most of all; bootstrap-t ends at 0.8, 2,208 and 5·10¹³.
    counts = [float(page % 5) for page in range(29)] + [edits]
    found = _estimate([count / 100 for count in counts], list(range(30)), [100.0] * 30, upper=None)
    assert found.value is not None
    assert found.error is not None
    assert found.low is not None
    assert 0 < found.low < found.value
    assert found.high == pytest.approx(high, abs=0.001 * high + 0.0005)
    assert found.high == pytest.approx(found.value + 4.5716 * found.error, rel=1e-4)


def test_a_known_error_makes_no_endless_interval_either() -> None:
    found = by_error(0.1, 0.1, 20, lower=0.0, upper=None)
    assert [found.low, found.high] == pytest.approx([0.1 * np.exp(-2.09302), 0.557164], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.tuples(st.floats(-5, 5), st.floats(0.1, 20)), min_size=5, max_size=30), pair=st.booleans())
def test_an_open_interval_is_between_students_and_the_farthest(rows: list[tuple[float, float]], *, pair: bool) -> None:
    x, b = (np.array(column) for column in zip(*rows, strict=True))
    if pair:
        error, low, high = (float(each[0]) for each in symmetric((x * b)[:, None], b[:, None]))
    else:
        found = intervals((x * b)[:, None], b[:, None], "plain")
        error, low, high = (float(each[0]) for each in (found.error, found.low, found.high))
    value = float(np.average(x, weights=b))
    if np.isnan(low):
        assert error < 1e-8 or np.isnan(error)
        return
    # Degrees as Kish counts documents: all alike they are those of Student's interval of a mean.
    degrees = max(1.0, b.sum() ** 2 / (b**2).sum() - 1)
    least, slack = min(stats.t.ppf(0.975, degrees), 4.5716) * error, 1e-4 * (abs(value) + error)
    assert min(value - low, high - value) >= least - slack
    assert max(value - low, high - value) <= 4.5717 * error + slack


def test_a_few_documents_that_weigh_most_count_as_few() -> None:
    scores = [0.9, 0.4, 0.7, 1.0, 0.3, 0.8, 0.2, 0.9, 0.6, 0.5, 0.7, 0.8]
    alike = _estimate(scores, list(range(12)), [5.0] * 12)
    heavy = _estimate(scores, list(range(12)), [60.0] * 2 + [1.0] * 10)
    for found, degrees in ((alike, 11.0), (heavy, 130**2 / (2 * 3600 + 10) - 1)):
        assert found.value is not None
        assert found.error is not None
        assert found.low is not None
        place = np.log(found.value / (1 - found.value))
        spread = stats.t.ppf(0.975, degrees) * found.error / (found.value * (1 - found.value))
        assert found.low <= 1 / (1 + np.exp(spread - place)) + 1e-5


def test_an_unbounded_metric_without_spread_has_no_interval() -> None:
    assert _estimate([0.25] * 6, list(range(6)), upper=None) == Estimate(0.25)


def test_a_score_outside_of_its_range_is_still_a_number() -> None:
    assert _estimate([5.0, 5.0], [0, 1]).value == 5.0


cells = st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 20), st.integers(0, 9)), min_size=5, max_size=40).filter(
    lambda rows: len({row[2] for row in rows}) > 4
)


@settings(max_examples=40, deadline=None)
@given(cells, st.randoms(use_true_random=False))
def test_any_series_has_its_value_inside_of_its_interval(rows: list[tuple[float, float, int]], random: object) -> None:
    found, shuffled = _of(rows), list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    x, w, g = (np.array(column) for column in zip(*rows, strict=True))
    assert found.value == pytest.approx(float(np.average(x, weights=w)))
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= (found.value or 0) <= found.high <= 1
    again = _of(shuffled)
    assert again.method == found.method
    assert [again.low, again.high] == pytest.approx([found.low, found.high])
    # The jackknife as it is written in textbooks: every document left out in turn.
    names = np.unique(g)
    left = np.array([np.average(x[g != name], weights=w[g != name]) for name in names])
    error = np.sqrt((len(names) - 1) / len(names) * ((left - left.mean()) ** 2).sum())
    if found.error is not None:
        assert found.error == pytest.approx(error, rel=1e-5, abs=1e-7)


def _of(rows: list[tuple[float, float, int]]) -> Estimate:
    x, w, g = zip(*rows, strict=True)
    return _estimate(list(x), list(g), list(w))


def test_more_documents_of_the_same_kind_make_it_narrower() -> None:
    widths = []
    for times in (2, 4, 8, 16):
        found = _estimate([1, 0, 0.5, 0.7, 0.9] * times, list(range(5 * times)))
        assert found.low is not None
        assert found.high is not None
        widths.append(found.high - found.low)
    assert widths == sorted(widths, reverse=True)


def test_it_agrees_with_the_bootstrap_of_scipy() -> None:
    # Of single values on the plain scale our draws and those of scipy's BCa must give nearly the same.
    random = np.random.default_rng(11)
    x = random.beta(5, 2, 150)
    found = _estimate(list(x), list(range(150)), lower=None, upper=None)
    theirs = stats.bootstrap((x,), np.mean, n_resamples=5000, method="BCa", rng=random)
    assert found.error == pytest.approx(theirs.standard_error, rel=0.05)
    assert found.low == pytest.approx(theirs.confidence_interval.low, abs=0.006)
    assert found.high == pytest.approx(theirs.confidence_interval.high, abs=0.006)


def test_the_same_data_give_the_same_bytes() -> None:
    x = np.random.default_rng(3).random(60)
    first = _estimate(list(x), list(range(60)))
    _estimate(list(x[:40]), list(range(40)))
    assert repr(_estimate(list(x), list(range(60)))) == repr(first)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_it_agrees_with_a_bootstrap_of_documents(seed: int) -> None:
    random = np.random.default_rng(seed)
    documents, fields = 120, 4
    g: IntArray = np.repeat(np.arange(documents), fields)
    hard = random.beta(2, 2, documents)
    x: FloatArray = (random.random(documents * fields) < hard[g]).astype(float)
    w = random.integers(1, 20, documents * fields).astype(float)
    found = _estimate(list(x), list(g), list(w), lower=None, upper=None)
    top, bottom = np.bincount(g, w * x), np.bincount(g, w)
    drawn = random.integers(0, documents, (4000, documents))
    low, high = np.quantile(top[drawn].sum(axis=1) / bottom[drawn].sum(axis=1), [0.025, 0.975])
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == pytest.approx(high - low, rel=0.2)
    assert found.low == pytest.approx(low, abs=0.03)


COVERAGE = REPOSITORY / "benchmarks" / "coverage.py"


@pytest.mark.parametrize("name", ["mean 0.7", "long ones harder", "one field", "CER 0.05, skewed", "difference 0.04"])
def test_intervals_cover_what_the_docs_say(name: str) -> None:
    spec = importlib.util.spec_from_file_location("coverage_benchmark", COVERAGE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    # 93 to 97 %, and two standard errors of 600 runs.
    assert 0.93 - 0.018 <= module.covered(module.SCENARIOS[name], 50, 600)["ours"][0] <= 0.97 + 0.018
