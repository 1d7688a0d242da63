"""Transient failures are asked again after a growing wait; permanent ones are not."""

from collections.abc import Iterable, Iterator
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlmbench_sdk import Answer, Model, ModelSettings, NoOptions, Request, RequestError, Retry
from vlmbench_sdk.asking import ask_all
from vlmbench_sdk.retry import is_transient


class Troubled(Model[NoOptions]):
    """Raises what its script says for a sample, one after the other, and then answers."""

    def __init__(self, script: dict[str, list[Exception]], batch: int = 1) -> None:
        super().__init__(NoOptions(), ModelSettings(name="troubled"))
        self.script = {name: list(errors) for name, errors in script.items()}
        self.batch = batch
        self.asked: list[str] = []

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        waiting = iter(requests)
        while taken := list(islice(waiting, self.batch)):
            for request in taken:
                self.asked.append(request.sample_id)
                if errors := self.script.get(request.sample_id):
                    raise errors.pop(0)
                yield Answer(sample_id=request.sample_id, answer="said")


def ask(model: Model[NoOptions], count: int, retry: Retry) -> tuple[dict[str, Answer], list[float]]:
    pauses: list[float] = []
    requests = [Request(sample_id=f"s{index}", images=()) for index in range(count)]
    found = {answer.sample_id: answer for answer in ask_all(model, requests, retry, pauses.append)}
    assert len(found) == count
    return found, pauses


@given(
    attempt=st.integers(1, 2000),
    first=st.floats(0, 100),
    longest=st.floats(0, 1000),
    draw=st.floats(0, 1, exclude_max=True),
    asked=st.none() | st.floats(0, 10_000),
)
def test_waits_stay_in_bounds(attempt: int, first: float, longest: float, draw: float, asked: float | None) -> None:
    delay = Retry(first_s=first, longest_s=longest).delay_s(attempt, asked, lambda: draw)
    floor = asked or 0.0
    assert floor <= delay <= floor + longest


def test_waits_double_and_are_spread() -> None:
    retry = Retry(first_s=1.0, longest_s=10.0)
    assert [retry.delay_s(attempt, None, lambda: 0.9999999) for attempt in range(1, 6)] == pytest.approx(
        [1, 2, 4, 8, 10]
    )
    assert retry.delay_s(1, None, lambda: 0.0) == 0.5
    assert retry.delay_s(1, 30.0, lambda: 0.0) == 30.5


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (ConnectionResetError("gone"), True),
        (TimeoutError("late"), True),
        (RequestError("busy", transient=True), True),
        (RequestError("too long"), False),
        (ValueError("bad"), False),
        (FileNotFoundError("no picture"), False),
    ],
)
def test_what_passes_by_itself(error: Exception, transient: bool) -> None:  # noqa: FBT001
    assert is_transient(error) is transient


def test_transient_failures_are_asked_again_and_counted() -> None:
    busy = RequestError("busy", transient=True, retry_after_s=7.0)
    model = Troubled({"s1": [ConnectionError("reset"), busy]})
    found, pauses = ask(model, 3, Retry(attempts=4, first_s=1.0))
    assert found["s1"].status == "ok"
    assert [found[name].attempts for name in ("s0", "s1", "s2")] == [1, 3, 1]
    assert 0.5 <= pauses[0] <= 1.0
    assert 8.0 <= pauses[1] <= 9.0
    assert model.asked == ["s0", "s1", "s1", "s1", "s2"]


def test_it_gives_up_after_so_many_attempts() -> None:
    model = Troubled({"s0": [TimeoutError("late")] * 9})
    found, pauses = ask(model, 1, Retry(attempts=3, first_s=0))
    assert (found["s0"].status, found["s0"].attempts) == ("timeout", 3)
    assert found["s0"].error == "TimeoutError: late"
    assert len(pauses) == 2


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (RequestError("too many tokens", where="s0"), "error", "s0: too many tokens"),
        (RequestError("the provider refused", status="refused"), "refused", "the provider refused"),
        (ValueError("bad"), "error", "ValueError: bad"),
    ],
)
def test_permanent_failures_are_not(error: Exception, status: str, said: str) -> None:
    model = Troubled({"s0": [error] * 5})
    found, pauses = ask(model, 2, Retry(attempts=5))
    assert (found["s0"].status, found["s0"].attempts, found["s0"].error) == (status, 1, said)
    assert pauses == []
    assert found["s1"].status == "ok"


def test_one_busy_request_of_a_batch_keeps_no_other_waiting_twice() -> None:
    model = Troubled({"s1": [ConnectionError("reset")] * 2}, batch=3)
    found, pauses = ask(model, 3, Retry(attempts=3, first_s=0))
    assert {answer.status for answer in found.values()} == {"ok"}
    assert len(pauses) == 2, "once for the batch, once for the request at fault"
    assert model.asked.count("s0") == 1


def test_a_model_that_takes_nothing_and_raises_does_not_loop() -> None:
    class Deaf(Model[NoOptions]):
        def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
            raise ValueError("deaf", type(requests))

    found, _ = ask(Deaf(NoOptions(), ModelSettings(name="deaf")), 3, Retry())
    assert [answer.error for answer in found.values()] == ["ValueError: ('deaf', <class 'generator'>)"] * 3
