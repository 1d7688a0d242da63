"""Odd things that endpoints send, from a server that sends exactly these bytes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest

from tests.endpoint.serving import QUICK, ask, endpoint, texts
from vlmbench_openai.failures import message_of
from vlmbench_sdk import ModelError
from vlmbench_sdk.endpoint_failures import retry_after

GOOD = b'{"choices":[{"message":{"content":"42"},"finish_reason":"stop"}]}'


@contextmanager
def saying(*replies: bytes) -> Iterator[str]:
    """Send these bytes to one connection after another, the last to all further ones."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        number = 0
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                received = b""
                while b"}]}]" not in received and (data := connection.recv(65536)):
                    received += data
                # One that reads no more than it wants hangs up in the middle.
                with suppress(ConnectionError):
                    connection.sendall(replies[min(number, len(replies) - 1)])
                number += 1

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def http(body: bytes, kind: str = "application/json", status: str = "200 OK", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Connection: close\r\n\r\n"
    return head.encode() + body


def stream(*pieces: bytes) -> bytes:
    return http(b"".join(b"data: " + piece + b"\r\n\r\n" for piece in pieces), "text/event-stream; charset=utf-8")


DELTA = b'{"choices":[{"delta":{"content":"4"},"finish_reason":null}]}'
END = b'{"choices":[{"delta":{"content":"2"},"finish_reason":"stop"}]}'


@pytest.mark.parametrize(
    "reply",
    [
        http(GOOD),
        http(GOOD, "text/plain"),
        http(b'{"choices":[{"message":{"content":[{"type":"text","text":"4"},{"text":"2"}]}}]}'),
        stream(DELTA, END, b"[DONE]"),
        stream(DELTA, END),
        http(b": keep-alive\n\nevent: x\ndata:" + DELTA + b"\n\n: ping\n\ndata: " + END, "text/event-stream"),
        stream(b'{"choices":[],"usage":null}', DELTA, END, b'{"choices":[],"usage":{"prompt_tokens":-1}}', b"[DONE]"),
    ],
)
def test_what_is_an_answer(reply: bytes) -> None:
    with saying(reply) as url:
        answer = ask(endpoint(url), texts(1))["s0"]
    assert (answer.status, answer.answer, answer.attempts, answer.input_tokens) == ("ok", "42", 1, None)


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (b"", "the connection broke"),
        (b"SSH-2.0-OpenSSH_9\r\n", "the connection broke"),
        (http(b"null"), "no chat answer"),
        (http(b"[]"), "no chat answer"),
        (http(b'{"choices":[]}'), "no chat answer"),
        (http(b'{"choices":[{}], "error": {"message": "busy", "code": 429}}'), "busy"),
        (http(b"[" * 100_000), "no chat answer"),
        (http(b"\xff\xfe"), "no chat answer"),
        (http(b"x" * (17 << 20)), "more than"),
        (stream(DELTA), "the stream ended before"),
        (stream(DELTA, b"{torn"), "no chat answer"),
        (stream(DELTA, b'{"error":{"message":"out of memory"}}'), "out of memory"),
        (stream(b'{"choices":[{"delta":{},"finish_reason":"error"}]}'), "finish_reason is error"),
        (http(b"", status="503 Busy", more="Content-Encoding: gzip\r\n"), "HTTP 503"),
    ],
)
def test_what_is_none_says_so(reply: bytes, says: str) -> None:
    with saying(reply) as url:
        answer = ask(endpoint(url, retry=QUICK.model_copy(update={"attempts": 2})), texts(1))["s0"]
    assert answer.status == "error"
    assert says in answer.error
    assert len(answer.error) < 600
    with saying(reply, http(GOOD)) as url:
        again = ask(endpoint(url), texts(1))["s0"]
    assert (again.status, again.attempts) == (("error", 1) if says == "more than" else ("ok", 2))


def test_a_key_is_not_sent_on() -> None:
    with (
        saying(http(GOOD)) as other,
        saying(http(b"", status="307 Elsewhere", more=f"Location: {other}/chat/completions\r\n")) as url,
        pytest.raises(ModelError, match="sends us elsewhere"),
    ):
        ask(endpoint(url, api_key="k" * 20), texts(1))


def test_when_to_come_back() -> None:
    soon = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)
    assert retry_after({"retry-after": "2"}) == 2
    assert retry_after({"retry-after-ms": "250", "retry-after": "2"}) == 0.25
    assert 25 < (retry_after({"retry-after": soon}) or 0) <= 30
    assert retry_after({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0
    assert retry_after({"retry-after": "-3"}) == 0
    for odd in ("", "soon", "nan", "inf", "Wed, 99 Oct"):
        assert retry_after({"retry-after": odd}) is None


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"error": {"message": "too  long"}}', "too long"),
        (b'{"error": "no"}', "no"),
        (b'{"detail": "no"}', "no"),
        (b'["no"]', '["no"]'),
        (b"<html>\n no</html>", "<html> no</html>"),
        (b"", ""),
    ],
)
def test_an_endpoint_s_own_words(body: bytes, word: str) -> None:
    assert message_of(body)[0] == word
