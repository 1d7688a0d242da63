"""Which prediction of another tool is for which sample."""

import pytest

from vlmbench_assets.work.match import match
from vlmbench_sdk import ExchangeError, Prediction

SAMPLES = [
    {"sample_id": str(number), "references": f'["gold {number}"]', "question": "What?", "images": '["p.png"]'}
    for number in range(4)
]


def predictions(*golds: str) -> list[Prediction]:
    return [Prediction(where=f"row {number}", sample_id=str(number), gold=(gold,)) for number, gold in enumerate(golds)]


def test_ids_that_only_look_alike_are_refused() -> None:
    others = predictions("gold 3", "gold 2", "gold 1", "gold 3")
    with pytest.raises(ExchangeError, match=r"3 of 4 have other .* than the sample of their id"):
        match(others, SAMPLES, "id", "a.jsonl")


def test_a_reference_that_is_written_otherwise_is_named_and_taken() -> None:
    found = match(predictions("gold 0", "gold 1", "Gold 2", "gold 3"), SAMPLES, "id", "a.jsonl")
    assert set(found.by_sample) == {"0", "1", "2", "3"}
    assert found.unlike == ("row 2",)


@pytest.mark.parametrize(
    ("theirs", "ours", "fits"),
    [
        ("12.5", "12.50", True),
        ("1250", "1.25e3", True),
        ("12.5", "125", False),
        ("2026-01-02", "2026-1-2", False),
        ("1" * 50, "1" * 50 + ".0", False),
    ],
)
def test_references_that_are_numbers_are_compared_by_value(theirs: str, ours: str, fits: bool) -> None:  # noqa: FBT001
    sample = {**SAMPLES[0], "references": f'["other", "{ours}"]'}
    said = Prediction(where="row 0", question="What?", gold=(theirs,))
    found = match([said], [sample], "question", "a.jsonl")
    assert found.unlike == (() if fits else ("row 0",))


RECEIPTS = [
    {"sample_id": str(number), "references": "[]", "question": f"What is f{number}?", "images": f'["p{number}.png"]'}
    for number in range(4)
]
PAGES = [{**sample, "question": "Read the page."} for sample in RECEIPTS]


def swapped(**said: object) -> list[Prediction]:
    """Predictions of which the first two stand in each other's place."""
    order = (1, 0, 2, 3)
    return [
        Prediction.model_validate(
            {"where": f"row {place}", "sample_id": str(place), "position": place}
            | {name: value.format(number) if isinstance(value, str) else value for name, value in said.items()}
            | {"images": (f"images/p{number}.png",)}
        )
        for place, number in enumerate(order)
    ]


def test_a_place_is_held_against_the_names_of_pictures() -> None:
    with pytest.raises(ExchangeError, match="images than the sample at their place: row 0, row 1"):
        match(swapped(question="Read the page."), PAGES, "position", "a.jsonl")
    named = [each.model_copy(update={"images": ("cached-0.jpg",)}) for each in swapped(question="Read the page.")]
    assert match(named, PAGES, "position", "a.jsonl").unlike == ()


@pytest.mark.parametrize("question", ["What is f{}?", "Look.\nWhat is f{}?\nOne word."])
def test_another_sample_s_question_speaks_against_references_that_agree(question: str) -> None:
    samples = [{**sample, "references": '["yes"]', "images": "[]"} for sample in RECEIPTS]
    with pytest.raises(ExchangeError, match="at their place: row 0, row 1"):
        match(swapped(question=question, gold=("yes",)), samples, "position", "a.jsonl")
    assert match(swapped(question=question, gold=("yes",)), samples, "id", "a.jsonl").unlike == ("row 0", "row 1")


def test_a_question_that_a_tool_worded_otherwise_is_taken_where_references_agree() -> None:
    samples = [{**sample, "references": '["yes"]', "images": "[]"} for sample in RECEIPTS]
    found = match(swapped(question="Name it.", gold=("yes",)), samples, "position", "a.jsonl")
    assert found.unlike == ()


def test_ids_of_another_dataset_are_seen_by_its_questions() -> None:
    others = [Prediction(where=f"row {each}", sample_id=str(each), question="Is there a cat?") for each in range(4)]
    with pytest.raises(ExchangeError, match="4 of 4 have other references, questions or images"):
        match(others, RECEIPTS, "id", "a.tsv")
    silent = [each.model_copy(update={"question": ""}) for each in others]
    assert len(match(silent, RECEIPTS, "id", "a.tsv").by_sample) == 4


def test_a_place_that_nothing_speaks_for_is_refused() -> None:
    silent = [Prediction(where=f"line {each}", position=each) for each in range(4)]
    with pytest.raises(ExchangeError, match="4 of 4 repeat no reference, question or image of their sample: line 0"):
        match(silent, RECEIPTS, "position", "a.jsonl")


def test_by_question_a_sample_without_images_is_one_sample() -> None:
    bare = [{**sample, "images": "[]"} for sample in RECEIPTS]
    asked = [Prediction(where="row 1", question="What is f2?")]
    assert set(match(asked, bare, "question", "a.csv").by_sample) == {"2"}
