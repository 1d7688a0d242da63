"""The model against a server that speaks Bedrock's wire format: streams, faults, threads, credentials."""

import json
import threading
from pathlib import Path

import pytest
from PIL import Image

from tests.bedrock_service import Asking, ask, bedrock, event, stream_of, texts, use_keys
from tests.support import Run, write_source, write_yaml
from vlmbench_sdk import ModelError

STREAM = "application/vnd.amazon.eventstream"


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    return use_keys(monkeypatch)


def echo(asking: Asking, prompt: str, attempt: int) -> None:
    del attempt
    asking.say(f"answer to {prompt}")


@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_arrives_without_its_thinking(*, stream: bool) -> None:
    with bedrock(echo) as service:
        answers = ask(service, texts(20), stream=stream)
    assert {name: answer.answer for name, answer in answers.items()} == {
        f"s{index}": f"answer to question {index}" for index in range(20)
    }
    for answer in answers.values():
        assert (answer.status, answer.input_tokens, answer.output_tokens) == ("ok", 11, 3)
        assert answer.latency_ms is not None
        assert (answer.ttft_ms is not None) == stream
        assert (answer.ttft_ms or 0) <= answer.latency_ms
    path, asked, headers = service.seen[0]
    assert path == f"/model/vendor.model-v1%3A0/converse{'-stream' if stream else ''}"
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE")
    assert list(asked) == ["messages"]


def throttled(asking: Asking) -> None:
    asking.refuse(429, "ThrottlingException", Retry_After="0.01")


def broken(asking: Asking) -> None:
    asking.send(b"".join(stream_of("half an answer")[:4]), kind=STREAM)


def cut(asking: Asking) -> None:
    whole = b"".join(stream_of("half an answer"))
    asking.send_response(200)
    asking.send_header("Content-Type", STREAM)
    asking.send_header("Content-Length", str(len(whole)))
    asking.end_headers()
    asking.wfile.write(whole[: len(whole) // 2])
    asking.close_connection = True


def spoiled(asking: Asking) -> None:
    good = bytearray(b"".join(stream_of("an answer")))
    good[len(good) // 2] ^= 0xFF
    asking.send(bytes(good), kind=STREAM)


def failing(asking: Asking) -> None:
    bad = event("throttlingException", {"message": "slow down"}, "exception")
    asking.send(b"".join([*stream_of("half an")[:3], bad]), kind=STREAM)


def page(asking: Asking) -> None:
    asking.send(b"<html>gateway</html>", kind="text/html")


def unavailable(asking: Asking) -> None:
    asking.refuse(503, "ServiceUnavailableException")


FAULTS = (throttled, broken, cut, spoiled, failing, page, unavailable)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_passing_fault_passes(fault: object) -> None:
    assert callable(fault)

    def reply(asking: Asking, prompt: str, attempt: int) -> None:
        if attempt <= 2 and int(prompt.split()[1]) % 3 == 0:
            fault(asking)
        else:
            echo(asking, prompt, attempt)

    with bedrock(reply) as service:
        answers = ask(service, texts(12), concurrency=4)
    assert all(answer.answer == f"answer to question {name[1:]}" for name, answer in answers.items())
    assert {answer.attempts for answer in answers.values()} == {1, 3}
    assert len(service.seen) == 12 + 2 * 4, "what was answered is not asked again, and boto3 asks nothing itself"


@pytest.mark.parametrize("stream", [True, False])
def test_silence_is_a_timeout_of_its_own_row(*, stream: bool) -> None:
    over = threading.Event()

    def reply(asking: Asking, prompt: str, attempt: int) -> None:
        if prompt == "question 1":
            over.wait(60)
        else:
            echo(asking, prompt, attempt)

    with bedrock(reply) as service:
        answers = ask(service, texts(6), stream=stream, timeout_s=0.3, concurrency=2)
        over.set()
    assert {name: answer.status for name, answer in answers.items() if answer.status != "ok"} == {"s1": "timeout"}
    assert answers["s1"].attempts == 4
    assert "did not answer in 0.3 s" in answers["s1"].error


def test_requests_are_in_flight_side_by_side() -> None:
    gate = threading.Barrier(8, timeout=60)

    def reply(asking: Asking, prompt: str, attempt: int) -> None:
        gate.wait()
        echo(asking, prompt, attempt)

    with bedrock(reply) as service:
        answers = ask(service, texts(32), concurrency=8)
    assert len(answers) == 32
    assert service.most == 8


def test_a_server_that_is_not_there_ends_the_job() -> None:
    with bedrock(echo) as service:
        pass
    with pytest.raises(ModelError, match="`region` and `base_url`"):
        ask(service, texts(8), concurrency=2)


def test_what_repeats_the_credentials_is_blotted_out(keys: dict[str, str]) -> None:
    """AWS's own errors about signatures repeat the headers that were signed, the session token among them."""

    def reply(asking: Asking, prompt: str, attempt: int) -> None:
        del attempt
        words = f"{asking.headers['X-Amz-Security-Token']} {keys['AWS_SECRET_ACCESS_KEY']}"
        if prompt == "question 0":
            asking.say(words)
        else:
            asking.refuse(400, "ValidationException", words)

    with bedrock(reply) as service:
        answers = ask(service, texts(2))
    assert answers["s0"].answer == "[key] [key]"
    assert answers["s1"].error.endswith("[key] [key]")


def test_a_whole_run_in_the_environment_that_is_shipped(
    workspace: Path, vlmbench: Run, keys: dict[str, str], tmp_path: Path
) -> None:
    Image.new("RGB", (9, 9)).save(workspace / "source/page.png")
    with bedrock(echo) as service:
        write_yaml(workspace, "environments/mine", f"extends: bedrock\nenv: [{', '.join(keys)}]\n")
        entry = (
            f"extends: bedrock\nenvironment: mine\noptions: {{model: m, region: eu-west-1, base_url: '{service.url}'}}"
        )
        price = "price: {input_per_million: 3, output_per_million: 15}\n"
        write_yaml(workspace, "models/asked", f"{entry}\n{price}")
        vlmbench("run", "--model", "asked", "--dataset", "tiny", check=0)
    write_source(workspace, 8)
    Image.new("RGB", (9, 9)).save(workspace / "source/page.png")
    planned = json.loads(vlmbench("plan", "--model", "asked", "--dataset", "tiny", "--json", check=3).stdout)
    manifest = json.loads((workspace / "data/answers/asked/tiny/manifest.json").read_text(encoding="utf-8"))
    assert manifest["facts"]["environment"]["packages"]["boto3"] == "1.44.5"
    assert manifest["facts"]["input_tokens"] == 44
    assert planned["cells"][0]["cost"] == pytest.approx(4 * (11 * 3 + 3 * 15) / 1e6)
    files = [path for path in tmp_path.rglob("*") if path.is_file() and "environments" not in path.parts]
    assert any(path.name == "answers.csv" for path in files)
    secret = [keys["AWS_SECRET_ACCESS_KEY"].encode(), keys["AWS_SESSION_TOKEN"].encode()]
    assert not [path for path in files if any(key in path.read_bytes() for key in secret)]
