"""Paired comparison: right on small cases, symmetric, and blind to the order of rows."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.work.cells import CER, EXACT, Row, cell_of, tables_of
from vlmbench_assets.work.compare import Comparison, Scored, compare
from vlmbench_assets.work.paired import holm, p_values

VALUES = st.sampled_from([0.0, 0.25, 1.0, None])
STATES = st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=24)


def scored(values: list[float | None]) -> Scored:
    rows = [
        Row(f"s{index}", str(index // 2), {"exact_match": value}, status="ok" if value is not None else "error")
        for index, value in enumerate(values)
    ]
    tables = cell_of(rows)
    return Scored(tables.samples, tables.answers, tables.metrics)


def compared(first: list[float | None], second: list[float | None]) -> Comparison:
    return compare(scored(first), scored(second), "exact_match", EXACT, ["overall", "field"])


@given(states=STATES)
@settings(max_examples=40, deadline=None)
def test_it_is_antisymmetric(states: list[tuple[float | None, float | None]]) -> None:
    one, two = [first for first, _ in states], [second for _, second in states]
    there, back = compared(one, two).overall, compared(two, one).overall
    assert there.difference is not None
    assert back.difference is not None
    assert math.isclose(there.difference, -back.difference, abs_tol=1e-12)
    assert there.p_value == back.p_value
    assert there.p_value is not None
    assert 0 < there.p_value <= 1
    opposite = {"better": "worse", "worse": "better"}
    assert opposite.get(there.verdict, there.verdict) == back.verdict


@given(values=st.lists(VALUES, min_size=1, max_size=12))
@settings(max_examples=20, deadline=None)
def test_a_state_does_not_differ_from_itself(values: list[float | None]) -> None:
    found = compared(values, values)
    assert (found.overall.difference, found.overall.verdict) == (0.0, "no difference")
    assert found.flips.empty
    assert found.moved == []


def test_the_order_of_rows_changes_nothing() -> None:
    first, second = scored([1.0, 0.0, 1.0, 0.0, 1.0, 1.0]), scored([0.0, 0.0, 1.0, 1.0, 0.0, 0.0])
    shuffled = Scored(second.samples[::-1], second.answers[::-1], second.metrics.sample(frac=1, random_state=1))
    plugin = EXACT
    assert (
        compare(first, second, "exact_match", plugin).overall == compare(first, shuffled, "exact_match", plugin).overall
    )


def test_a_small_case_by_hand() -> None:
    # Seven documents of two samples; each loses one point on one sample: d = -7/14, all signs equal, p = 2 / 2**7.
    found = compared([1.0, 1.0] * 7, [1.0, 0.0] * 7)
    assert found.overall.difference == pytest.approx(-0.5)
    # Where all documents change alike, nothing varies that an interval could be made from.
    assert (found.overall.low, found.overall.high, found.overall.mde) == (None, None, None)
    assert (found.overall.wins, found.overall.ties, found.overall.losses) == (0, 7, 7)
    assert found.overall.p_value == pytest.approx(2 / 2**7)
    assert found.overall.verdict == "worse"
    assert len(found.flips) == 7


def test_failed_answers_count_as_the_worst() -> None:
    found = compared([1.0] * 14, [None, None, *[1.0] * 12])
    assert found.overall.difference == pytest.approx(-2 / 14)
    assert list(found.flips["status_second"]) == ["error", "error"]


def test_few_documents_tell_nothing() -> None:
    assert compared([1.0] * 6, [0.0] * 6).overall.verdict == "cannot be told"


@given(st.integers(1, 12), st.floats(0.0, 0.2))
@settings(deadline=None, max_examples=20)
def test_no_interval_is_wider_than_the_range(odd: int, other: float) -> None:
    # Resamples without the one that stands out hardly vary, which puts the quantile far out.
    values: list[float | None] = [other if index // 2 == odd else 0.9 + index / 1000 for index in range(26)]
    found = compared([0.0] * 26, values).overall
    assert found.low is not None
    assert found.high is not None
    assert -1.0 <= found.low <= found.high <= 1.0


def test_samples_of_one_state_only_are_named_and_left_out() -> None:
    found = compared([1.0] * 14, [1.0] * 12)
    assert (found.only_first, found.only_second) == (["s12", "s13"], [])
    assert found.overall.samples == 12


def test_dimensions_without_values_are_not_tested() -> None:
    def state(value: float) -> Scored:
        rows = [
            Row(f"s{number}", str(number), {"exact_match": value if number < 6 else 1.0}, doc_type="", subset="")
            for number in range(12)
        ]
        return Scored(*tables_of(rows))

    dimensions = ["overall", "doc_type", "subset", "doc_type*subset", "attributes.scanner", "field", "field*subset"]
    found = compare(state(0.0), state(1.0), "exact_match", EXACT, dimensions)
    # What has one value only, or none, says no more than all samples do.
    assert found.slices == []
    assert found.overall.p_value == pytest.approx(2 / 2**6)


def test_a_slice_says_the_same_whatever_else_is_looked_at() -> None:
    def state(value: float) -> Scored:
        rows = [
            Row(f"s{number}", str(number), {"exact_match": value}, field="ab"[number % 2], subset=str(number % 5))
            for number in range(40)
        ]
        return Scored(*tables_of(rows))

    def by_field(*dimensions: str) -> list[tuple[str, float | None, str]]:
        slices = compare(state(0.0), state(1.0), "exact_match", EXACT, dimensions).slices
        return [(group, each.p_holm, each.verdict) for name, group, each in slices if name == "field"]

    alone = by_field("field")
    assert alone == by_field("overall", "field", "subset", "field*subset")
    assert [(group, verdict) for group, _, verdict in alone] == [("a", "better"), ("b", "better")]


def test_too_few_documents_for_so_many_slices_is_not_called_noise() -> None:
    def state(value: float) -> Scored:
        rows = [
            Row(f"s{number}-{part}", str(number), {"exact_match": value}, subset=str(part))
            for number in range(8)
            for part in range(7)
        ]
        return Scored(*tables_of(rows))

    found = compare(state(0.0), state(1.0), "exact_match", EXACT, ["subset"])
    # All eight documents of each slice got better, which is as much as they can: 7 · 2 / 2**8 is above 0.05.
    assert [each.p_holm for _, _, each in found.slices] == pytest.approx([7 * 2 / 2**8] * 7)
    assert {each.verdict for _, _, each in found.slices} == {"cannot be told"}
    assert found.overall.verdict == "better"


def test_what_only_one_state_has_a_score_of_is_named() -> None:
    def state(*values: float | None) -> Scored:
        # Answered, and without a score: a checksum of nothing.
        rows = [Row(f"s{number}", str(number), {"exact_match": value}) for number, value in enumerate(values)]
        return Scored(*tables_of(rows))

    found = compare(state(1.0, 0.0, None, 1.0), state(1.0, None, 0.0, 1.0), "exact_match", EXACT)
    assert (found.scored_first, found.scored_second) == (["s1"], ["s2"])
    assert (found.overall.samples, found.only_first, found.only_second) == (2, [], [])


def test_another_question_is_another_sample() -> None:
    def state(question: str) -> Scored:
        rows = [
            Row(f"s{number}", str(number), {"exact_match": 1.0}, question=question if number == 3 else "What?")
            for number in range(8)
        ]
        return Scored(*tables_of(rows))

    found = compare(state("Which total?"), state("Which date?"), "exact_match", EXACT, same_gold=True)
    assert (found.changed, found.overall.samples) == (["s3"], 7)
    assert compare(state("Which total?"), state("Which date?"), "exact_match", EXACT).overall.samples == 8


def test_nothing_in_common_is_not_a_zero() -> None:
    empty = scored([1.0])
    other = Scored(empty.samples, empty.answers.iloc[:0], empty.metrics.iloc[:0])
    found = compare(empty, other, "exact_match", EXACT).overall
    assert (found.difference, found.verdict) == (None, "cannot be told")
    assert isinstance(empty.samples, pd.DataFrame)


EDITS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.5, 2.0, None]), st.integers(1, 30), st.sampled_from([0.0, 1.0]), st.integers(1, 30)
    ),
    min_size=1,
    max_size=20,
)


def edited(values: Sequence[tuple[float | None, int]]) -> tuple[Scored, float]:
    """A cell scored by a corpus metric, two samples a document, and its headline as the aggregates have it."""
    rows = [
        Row(f"s{index}", f"d{index // 2}", {"cer": value}, {"cer": weight}, "error" if value is None else "ok")
        for index, (value, weight) in enumerate(values)
    ]
    cell = cell_of(rows, "cer")
    table = cell.aggregates
    of_all = table[
        (table["dimension"] == "overall") & (table["policy"] == "failures_worst") & (table["metric"] == "cer")
    ]
    return Scored(cell.samples, cell.answers, cell.metrics), float(of_all["value"].iloc[0])


@given(edits=EDITS)
@settings(max_examples=40, deadline=None)
def test_both_scores_are_the_headlines_of_their_states(edits: list[tuple[float | None, int, float, int]]) -> None:
    # References were edited, so that the weights of a corpus metric differ too.
    one, first = edited([(value, weight) for value, weight, _, _ in edits])
    two, second = edited([(value, weight) for _, _, value, weight in edits])
    there = compare(one, two, "cer", CER, ["field"]).overall
    assert there.first == pytest.approx(first)
    assert there.second == pytest.approx(second)
    back = compare(two, one, "cer", CER).overall
    assert there.p_value == pytest.approx(back.p_value)
    assert there.difference == pytest.approx(-(back.difference or 0.0))


def test_a_corpus_metric_moves_when_only_its_weights_do() -> None:
    # 8 documents without an edit, 10 characters each, one with all of its characters wrong: 10, then 100 of them.
    one, _ = edited([(0.0, 5)] * 16 + [(1.0, 5)] * 2)
    two, _ = edited([(0.0, 5)] * 16 + [(1.0, 50)] * 2)
    found = compare(one, two, "cer", CER)
    assert [found.overall.first, found.overall.second] == pytest.approx([10 / 90, 100 / 180])
    # Swapping the only document that changed gives the same difference again: p = 1.
    assert (found.overall.p_value, found.overall.verdict) == (1.0, "inside the noise")
    assert found.flips.empty


def test_higher_is_worse_where_the_metric_says_so() -> None:
    found = compare(edited([(0.1, 10)] * 14)[0], edited([(0.4, 10)] * 14)[0], "cer", CER)
    assert found.overall.verdict == "worse"
    assert set(found.flips["moved"]) == {"worse"}


def test_flips_drawn_in_batches_find_what_all_of_them_find() -> None:
    # 14 documents are drawn, 13 are counted out; a change of one sign only has p = 2 / 2**n.
    drawn = compared([1.0, 1.0] * 14, [1.0, 0.0] * 14).overall
    assert drawn.p_value == pytest.approx(2 / 2**14, abs=5e-4)
    many = compared([1.0, 0.0] * 150, [0.0, 1.0] * 150).overall
    assert (many.difference, many.p_value, many.verdict) == (0.0, 1.0, "inside the noise")


def test_p_values_of_published_and_reference_tests() -> None:
    # McNemar's exact test of 12 against 2 discordant pairs: 2 · P(X <= 2 | 14, 1/2) = 212 / 16384.
    changes = np.array([1.0] * 12 + [-1.0] * 2 + [0.0] * 20)[:, None]
    assert p_values(changes)[0] == pytest.approx(212 / 16384)
    # Darwin's maize, Fisher's own example (The Design of Experiments, §21): 1726 of 32768 sums of 15 pairs are as
    # large, two-sided; differences in eighths of an inch.
    maize = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], dtype=float)[:, None]
    assert p_values(maize)[0] == pytest.approx(1726 / 32768, abs=0.006)
    random = np.random.default_rng(2)
    few = random.normal(0.5, 1, 11)
    theirs = stats.permutation_test((few,), np.sum, permutation_type="samples", n_resamples=10_000)
    assert p_values(few[:, None])[0] == pytest.approx(theirs.pvalue)


def test_holm_worked_by_hand() -> None:
    # Four of them: 0.005 · 4, then 0.01 · 3, 0.03 · 2, and 0.04 · 1 raised to the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_keeps_the_order_and_only_raises(values: list[float]) -> None:
    found = holm(values)
    assert all(one >= other for one, other in zip(found, values, strict=True))
    assert [found[each] for each in np.argsort(values, kind="stable")] == sorted(found)
