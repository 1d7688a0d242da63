"""One bad request costs one answer; the journal keeps what was answered."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmbench_sdk import Answer, Model, ModelError, ModelSettings, NoOptions, PluginError, Request
from vlmbench_sdk.asking import ask_all
from vlmbench_sdk.journal import Answered, JournalWriter, read_journal

NOW = "2026-01-01T00:00:00+00:00"


class Batched(Model[NoOptions]):
    """Answers in batches, from the back; raises when a batch holds a bad request."""

    def __init__(self, size: int, bad: set[str]) -> None:
        super().__init__(NoOptions(), ModelSettings(name="batched"))
        self._size, self._bad = size, bad

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        waiting = iter(requests)
        while batch := list(islice(waiting, self._size)):
            bad = [request.sample_id for request in batch if request.sample_id in self._bad]
            if bad:
                raise ValueError(bad)
            for request in reversed(batch):
                yield Answer(sample_id=request.sample_id, answer=request.prompt)


class Scripted(Model[NoOptions]):
    """Yields what it was given, whatever is asked."""

    def __init__(self, answers: list[Answer], *, fatal: bool = False) -> None:
        super().__init__(NoOptions(), ModelSettings(name="scripted"))
        self._answers, self._fatal = answers, fatal

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        list(requests)
        yield from self._answers
        if self._fatal:
            raise ModelError("the connection is gone")


def requests(count: int) -> list[Request]:
    return [Request(sample_id=f"s{index}", images=("a.png",), prompt=f"p{index}") for index in range(count)]


@given(count=st.integers(0, 20), size=st.integers(1, 7), bad=st.sets(st.integers(0, 19)))
def test_every_request_gets_exactly_one_answer(count: int, size: int, bad: set[int]) -> None:
    names = {f"s{index}" for index in bad}
    answers = list(ask_all(Batched(size, names), requests(count)))
    assert sorted(answer.sample_id for answer in answers) == sorted(request.sample_id for request in requests(count))
    for answer in answers:
        assert (answer.status == "error") == (answer.sample_id in names)


def test_a_model_that_stops_early_leaves_error_rows() -> None:
    model = Scripted([Answer(sample_id="s0")])
    found = {answer.sample_id: answer.error for answer in ask_all(model, requests(2))}
    assert found == {"s0": "", "s1": "the model gave no answer"}


@pytest.mark.parametrize("answers", [["other"], ["s0", "s0"]])
def test_answers_nobody_asked_for_are_a_mistake_of_the_plugin(answers: list[str]) -> None:
    model = Scripted([Answer(sample_id=name) for name in answers])
    with pytest.raises(PluginError, match="model scripted"):
        list(ask_all(model, requests(1)))


def test_an_error_of_the_tree_ends_the_job() -> None:
    with pytest.raises(ModelError, match="connection"):
        list(ask_all(Scripted([], fatal=True), requests(3)))


def test_the_journal_drops_what_is_torn_or_damaged(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert read_journal(path).answers == ()
    with JournalWriter(path) as journal:
        for name in ("a", "b"):
            journal.append(Answered(sample_id=name, answer="x\n\0", answered_at=NOW))
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        found = read_journal(path)
        assert [answer.sample_id for answer in found.answers] == ["a", "b"][: whole[:cut].count(b"\n")]
        assert found.damaged == 0
    path.write_bytes(b"{}\n" + whole)
    assert read_journal(path).damaged == 1
    assert len(read_journal(path).answers) == 2
