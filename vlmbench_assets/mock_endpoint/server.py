"""The mock endpoint's HTTP: just enough of HTTP/1.1 for clients that keep their connections."""

import asyncio
import contextlib
import json
import time
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import JsonValue

from vlmbench_assets.mock_endpoint.service import Fault, Said, Service

CHAT = "/chat/completions"
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}
_WORDS: dict[str, str] = {
    "400": "the picture is too large",
    "401": "no valid key",
    "404": "no such model",
    "429": "too many requests",
    "500": "the engine is gone",
}


@dataclass
class Seen:
    """What the endpoint saw, for whoever measures its clients."""

    requests: int = 0
    answered: Counter[int] = field(default_factory=Counter)
    """How often each request, by its body's checksum, was answered in full."""
    faults: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0
    busy_s: float = 0.0
    """Slots times seconds that were worked in."""
    first_s: float = 0.0
    """When the first request was there, by this machine's monotonic clock."""
    last_s: float = 0.0
    received_bytes: int = 0

    def said(self) -> dict[str, JsonValue]:
        """As JSON."""
        return {
            "requests": self.requests,
            "answered": sum(self.answered.values()),
            "answered_again": sum(count - 1 for count in self.answered.values()),
            "faults": dict(self.faults),
            "most_in_flight": self.most_in_flight,
            "busy_s": round(self.busy_s, 4),
            "first_s": self.first_s,
            "span_s": round(self.last_s - self.first_s, 4),
            "received_bytes": self.received_bytes,
        }


class Mock:
    """The endpoint's state, shared by its connections."""

    def __init__(self, service: Service) -> None:
        """Nothing was asked yet. Made inside the event loop that serves it."""
        self.service = service
        self.seen = Seen()
        self.slots = asyncio.Semaphore(service.slots)
        self.attempts: Counter[int] = Counter()
        self.connections: set[Connection] = set()

    async def listen(self, host: str, port: int) -> tuple[asyncio.Server, str]:
        """Listen; return the server and the address that clients take as `base_url`."""
        server = await asyncio.get_running_loop().create_server(lambda: Connection(self), host, port)
        return server, f"http://{host}:{server.sockets[0].getsockname()[1]}/v1"


