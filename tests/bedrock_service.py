"""A stand-in for Bedrock's runtime that speaks its wire format, and the model that asks it.

The format of event streams is that of AWS's SDK: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

import json
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from zlib import crc32

import pytest
from pydantic import JsonValue

from vlmbench_bedrock.backend import Bedrock
from vlmbench_bedrock.plugin import BedrockOptions
from vlmbench_sdk import Answer, Generation, Model, ModelSettings, Options, Request, Retry
from vlmbench_sdk.asking import ask_all

KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE0123456789",
    "AWS_SECRET_ACCESS_KEY": "very-secret-0123456789",
    "AWS_SESSION_TOKEN": "session-secret-0123456789",
}
"""Credentials that are none."""
QUICK = Retry(attempts=4, first_s=0.02)
USAGE: JsonValue = {"inputTokens": 11, "outputTokens": 3, "totalTokens": 14}


def use_keys(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set AWS's variables, and shut out this machine's own settings and look-ups on the network."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return KEYS


class Asking(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: "Service"

    def do_POST(self) -> None:
        """Answer as the service was told to."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        prompt = asked["messages"][-1]["content"][-1]["text"]
        with self.server.lock:
            attempt = self.server.attempts[prompt] = self.server.attempts.get(prompt, 0) + 1
            self.server.in_flight += 1
            self.server.most = max(self.server.most, self.server.in_flight)
            self.server.seen.append((self.path, asked, dict(self.headers)))
        try:
            self.server.reply(self, prompt, attempt)
        except OSError:
            self.close_connection = True
        finally:
            with self.server.lock:
                self.server.in_flight -= 1

    def send(self, body: bytes, status: int = 200, kind: str = "application/json", **headers: str) -> None:
        """Send a whole response."""
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def say(self, text: str, **more: JsonValue) -> None:
        """Answer as the operation that was called does."""
        if not self.path.endswith("-stream"):
            content: JsonValue = [{"reasoningContent": {"reasoningText": {"text": "hm"}}}, {"text": text}]
            message: JsonValue = {"role": "assistant", "content": content}
            whole = {"output": {"message": message}, "stopReason": "end_turn", "usage": USAGE, **more}
            self.send(json.dumps({**whole, "metrics": {"latencyMs": 1}}).encode())
            return
        self.send(b"".join(stream_of(text)), kind="application/vnd.amazon.eventstream")

    def refuse(self, status: int, code: str, message: str = "no", **headers: str) -> None:
        """Answer with one of AWS's errors."""
        self.send(json.dumps({"message": message}).encode(), status, x_amzn_ErrorType=code, **headers)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""


Reply = Callable[[Asking, str, int], None]
"""Answers an attempt at a prompt, the first being 1."""


class Service(ThreadingHTTPServer):
    """Listens on a free port."""

    daemon_threads = True

    def __init__(self, reply: Reply) -> None:
        super().__init__(("127.0.0.1", 0), Asking)
        self.reply = reply
        self.lock = threading.Lock()
        self.attempts: dict[str, int] = {}
        self.seen: list[tuple[str, dict[str, JsonValue], dict[str, str]]] = []
        self.in_flight = self.most = 0
        self.url = f"http://127.0.0.1:{self.server_port}"


@contextmanager
def bedrock(reply: Reply) -> Iterator[Service]:
    """Serve while the block runs."""
    with Service(reply) as service:
        thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield service
        finally:
            service.shutdown()
            thread.join()


def event(name: str, content: JsonValue, kind: str = "event") -> bytes:
    """One message of an event stream."""
    headers = b""
    for key, value in ((f":{kind}-type", name), (":content-type", "application/json"), (":message-type", kind)):
        # 7 is a string, with a length of two bytes.
        headers += bytes([len(key)]) + key.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
    payload = json.dumps(content).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    message = prelude + struct.pack("!I", crc32(prelude)) + headers + payload
    return message + struct.pack("!I", crc32(message))


def stream_of(text: str, stop_reason: str = "end_turn") -> list[bytes]:
    """The events of an answer: thinking, then its words one by one."""
    thought: JsonValue = {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}
    words = [word + " " for word in text.split(" ")] if text else []
    words[-1:] = [word[:-1] for word in words[-1:]]
    return [
        event("messageStart", {"role": "assistant"}),
        event("contentBlockDelta", thought),
        *(event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": word}}) for word in words),
        event("contentBlockStop", {"contentBlockIndex": 1}),
        event("messageStop", {"stopReason": stop_reason}),
        event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}}),
    ]


def model(generation: Generation | None = None, options: dict[str, JsonValue] | None = None) -> Bedrock:
    """The model, not loaded yet."""
    settings = ModelSettings(name="asked", generation=generation or Generation(), retry=QUICK)
    given = {"model": "vendor.model-v1:0", "region": "us-west-2", **(options or {})}
    return Bedrock(BedrockOptions.model_validate(given), settings)


def answers_of(loaded: Bedrock, requests: Sequence[Request]) -> dict[str, Answer]:
    """Ask as the worker does, and close."""
    try:
        answers = list(ask_all(cast("Model[Options]", loaded), requests, loaded.settings.retry))
    finally:
        loaded.close()
    assert len({answer.sample_id for answer in answers}) == len(answers)
    return {answer.sample_id: answer for answer in answers}


def ask(service: Service, requests: Sequence[Request], **options: JsonValue) -> dict[str, Answer]:
    """Load, ask, close."""
    asked = model(options={"base_url": service.url, **options})
    asked.load()
    return answers_of(asked, requests)


def texts(count: int) -> list[Request]:
    """Requests without pictures, each with its own prompt."""
    return [Request(sample_id=f"s{index}", images=(), prompt=f"question {index}") for index in range(count)]
