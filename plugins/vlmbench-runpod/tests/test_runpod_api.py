"""The client against a server that speaks the interface: refusals, waits, lost answers, and never two pods."""

import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from pydantic import JsonValue, ValidationError

from tests.runpod_service import IMAGE, KEY, Fault, Service, serving
from vlmbench_runpod.addresses import is_address
from vlmbench_runpod.api import NothingRentedError, RunPodApi, Stopped
from vlmbench_runpod.budget import Budget
from vlmbench_runpod.plugin import RunPodOptions
from vlmbench_sdk import EnvironmentUnavailableError

ORDER: dict[str, JsonValue] = {"name": "vlmbench-once", "imageName": IMAGE, "computeType": "CPU"}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.setenv("RUNPOD_API_KEY", KEY)
    with serving("127.0.0.1") as found:
        found.with_containers = False
        yield found


def client(service: Service) -> RunPodApi:
    return RunPodApi(service.url, where="environment pod")


def test_a_pod_is_rented_looked_at_and_ended(service: Service) -> None:
    api = client(service)
    pod = api.create(ORDER)
    assert (pod.name, pod.status, pod.cost_per_hour, pod.address) == ("vlmbench-once", "RUNNING", 0.36, "")
    assert api.get(pod.id) == pod
    assert api.end("vlmbench-once", pod.id) == 1
    assert api.get(pod.id) is None
    assert api.end("vlmbench-once", pod.id) == 0


def test_a_field_that_the_service_does_not_know_is_refused_with_its_words(service: Service) -> None:
    with pytest.raises(NothingRentedError, match="gpuTypes") as caught:
        client(service).create({**ORDER, "gpuTypes": ["x"]})
    assert "422" in str(caught.value)
    assert not service.pods


@pytest.mark.parametrize("fault", [Fault(0, after=True), Fault(500, after=True), Fault(502, after=True)])
def test_an_order_whose_answer_was_lost_makes_no_second_pod(service: Service, fault: Fault) -> None:
    service.fail("POST", fault)
    pod = client(service).create(ORDER)
    assert list(service.pods) == [pod.id]
    assert len(service.orders) == 1


def test_an_order_that_did_not_arrive_is_sent_again(service: Service) -> None:
    service.fail("POST", Fault(0), Fault(503))
    pod = client(service).create(ORDER)
    assert list(service.pods) == [pod.id]


def test_pods_of_the_same_name_end_together(service: Service) -> None:
    api = client(service)
    first, other = api.create(ORDER), api.create({**ORDER, "name": "vlmbench-once-more"})
    api.create(ORDER)
    assert api.end("vlmbench-once", first.id) == 2
    assert list(service.pods) == [other.id]


@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_kept_to(service: Service, *, as_date: bool) -> None:
    wait = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=3), usegmt=True) if as_date else "2"
    service.fail("POST", Fault(429, headers={"Retry-After": wait}))
    client(service).create(ORDER)
    first, second = (at for method, _, at in service.asked if method == "POST")
    assert second - first > 1
    assert len(service.pods) == 1


def test_a_wait_ends_when_the_worker_is_stopped(service: Service) -> None:
    stop = threading.Event()
    service.fail("POST", Fault(429, headers={"Retry-After": "3000"}))
    threading.Timer(0.2, stop.set).start()
    with pytest.raises(Stopped):
        RunPodApi(service.url, where="", stop=stop).create(ORDER)


def test_a_refused_key_is_named_and_not_shown(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNPOD_API_KEY", "rpa_wrong")
    with pytest.raises(EnvironmentUnavailableError, match="RUNPOD_API_KEY") as caught:
        client(service).check()
    assert "rpa_wrong" not in repr(caught.value)
    service.fail("GET", Fault(400, "bad request by rpa_wrong"))
    with pytest.raises(EnvironmentUnavailableError, match=r"bad request by \*\*\*"):
        client(service).check()


@pytest.mark.parametrize("value", ["", "two words", "line\nfeed"])
def test_what_is_no_key_is_said_before_anything_is_sent(
    service: Service, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNPOD_API_KEY", value)
    with pytest.raises(EnvironmentUnavailableError, match="RUNPOD_API_KEY") as caught:
        client(service)
    assert not value or value not in str(caught.value)
    assert not service.asked


@pytest.mark.parametrize(
    "words",
    [
        "There are no longer any instances available with the requested specifications. Please refresh and try again.",
        "This machine does not have the resources to deploy your pod. Please try a different machine",
        "create pod: There are no instances currently available",
    ],
)
def test_no_capacity_says_what_to_change_and_is_not_tried_again(service: Service, words: str) -> None:
    service.fail("POST", Fault(500, words))
    with pytest.raises(NothingRentedError, match="no such machine") as caught:
        client(service).create(ORDER)
    assert "gpu_types" in str(caught.value)
    assert [method for method, *_ in service.asked] == ["POST"]


def test_the_key_follows_no_redirect(service: Service) -> None:
    with serving("127.0.0.1") as other:
        service.fail("GET", Fault(302, headers={"Location": other.url + "/pods"}))
        with pytest.raises(EnvironmentUnavailableError, match="302"):
            client(service).check()
        assert not other.asked


def test_a_service_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNPOD_API_KEY", KEY)
    monkeypatch.setattr("vlmbench_runpod.api.TRIES", 2)
    with pytest.raises(EnvironmentUnavailableError, match="does not answer"):
        RunPodApi("http://127.0.0.1:9/v1", where="environment pod").check()


@pytest.mark.parametrize("url", ["http://example.org/v1", "ftp://127.0.0.1", "https://", "http://8.8.8.8/v1"])
def test_a_key_goes_over_no_open_network(url: str) -> None:
    with pytest.raises(ValidationError, match="readable"):
        RunPodOptions(image=IMAGE, api_url=url)


def test_an_address_cannot_be_an_option_of_ssh() -> None:
    assert is_address("203.0.113.7")
    assert not is_address("-oProxyCommand=x")


def test_the_cheaper_of_cost_and_time_ends_a_pod() -> None:
    budget = Budget(max_cost_usd=0.5, max_hours=12)
    assert budget.left_s > 11.9 * 3600
    budget.price(2.0)
    assert 0.2 * 3600 < budget.left_s <= 0.25 * 3600
    assert not budget.verdict
    spent = Budget(max_cost_usd=1e-9, max_hours=12)
    spent.price(2.0)
    time.sleep(0.001)
    assert "max_cost_usd" in spent.verdict
