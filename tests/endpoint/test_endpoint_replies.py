"""What a reply without an answer, a refusal, or a long one with a key in it becomes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue, ValidationError

from tests.endpoint.serving import ask, endpoint, texts
from vlmbench_openai.failures import garbage, http_failure
from vlmbench_openai.plugin import OpenAiOptions
from vlmbench_sdk import Answer, ModelError, Retry
from vlmbench_sdk.secrets import Secrets, fill_secrets

KEY = "sk-verysecret-0123456789"
ONCE = Retry(attempts=1)


@contextmanager
def saying(status: int, body: JsonValue) -> Iterator[tuple[str, list[int]]]:
    """Serve one and the same reply, and count how often."""
    count: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            count.append(1)
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", count
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("choices", [[{}], [None], [{"text": "12.50"}], [{"message": {"content": None}}]])
def test_a_reply_without_an_answer_is_an_error(choices: JsonValue) -> None:
    with saying(200, {"choices": choices}) as (url, _):
        answer = ask(endpoint(url, retry=ONCE), texts(1))["s0"]
    assert (answer.status, answer.answer) == ("error", "")
    assert "no chat answer" in answer.error


def test_an_answer_of_white_space_is_empty() -> None:
    body: JsonValue = {"choices": [{"message": {"content": " \n"}, "finish_reason": "stop"}]}
    with saying(200, body) as (url, _):
        assert ask(endpoint(url, retry=ONCE), texts(1))["s0"].status == "empty"


@pytest.mark.parametrize(("status", "code"), [(402, ""), (403, ""), (429, "insufficient_quota")])
def test_a_spent_account_ends_the_job(status: int, code: str) -> None:
    body: JsonValue = {"error": {"message": "no", "code": code}}
    with saying(status, body) as (url, count), pytest.raises(ModelError, match=f"HTTP {status}"):
        ask(endpoint(url, concurrency=1), texts(40))
    # What was made ready meanwhile may have been sent.
    assert len(count) <= 3


def test_azure_s_filter_is_a_refusal() -> None:
    with saying(400, {"error": {"message": "filtered", "code": "content_filter"}}) as (url, _):
        assert ask(endpoint(url), texts(1))["s0"].status == "refused"


@pytest.mark.parametrize("key", ["temperature", "top_p", "seed", "stop", "n", "response_format"])
def test_extra_body_does_not_override_an_option(key: str) -> None:
    with pytest.raises(ValidationError, match="set by other options"):
        OpenAiOptions.model_validate({"base_url": "http://x/v1", "extra_body": {key: 1}})


@given(before=st.integers(0, 1000))
def test_no_part_of_a_key_is_left_where_a_text_is_cut(before: int) -> None:
    said = "a" * before + KEY
    secrets = Secrets(KEY)
    written = [
        secrets.short(http_failure(400, {}, json.dumps({"error": {"message": said}}).encode()).what),
        secrets.short(garbage(said.encode(), "text").what),
    ]
    written += [secrets.out_of_answer(Answer(sample_id="s", error=said, finish_reason=said)).error]
    written += [secrets.out_of_answer(Answer(sample_id="s", error=said, finish_reason=said)).finish_reason]
    assert not [text for text in written if "sk-" in text]


def test_every_variable_that_was_filled_in_is_taken_out() -> None:
    fill_secrets({"extra_body": {"user": ["${ENV:ACCOUNT}"]}}, {"ACCOUNT": "account-98765", "OTHER": "not-asked-for"})
    assert Secrets().out_of("account-98765 not-asked-for") == "[key] not-asked-for"
