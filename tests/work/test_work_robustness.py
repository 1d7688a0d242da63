"""The drop from clean images to damaged ones: paired by document and question, worked by hand."""

import pytest

from tests.work.cells import CER, EXACT, Row, tables_of
from vlmbench_assets.work.compare import Difference, Scored
from vlmbench_assets.work.robustness import drops
from vlmbench_sdk import MetricPlugin, Score

DOCUMENTS = 8
FIELDS = ("total", "date")


def row(
    subset: str,
    document: int,
    field: str,
    value: float | None,
    metric: str = "exact_match",
    *,
    sample: str = "",
    status: str = "",
) -> Row:
    return Row(
        sample or f"{subset}-{document}-{field}",
        f"d{document}",
        {metric: value},
        field=field,
        subset=subset,
        status=status or ("ok" if value is not None else "error"),
        question=f"{field}?",
    )


def pages(subset: str, right: int, metric: str = "exact_match") -> list[Row]:
    """Two questions on each document; all answers right but those to `total` from document `right` on."""
    return [
        row(subset, document, field, float(field == "date" or document < right), metric)
        for document in range(DOCUMENTS)
        for field in FIELDS
    ]


def dropped(rows: list[Row], plugin: MetricPlugin = EXACT) -> dict[str, Difference]:
    return dict(drops(Scored(*tables_of(rows)), plugin.name, plugin))


def test_drops_worked_by_hand() -> None:
    found = dropped([*pages("clean", 8), *pages("blur", 1), *pages("glare", 7), *pages("crop", 8)])
    assert list(found) == ["blur", "crop", "glare"]
    blur = found["blur"]
    # Seven of 16 answers are lost, one in each of seven documents: all signs of 2**8 that are as far out, but that
    # the eighth document did not change, so 2 / 2**7; corrected over three subsets.
    assert (blur.samples, blur.documents, blur.first, blur.second) == (16, 8, 1.0, 9 / 16)
    assert blur.difference == pytest.approx(-7 / 16)
    assert blur.p_value == pytest.approx(2 / 2**7)
    assert blur.p_holm == pytest.approx(3 * 2 / 2**7)
    assert (blur.wins, blur.ties, blur.losses, blur.verdict) == (0, 9, 7, "worse")
    assert blur.low is not None
    assert blur.high is not None
    assert blur.low < -7 / 16 < blur.high < 0
    assert (found["crop"].difference, found["crop"].verdict) == (0.0, "no difference")
    glare = found["glare"]
    assert glare.difference == pytest.approx(-1 / 16)
    assert (glare.p_value, glare.verdict) == (1.0, "inside the noise")


def test_a_failed_answer_is_a_drop_and_a_lower_metric_can_drop_too() -> None:
    broken = [row("blur", document, "total", None) for document in range(DOCUMENTS)]
    found = dropped([*pages("clean", 8), *broken])["blur"]
    assert (found.samples, found.difference, found.verdict) == (8, -1.0, "worse")
    # Of errors, more is worse.
    found = dropped([*pages("clean", 0, "cer"), *pages("blur", 8, "cer")], CER)["blur"]
    assert (found.difference, found.verdict) == (0.5, "worse")


def test_only_the_same_question_about_the_same_document_is_paired() -> None:
    clean = pages("clean", 8)
    other_document = row("blur", 99, "total", 0.0)
    other_field = row("blur", 0, "shop", 0.0)
    twice = [row("blur", 1, "total", 0.0, sample=name) for name in ("a", "b")]
    unscored = row("blur", 3, "total", None, status="ok")
    paired = row("blur", 2, "total", 0.0)
    found = dropped([*clean, other_document, other_field, *twice, unscored, paired])["blur"]
    assert (found.samples, found.first, found.second, found.verdict) == (1, 1.0, 0.0, "cannot be told")
    assert dropped([*clean, other_document]) == {}


def test_without_clean_samples_there_is_nothing_to_drop_from() -> None:
    assert dropped([*pages("blur", 8), *pages("glare", 1)]) == {}
    assert dropped([*pages("clean", 8), *pages("", 1)]) == {}


def test_the_order_of_rows_changes_nothing() -> None:
    rows = [*pages("clean", 7), *pages("blur", 2)]
    assert dropped(rows) == dropped(rows[::-1])


def test_of_a_combined_metric_the_value_of_each_side_is_made_anew() -> None:
    def share_of_perfect(scores: list[Score] | tuple[Score, ...]) -> float | None:
        return sum(each.value == 1 for each in scores) / len(scores) if scores else None

    scored = Scored(*tables_of([*pages("clean", 8), *pages("blur", 1)]))
    ((name, found),) = drops(scored, "exact_match", EXACT, lambda scores: share_of_perfect(list(scores)))
    assert (name, found.first, found.second) == ("blur", 1.0, 9 / 16)
    assert found.low is not None
    assert found.low < -7 / 16
