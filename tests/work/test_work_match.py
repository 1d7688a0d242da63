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
    with pytest.raises(ExchangeError, match="3 of 4 have other references than the sample of their id"):
        match(others, SAMPLES, "id", "a.jsonl")


def test_a_reference_that_is_written_otherwise_is_named_and_taken() -> None:
    found = match(predictions("gold 0", "gold 1", "Gold 2", "gold 3"), SAMPLES, "id", "a.jsonl")
    assert set(found.by_sample) == {"0", "1", "2", "3"}
    assert found.other_gold == ("row 2",)