class Connection(asyncio.Protocol):
    """One client's connection; one request at a time."""

    def __init__(self, mock: Mock) -> None:
        """Nothing was received yet."""
        self._mock = mock
        self._parts: list[bytes] = []
        self._missing = 0
        self._head: tuple[str, str, Mapping[str, str]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where to write."""
        self._transport = transport if isinstance(transport, asyncio.Transport) else None
        self._mock.connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """Stop working for a client that left."""
        self._mock.connections.discard(self)
        if self._task is not None:
            self._task.cancel()

    def abort(self) -> None:
        """Cut the connection off."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Collect a request; answer it when it is whole."""
        self._parts.append(data)
        if self._head is None:
            start = b"".join(self._parts)
            head, found, rest = start.partition(b"\r\n\r\n")
            if not found:
                return
            self._head = _parsed(head)
            length = self._head[2].get("content-length", "0")
            self._missing = (int(length) if length.isdigit() else 0) - len(rest)
            self._parts = [rest]
        else:
            self._missing -= len(data)
        if self._missing <= 0:
            head_of, body = self._head, b"".join(self._parts)
            self._head, self._parts = None, []
            self._task = asyncio.get_running_loop().create_task(self._handle(*head_of, body))

    async def _handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            if method == "POST" and path.endswith(CHAT):
                await self._chat(headers, body)
            elif path == "/health":
                self._send(200, b"")
            elif path == "/stats":
                self._send(200, json.dumps(self._mock.seen.said()).encode())
            elif path.endswith("/models"):
                self._send(200, b'{"object":"list","data":[{"id":"mock","object":"model"}]}')
            else:
                self._refuse("404", f"nothing at {method} {path}")

    async def _chat(self, headers: Mapping[str, str], body: bytes) -> None:
        service, seen = self._mock.service, self._mock.seen
        try:
            asked = json.loads(body)
        except ValueError:
            asked = None
        if not isinstance(asked, dict):
            self._refuse("400", "the body is no JSON object")
            return
        sent = headers.get("authorization", "").removeprefix("Bearer ")
        if service.api_key and sent != service.api_key:
            # As hosted endpoints do, it repeats what it was sent.
            self._refuse("401", f"Incorrect API key provided: {sent}")
            return
        number = zlib.crc32(body)
        self._mock.attempts[number] += 1
        seen.first_s = seen.first_s or time.monotonic()
        seen.requests, seen.in_flight = seen.requests + 1, seen.in_flight + 1
        seen.received_bytes += len(body)
        seen.most_in_flight = max(seen.most_in_flight, seen.in_flight)
        try:
            question = service.question(asked)
            fault = service.fault(question, self._mock.attempts[number])
            stream = bool(asked.get("stream"))
            if fault is not None:
                seen.faults[fault] += 1
                await self._fail(fault, service.say(asked), stream)
            else:
                async with self._mock.slots:
                    await self._work(service.say(asked), number, service.factor(question), stream)
        finally:
            seen.in_flight, seen.last_s = seen.in_flight - 1, time.monotonic()

    async def _work(self, said: Said, number: int, factor: float, stream: bool) -> None:  # noqa: FBT001 - internal
        service, started = self._mock.service, time.monotonic()
        first_s, token_s = service.ttft_ms * factor / 1000, service.tpot_ms * factor / 1000
        try:
            if first_s:
                await asyncio.sleep(first_s)
            if not stream:
                if token_s:
                    await asyncio.sleep(token_s * max(0, len(said.tokens) - 1))
                self._answered(number, _head(200, "application/json", len(whole := said.whole())) + whole)
                return
            self._write(_head(200, "text/event-stream", None))
            pieces = said.pieces()
            if not token_s:
                self._answered(number, _chunk(b"".join(pieces)) + b"0\r\n\r\n")
                return
            for index, piece in enumerate(pieces):
                if index > 1 and index <= len(said.tokens):
                    # By the clock, so that the timer's coarseness does not add up.
                    await asyncio.sleep(started + first_s + (index - 1) * token_s - time.monotonic())
                self._write(_chunk(piece))
            self._answered(number, b"0\r\n\r\n")
        finally:
            self._mock.seen.busy_s += time.monotonic() - started

    def _answered(self, number: int, end: bytes) -> None:
        # Counted first: a client may leave as soon as it has its answer, which ends this task.
        self._mock.seen.answered[number] += 1
        self._write(end)

    async def _fail(self, fault: Fault, said: Said, stream: bool) -> None:  # noqa: FBT001 - internal
        if fault == "hang":
            await asyncio.Event().wait()
        elif fault == "html":
            self._send(200, b"<html><body><h1>Gateway is being upgraded</h1></body></html>", "text/html")
        elif fault == "error-body":
            self._send(200, b'{"error": {"message": "the provider is overloaded", "code": 503}}')
        elif fault in {"disconnect", "length", "empty-stream"}:
            if stream:
                self._write(_head(200, "text/event-stream", None))
                half = b"".join(said.pieces()[:2])
                self._write(b"0\r\n\r\n" if fault == "empty-stream" else _chunk(half))
            else:
                body = said.whole()
                self._write(_head(200, "application/json", len(body) + 100) + body[: len(body) // 2])
            if fault == "length" and stream:
                # A chunk that is said to be longer than what follows.
                self._write(b"ffff\r\ndata: ")
            if fault != "empty-stream" and self._transport is not None:
                self._transport.close()
        else:
            self._refuse(fault, _WORDS[fault])

    def _refuse(self, status: str, word: str) -> None:
        extra = f"Retry-After: {self._mock.service.retry_after_s:g}\r\n" if status == "429" else ""
        body = json.dumps({"error": {"message": word, "type": "mock", "code": None}}).encode()
        self._send(int(status), body, extra=extra)

    def _send(self, status: int, body: bytes, kind: str = "application/json", extra: str = "") -> None:
        self._write(_head(status, kind, len(body), extra) + body)

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError
        self._transport.write(data)


def _parsed(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, _, rest = first.partition(" ")
    pairs = (line.partition(":") for line in lines)
    return method, rest.partition(" ")[0], {name.strip().lower(): value.strip() for name, _, value in pairs}


def _head(status: int, kind: str, length: int | None, extra: str = "") -> bytes:
    size = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    reason = _REASONS.get(status, "Error")
    return f"HTTP/1.1 {status} {reason}\r\nContent-Type: {kind}\r\n{extra}{size}\r\n\r\n".encode()


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)
