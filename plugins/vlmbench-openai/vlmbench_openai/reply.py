"""What comes back: one JSON object, or a stream of them, read into a `Reply`."""

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vlmbench_openai.failures import error_in_body, garbage
from vlmbench_sdk import Answer
from vlmbench_sdk.endpoint_failures import EndpointError
from vlmbench_sdk.records import Status

if TYPE_CHECKING:
    from aiohttp import ClientResponse

LONGEST_REPLY = 16 << 20
"""Bytes; the runner takes a million characters of an answer, and a stream spends some 300 bytes on a token."""


@dataclass
class Reply:
    """What an endpoint said so far."""

    texts: list[str] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    finish_reason: str = ""
    ended: bool = False
    """Whether a stream said that it is complete."""
    first_s: float | None = None
    """When the first token came, by the monotonic clock."""
    input_tokens: int | None = None
    output_tokens: int | None = None

    def take(self, piece: object, part: str) -> None:
        """Add one JSON object: a whole answer, whose part is its `message`, or a piece of a stream, its `delta`.

        Raises:
            EndpointError: When it is an error or no chat answer.
        """
        if not isinstance(piece, dict) or not ("choices" in piece or piece.get("error") or "usage" in piece):
            raise garbage(json.dumps(piece).encode(), "JSON")
        if piece.get("error"):
            raise error_in_body(piece["error"])
        usage = piece.get("usage")
        if isinstance(usage, dict):
            self.input_tokens = _count(usage.get("prompt_tokens"), self.input_tokens)
            self.output_tokens = _count(usage.get("completion_tokens"), self.output_tokens)
        choices = piece.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if isinstance(choice, dict):
            self._take_choice(choice, part)

    def _take_choice(self, choice: dict[str, object], part: str) -> None:
        said = choice.get(part)
        if isinstance(said, dict):
            # Thinking comes as `reasoning_content` (vLLM, SGLang) or `reasoning` (OpenRouter, Ollama): it is a sign
            # of life, and no part of the answer.
            text, refusal = _text(said.get("content")), _text(said.get("refusal"))
            thought = said.get("reasoning_content") or said.get("reasoning")
            if text or refusal or thought:
                self.first_s = self.first_s or time.monotonic()
            if text:
                self.texts.append(text)
            if refusal:
                self.refusals.append(refusal)
        if reason := choice.get("finish_reason"):
            self.finish_reason = str(reason)
            self.ended = True
            if reason == "error":
                raise error_in_body(choice.get("error") or {"message": "finish_reason is error"})

    def answer(self, sample_id: str, started_s: float) -> Answer:
        """The answer that this is."""
        text = "".join(self.texts)
        status, error = self._status(text)
        first = None if self.first_s is None else (self.first_s - started_s) * 1000
        return Answer(
            sample_id=sample_id,
            answer=text,
            status=status,
            finish_reason=self.finish_reason,
            error=error,
            latency_ms=(time.monotonic() - started_s) * 1000,
            ttft_ms=first,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
        )

    def _status(self, text: str) -> tuple[Status, str]:
        if self.finish_reason == "content_filter" or (self.refusals and not text):
            word = "".join(self.refusals)
            return "refused", f"the endpoint refused: {word or self.finish_reason}"
        if self.finish_reason in {"length", "max_tokens"}:
            return "truncated", ""
        return ("ok" if text.strip() else "empty"), ""


async def read_reply(response: "ClientResponse") -> Reply:
    """Read an answer with HTTP status 200.

    Raises:
        EndpointError: When it is none, or ends too early.
    """
    if response.content_type == "text/event-stream":
        return await _read_stream(response)
    body = await _read_all(response)
    try:
        piece = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise garbage(body, response.content_type) from error
    reply = Reply()
    reply.take(piece, "message")
    choices = piece.get("choices") if isinstance(piece, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else None
    # An answer that says nothing would be scored as the model's silence.
    said = reply.texts or reply.refusals or reply.finish_reason
    if not isinstance(first, dict) or not isinstance(first.get("message"), dict) or not said:
        raise garbage(body, "JSON")
    reply.first_s = None
    return reply


async def _read_stream(response: "ClientResponse") -> Reply:
    reply, rest, size = Reply(), b"", 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        _limit(size)
        # A chunk ends anywhere; what follows the last line feed waits for the next one.
        *lines, rest = (rest + chunk).split(b"\n") if rest else chunk.split(b"\n")
        for line in lines:
            _take_line(reply, line)
    _take_line(reply, rest)
    if not reply.ended:
        # A server that dies behind a proxy ends the connection as politely as one that is done.
        raise EndpointError("the stream ended before the answer did", transient=True)
    return reply


def _take_line(reply: Reply, line: bytes) -> None:
    if not line.startswith(b"data:"):
        return
    content = line[5:].strip()
    if content == b"[DONE]":
        reply.ended = True
        return
    try:
        piece = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise garbage(content, "a piece of a stream") from error
    reply.take(piece, "delta")


async def _read_all(response: "ClientResponse") -> bytes:
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        _limit(size)
        chunks.append(chunk)
    return b"".join(chunks)


def _limit(size: int) -> None:
    if size > LONGEST_REPLY:
        raise EndpointError(f"the endpoint sent more than {LONGEST_REPLY} bytes for one answer")


def _text(content: object) -> str:
    """Text of a `content`: a string, or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in content if isinstance(part, dict))
    return ""


def _count(value: object, before: int | None) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else before
