"""What the mock endpoint answers, how long it takes, and what goes wrong: decided by the request and a seed alone."""

import base64
import hashlib
import json
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Literal, cast, get_args

from pydantic import JsonValue

Fault = Literal["429", "500", "disconnect", "html", "hang", "length", "error-body", "400", "401", "404", "empty-stream"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
PASSING: tuple[Fault, ...] = ("429", "500", "disconnect", "html", "hang", "length", "error-body")
"""What happens to a share of attempts where nothing else is said."""
LAST_FAULTY_ATTEMPT = 2
"""A passing fault passes: a later attempt at the same request meets none."""


@dataclass(frozen=True)
class Service:
    """The service model."""

    slots: int = 16
    """Requests that are worked on at a time; the others wait."""
    ttft_ms: float = 50.0
    """Mean time to the first token."""
    tpot_ms: float = 2.0
    """Mean time of each further token."""
    spread: float = 0.0
    """Sigma of the log-normal factor on a request's times; its mean stays 1."""
    fault_rate: float = 0.0
    """Share of attempts that meet a passing fault."""
    faults: tuple[Fault, ...] = PASSING
    poison_rate: float = 0.0
    """Share of requests that meet a lasting fault, at each attempt."""
    poison: Fault = "500"
    retry_after_s: float = 0.1
    seed: int = 0
    answer: str = "{prompt}"
    """What it answers; `{prompt}` and `{image}`, the first 12 digits of the first picture's SHA-256, are filled in."""
    answers: Mapping[str, JsonValue] = field(default_factory=dict)
    """Answers by a picture's SHA-256 or by prompt, before `answer`: texts, or objects with keys of a message."""
    api_key: str = ""
    """When not empty, requests without it are refused."""

    def question(self, asked: Mapping[str, JsonValue]) -> int:
        """A request's number, by which its faults and times are drawn: the same for every client that asks the same.

        Its bytes would differ from client to client, and with them the longest times that clients are compared by.
        """
        prompt, images = _asked(asked)
        return zlib.crc32("\n".join((prompt, *images)).encode("utf-8", "surrogatepass"))

    def fault(self, question: int, attempt: int) -> Fault | None:
        """What goes wrong with an attempt at a request, if anything."""
        if self.poison_rate and self._draw("poison", question) < self.poison_rate:
            return self.poison
        if attempt <= LAST_FAULTY_ATTEMPT and self._draw(f"fault {attempt}", question) < self.fault_rate:
            return self.faults[int(self._draw(f"which {attempt}", question) * len(self.faults))]
        return None

    def factor(self, question: int) -> float:
        """How much longer than the mean a request takes."""
        if not self.spread:
            return 1.0
        normal = NormalDist().inv_cdf(min(max(self._draw("time", question), 1e-9), 1 - 1e-9))
        return math.exp(self.spread * normal - self.spread**2 / 2)

    def say(self, asked: Mapping[str, JsonValue]) -> "Said":
        """The answer to a request."""
        prompt, images = _asked(asked)
        found: JsonValue = None
        digest = ""
        if images and (self.answers or "{image}" in self.answer):
            digest = _digest(images[0])
            found = self.answers.get(digest)
        found = self.answers.get(prompt) if found is None else found
        if found is None:
            found = self.answer.replace("{prompt}", prompt).replace("{image}", digest[:12])
        given = found if isinstance(found, dict) else {"content": found}
        limit = asked.get("max_tokens") or asked.get("max_completion_tokens")
        return Said.of(given, limit if isinstance(limit, int) else None, len(prompt.split()) + 256 * len(images))

    def _draw(self, what: str, question: int) -> float:
        seed = f"{self.seed} {what} {question}".encode()
        return int.from_bytes(hashlib.blake2b(seed, digest_size=7).digest(), "big") / 2**56


@dataclass(frozen=True)
class Said:
    """An answer, token by token."""

    tokens: tuple[str, ...]
    reasoning: str
    refusal: str
    finish_reason: str
    input_tokens: int

    @classmethod
    def of(cls, given: Mapping[str, JsonValue], limit: int | None, input_tokens: int) -> "Said":
        """Cut a message into tokens: words with the white space behind them."""
        content = str(given.get("content") or "")
        tokens = tuple(piece + " " for piece in content.split(" "))[:limit] if content else ()
        whole = limit is None or len(content.split(" ")) <= limit
        tokens = (*tokens[:-1], tokens[-1][:-1]) if tokens and whole else tokens
        return cls(
            tokens=tokens,
            reasoning=str(given.get("reasoning") or ""),
            refusal=str(given.get("refusal") or ""),
            finish_reason=str(given.get("finish_reason") or ("stop" if whole else "length")),
            input_tokens=input_tokens,
        )

    def usage(self) -> dict[str, JsonValue]:
        """The usage block."""
        out = len(self.tokens) + len(self.reasoning.split())
        return {"prompt_tokens": self.input_tokens, "completion_tokens": out, "total_tokens": self.input_tokens + out}

    def whole(self) -> bytes:
        """The answer as one JSON object."""
        message: dict[str, JsonValue] = {"role": "assistant", "content": "".join(self.tokens)}
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        if self.refusal:
            message["refusal"] = self.refusal
        choice: JsonValue = {"index": 0, "message": message, "finish_reason": self.finish_reason}
        return json.dumps({**_HEAD, "object": "chat.completion", "choices": [choice], "usage": self.usage()}).encode()

    def pieces(self) -> list[bytes]:
        """The answer as lines of a stream: one for each token, then how it ended, the usage, and the end."""
        deltas: list[dict[str, JsonValue]] = [{"role": "assistant", "content": ""}]
        if self.reasoning:
            deltas.append({"reasoning_content": self.reasoning})
        if self.refusal:
            deltas.append({"refusal": self.refusal})
        deltas += [{"content": token} for token in self.tokens]
        lines = [_line([{"index": 0, "delta": delta, "finish_reason": None}]) for delta in deltas]
        lines.append(_line([{"index": 0, "delta": {}, "finish_reason": self.finish_reason}]))
        return [*lines, _line([], self.usage()), b"data: [DONE]\n\n"]


_HEAD: dict[str, JsonValue] = {"id": "mock", "created": 0, "model": "mock"}


def _line(choices: list[JsonValue], usage: dict[str, JsonValue] | None = None) -> bytes:
    piece: dict[str, JsonValue] = {**_HEAD, "object": "chat.completion.chunk", "choices": choices}
    return b"data: " + json.dumps(piece if usage is None else {**piece, "usage": usage}).encode() + b"\n\n"


def _asked(asked: Mapping[str, JsonValue]) -> tuple[str, list[str]]:
    """The last message's text and pictures."""
    messages = asked.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else {}
    content = last.get("content", "") if isinstance(last, dict) else ""
    if isinstance(content, str):
        return content, []
    parts = [part for part in cast("Sequence[JsonValue]", content or []) if isinstance(part, dict)]
    texts = [str(part.get("text", "")) for part in parts if part.get("type") == "text"]
    urls = [part["image_url"] for part in parts if part.get("type") == "image_url"]
    return "\n".join(texts), [str(url.get("url", "")) for url in urls if isinstance(url, dict)]


def _digest(url: str) -> str:
    try:
        content = base64.b64decode(url.partition(",")[2])
    except ValueError:
        return ""
    return hashlib.sha256(content).hexdigest()
