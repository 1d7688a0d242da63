"""Aggregates: both policies, coverage, groups, and what happens when there is nothing."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.work.cells import CER, EXACT, Row, tables_of
from vlmbench_assets.contracts import AGGREGATES
from vlmbench_assets.tables import broken_rules
from vlmbench_assets.work.aggregate import aggregate

PLUGINS = {"exact_match": EXACT, "cer": CER}


def _aggregate(rows: list[Row], *dimensions: str) -> pd.DataFrame:
    found = aggregate(*tables_of(rows), PLUGINS, dimensions or ("overall",))
    assert broken_rules(found, AGGREGATES) == []
    return found


def _one(frame: pd.DataFrame, metric: str, policy: str, group: str = "all") -> pd.Series:
    chosen = frame[(frame["metric"] == metric) & (frame["policy"] == policy) & (frame["group"] == group)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def _exact(sample: str, doc: str, value: float | None, **more: object) -> Row:
    return Row(sample, doc, {"exact_match": value}, **more)  # type: ignore[arg-type]


def test_a_failed_answer_is_the_worst_or_left_out() -> None:
    rows = [_exact("a", "1", 1.0), _exact("b", "2", 1.0), _exact("c", "3", 0.0), _exact("d", "4", None, status="error")]
    found = _aggregate(rows)
    worst, answered = (_one(found, "exact_match", policy) for policy in ("failures_worst", "answered_only"))
    assert (worst["value"], worst["n"], worst["n_scored"]) == (0.5, 4, 4)
    assert (answered["value"], answered["n"], answered["n_scored"]) == (pytest.approx(2 / 3), 4, 3)
    assert worst["coverage"] == answered["coverage"] == 0.75


def test_a_corpus_metric_weighs_and_so_does_a_failure() -> None:
    # 1 edit in 2 characters, none in 8, and a failed answer to 10: (1 + 10) / 20 or 1 / 10.
    rows = [
        Row("a", "1", {"cer": 0.5}, {"cer": 2}),
        Row("b", "2", {"cer": 0.0}, {"cer": 8}),
        Row("c", "3", {"cer": None}, {"cer": 10}, status="timeout"),
    ]
    found = _aggregate(rows)
    assert _one(found, "cer", "failures_worst")["value"] == pytest.approx(0.55)
    assert _one(found, "cer", "answered_only")["value"] == pytest.approx(0.1)


def test_an_answer_that_cannot_be_scored_lowers_the_coverage_only() -> None:
    found = _aggregate([_exact("a", "1", 1.0), _exact("b", "2", None)])
    for policy in ("failures_worst", "answered_only"):
        row = _one(found, "exact_match", policy)
        assert (row["value"], row["n"], row["n_scored"], row["coverage"]) == (1.0, 2, 1, 0.5)


@pytest.mark.parametrize(
    "detail", ["too large: 3000 and 2 line items are not matched", "timed out after 10 s", "too many items to match"]
)
def test_an_answer_that_ran_on_for_ever_does_not_leave_the_headline(detail: str) -> None:
    samples, answers, metrics = tables_of([_exact("a", "1", 1.0), _exact("b", "2", None)])
    metrics.loc[metrics["sample_id"] == "b", "detail"] = detail
    found = aggregate(samples, answers, metrics, PLUGINS, ("overall",))
    assert _one(found, "exact_match", "failures_worst")["value"] == 0.5
    assert _one(found, "exact_match", "answered_only")["value"] == 1.0


def test_a_failed_answer_to_a_sample_without_gold_is_no_zero() -> None:
    rows = [_exact("a", "1", 1.0), _exact("b", "2", None, status="error", references=(), detail="no gold")]
    assert _one(_aggregate(rows), "exact_match", "failures_worst")["value"] == 1.0


def test_nothing_scored_is_null_and_never_zero() -> None:
    row = _one(_aggregate([_exact("a", "1", None)]), "exact_match", "failures_worst")
    assert pd.isna(row["value"])
    assert pd.isna(row["ci_low"])
    assert (row["n_scored"], row["coverage"], row["ci_method"]) == (0, 0.0, "")


def test_no_rows_at_all() -> None:
    found = _aggregate([], "overall", "field", "field*doc_type", "attributes.scan")
    assert set(found["dimension"]) <= {"overall"}
    assert found["value"].isna().all()
    assert (found["n"] == 0).all()
    assert found["coverage"].isna().all()


def test_one_row_has_a_score_and_no_interval() -> None:
    row = _one(_aggregate([_exact("a", "1", 1.0)]), "exact_match", "failures_worst")
    assert row["value"] == 1.0
    assert pd.isna(row["ci_low"])
    assert (row["documents"], row["ci_method"]) == (1, "too_few_documents")


def test_groups_of_a_pair_are_never_mixed_up() -> None:
    rows = [
        _exact("a", "1", 1.0, field="c", doc_type="a|b"),
        _exact("b", "2", 0.0, field="b|c", doc_type="a"),
        _exact("c", "3", 0.5, field="\\|c", doc_type="a"),
    ]
    found = _aggregate(rows, "doc_type*field")
    assert set(found["group"]) == {"a\\|b|c", "a|b\\|c", "a|\\\\\\|c"}
    assert set(found["n"]) == {1}


def test_an_attribute_that_is_null_is_none_and_no_images_are_no_pages() -> None:
    rows = [_exact("a", "1", 1.0, attributes={"scan": None}), _exact("b", "2", 0.0, attributes={"scan": "phone"})]
    samples, answers, metrics = tables_of(rows)
    samples["images"] = ["[]", '["page.png"]']
    found = aggregate(samples, answers, metrics, {"exact_match": EXACT}, ["attributes.scan", "pages"])
    groups = found.loc[found["policy"] == "failures_worst", ["dimension", "group"]]
    assert sorted(groups.itertuples(index=False, name=None)) == [
        ("attributes.scan", ""),
        ("attributes.scan", "phone"),
        ("pages", ""),
        ("pages", "1"),
    ]


def test_groups_of_columns_pairs_and_attributes() -> None:
    rows = [
        _exact("a", "1", 1.0, field="total", subset="clean", attributes={"scan": "phone"}),
        _exact("b", "1", 0.0, field="date", subset="clean", attributes={"scan": "phone"}),
        _exact("c", "2", 0.0, field="total", subset="blur"),
    ]
    found = _aggregate(rows, "field", "subset", "attributes.scan", "field*subset", "overall")
    values = {
        (row["dimension"], row["group"]): row["value"]
        for row in found[found["policy"] == "failures_worst"].to_dict("records")
        if row["metric"] == "exact_match"
    }
    assert values == {
        ("field", "date"): 0.0,
        ("field", "total"): 0.5,
        ("subset", "blur"): 0.0,
        ("subset", "clean"): 0.5,
        ("attributes.scan", ""): 0.0,
        ("attributes.scan", "phone"): 0.5,
        ("field*subset", "date|clean"): 0.0,
        ("field*subset", "total|blur"): 0.0,
        ("field*subset", "total|clean"): 1.0,
        ("overall", "all"): pytest.approx(1 / 3),
    }


def test_a_dimension_without_values_is_left_out() -> None:
    found = _aggregate([_exact("a", "1", 1.0, subset="")], "overall", "subset", "attributes.scan")
    assert set(found["dimension"]) == {"overall"}


def test_a_metric_is_counted_over_the_samples_it_applies_to() -> None:
    rows = [Row("a", "1", {"exact_match": 1.0, "cer": 0.0}), Row("b", "2", {"exact_match": 0.0})]
    found = _aggregate(rows)
    assert _one(found, "exact_match", "failures_worst")["n"] == 2
    assert _one(found, "cer", "failures_worst")["n"] == 1


scores = st.lists(
    st.tuples(
        st.sampled_from(["d1", "d2", "d3"]),
        st.sampled_from(["total", "date", ""]),
        st.sampled_from(["ok", "ok", "error", "empty", "parse_failed"]),
        st.one_of(st.none(), st.floats(0, 1)),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None)
@given(scores, st.randoms())
def test_any_cell_keeps_the_contract_and_no_order_matters(
    cells: list[tuple[str, str, str, float | None]], random: object
) -> None:
    rows = [
        _exact(f"s{i}", doc, None if status in {"error", "parse_failed"} else value, status=status, field=field)
        for i, (doc, field, status, value) in enumerate(cells)
    ]
    found = _aggregate(rows, "overall", "field", "field*subset")
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    pd.testing.assert_frame_equal(found, _aggregate(shuffled, "overall", "field", "field*subset"))
    overall = found[(found["dimension"] == "overall") & (found["metric"] == "exact_match")]
    fields = found[(found["dimension"] == "field") & (found["metric"] == "exact_match")]
    if len(fields):
        assert overall["n"].sum() == fields["n"].sum()
