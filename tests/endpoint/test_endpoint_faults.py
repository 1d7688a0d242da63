"""The model against an endpoint with faults: everything is answered once, in bounded time, and failures say why."""

import pytest

from tests.endpoint.serving import QUICK, ask, endpoint, serving, texts
from vlmbench_assets.mock_endpoint.service import FAULTS, PASSING, Fault, Service
from vlmbench_sdk import ModelError, Retry


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("fault", [*PASSING, "empty-stream"])
def test_a_passing_fault_passes(fault: Fault, *, stream: bool) -> None:
    service = Service(ttft_ms=0, tpot_ms=0, fault_rate=0.5, faults=(fault,), retry_after_s=0.01)
    with serving(service) as served:
        answers = ask(endpoint(served.url, stream=stream, timeout_s=0.5), texts(24))
    assert len(answers) == 24
    assert all(answer.status == "ok" for answer in answers.values())
    assert answers["s3"].answer == "question 3"
    assert served.seen.faults[fault] > 4
    assert sum(answer.attempts for answer in answers.values()) == served.seen.requests
    assert set(served.seen.answered.values()) == {1}, "what was answered is not asked again"


def test_faults_of_all_kinds_at_once() -> None:
    service = Service(ttft_ms=5, tpot_ms=1, fault_rate=0.3, retry_after_s=0.05)
    with serving(service) as served:
        answers = ask(endpoint(served.url, timeout_s=0.5), texts(120))
    assert all(answer.answer == f"question {name[1:]}" for name, answer in answers.items())
    assert len(served.seen.faults) == len(PASSING)
    assert set(served.seen.answered.values()) == {1}


@pytest.mark.parametrize(
    ("poison", "status", "attempts", "says"),
    [
        ("400", "error", 1, "the picture is too large"),
        ("500", "error", 4, "HTTP 500"),
        ("html", "error", 4, "no chat answer: <html>"),
        ("hang", "timeout", 4, "did not answer (0.3 s"),
        ("error-body", "error", 4, "the provider is overloaded"),
        ("disconnect", "error", 4, "the connection broke"),
        ("empty-stream", "error", 4, "the stream ended before"),
        ("404", "error", 1, "no such model"),
    ],
)
def test_a_lasting_fault_costs_its_own_rows_only(poison: Fault, status: str, attempts: int, says: str) -> None:
    # Seed 0 poisons s2 first: an endpoint that has answered before is not taken for a wrong address.
    with serving(Service(ttft_ms=0, tpot_ms=0, poison_rate=0.1, poison=poison)) as served:
        answers = ask(endpoint(served.url, timeout_s=0.3, concurrency=2), texts(30))
    failed = [answer for answer in answers.values() if answer.status != "ok"]
    assert 0 < len(failed) < 10
    assert {answer.status for answer in failed} == {status}
    assert all(says in (answer.error or "") for answer in failed)
    assert {answer.attempts for answer in failed} == {attempts}


@pytest.mark.parametrize(("poison", "says"), [("401", "api_key"), ("404", "base_url")])
def test_an_endpoint_that_refuses_everybody_ends_the_job(poison: Fault, says: str) -> None:
    with (
        serving(Service(ttft_ms=0, tpot_ms=0, poison_rate=1, poison=poison)) as served,
        pytest.raises(ModelError, match=says),
    ):
        ask(endpoint(served.url, concurrency=1), texts(50))
    assert served.seen.requests < 50


def test_an_endpoint_that_is_not_there_ends_the_job() -> None:
    with serving() as served:
        url = served.url
    with pytest.raises(ModelError, match="Start the endpoint"):
        ask(endpoint(url, concurrency=2), texts(50))


def test_a_server_that_asks_for_too_long_a_wait_is_given_up_on() -> None:
    service = Service(ttft_ms=0, tpot_ms=0, poison_rate=0.2, poison="429", retry_after_s=3600)
    with serving(service) as served:
        answers = ask(endpoint(served.url, retry=Retry(first_s=0.01, patience_s=1)), texts(20))
    failed = [answer for answer in answers.values() if answer.status == "error"]
    assert failed
    assert all(answer.attempts == 1 and "HTTP 429" in answer.error for answer in failed)


def test_a_request_that_waits_gives_its_slot_to_another() -> None:
    with serving(Service(ttft_ms=0, tpot_ms=0, fault_rate=0.3, faults=("500",))) as served:
        answers = ask(endpoint(served.url, concurrency=8, retry=Retry(first_s=1)), texts(20))
    attempts = [answer.attempts for answer in answers.values()]
    assert set(attempts) >= {1, 2}
    assert attempts == sorted(attempts), "those that failed come last, after all others were answered"


def test_slots_are_filled_as_soon_as_they_are_free() -> None:
    with serving(Service(slots=8, ttft_ms=20, tpot_ms=0, spread=1)) as served:
        ask(endpoint(served.url, concurrency=8), texts(200))
    assert served.seen.most_in_flight == 8
    assert served.seen.busy_s > 0.5 * 8 * (served.seen.last_s - served.seen.first_s)


def test_requests_are_taken_as_there_is_room() -> None:
    taken = 0

    def count() -> object:
        nonlocal taken
        for request in texts(100):
            taken += 1
            yield request

    with serving(Service(slots=4, ttft_ms=5, tpot_ms=0)) as served:
        model = endpoint(served.url, concurrency=4)
        model.load()
        try:
            answers = model.answer(count())  # type: ignore[arg-type] # a generator is an iterable
            next(answers)
            assert taken <= 8
            answers.close()  # type: ignore[attr-defined] # it is a generator
        finally:
            model.close()
    assert served.seen.requests <= 8


def test_each_fault_is_tried_somewhere() -> None:
    assert {*PASSING, "empty-stream", "400", "401", "404"} == set(FAULTS)
    assert QUICK.attempts == 4
