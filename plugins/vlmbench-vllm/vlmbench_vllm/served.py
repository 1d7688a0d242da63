"""vLLM's server beside the worker, asked over HTTP as anybody would ask it."""

import asyncio
import json
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from vlmbench_sdk import Answer, ModelError, ModelSettings, Request
from vlmbench_sdk.flight import Flight
from vlmbench_sdk.pace import Slots
from vlmbench_sdk.records import Status
from vlmbench_sdk.retry import Retry
from vlmbench_vllm.plugin import VllmOptions
from vlmbench_vllm.prompts import Messages, messages_of
from vlmbench_vllm.server import Server
from vlmbench_vllm.settings import argv_of

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

NAME = "model"
"""What the server calls the model."""
ADAPTER = "adapter"
"""What it calls the model with its adapter."""
_ENDS: dict[str, Status] = {"stop": "ok", "length": "truncated", "repetition": "truncated"}
_DIES_S = 5.0
"""How long the keeper may take to end after a connection broke because the server is gone."""


class Served:
    """A server that is ready."""

    def __init__(
        self,
        options: VllmOptions,
        settings: ModelSettings,
        arguments: dict[str, JsonValue],
        sampling: dict[str, JsonValue],
        adapter: Path | None,
    ) -> None:
        """Start a server and wait until it can be asked.

        Raises:
            ModelError: When it is not there, ends, or is not ready in time.
        """
        self._where = f"model {settings.name}"
        try:
            import aiohttp
        except ImportError as error:
            raise ModelError(
                f"aiohttp cannot be imported ({error})",
                where=self._where,
                fix="Run it in the environment `vllm`, whose packages bring it",
            ) from error
        self._options = options
        self._fields = _fields(options, sampling, ADAPTER if adapter else NAME)
        self._argv = [*argv_of(arguments), "--served-model-name", NAME]
        if adapter is not None:
            self._argv += ["--lora-modules", json.dumps({"name": ADAPTER, "path": str(adapter)})]
        self._argv.append("--disable-uvicorn-access-log")
        self._broken = (aiohttp.ClientError, OSError, ValueError)
        self._server = Server(self._argv, self._where)
        self._loop = asyncio.new_event_loop()
        try:
            self._server.wait(options.start_s)
            self._session = self._loop.run_until_complete(self._open())
        except BaseException:
            # Also when the worker is told to stop while it waits: nobody else knows of the server yet.
            self.close()
            raise

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Keep more requests in flight than the server works on at a time, and yield each as it finishes."""
        with ThreadPoolExecutor(self._options.image_threads, "pictures") as readers:

            async def ask(request: Request) -> Answer:
                reading = self._loop.run_in_executor(readers, messages_of, request, self._options.max_side)
                return await self._ask(request, await reading)

            # One attempt: what fails on a server of one's own fails again, or the server is gone.
            most = self._options.concurrency
            yield from Flight(ask, Slots(most), Retry(attempts=1), most, self._where).run(self._loop, requests)

    def facts(self) -> dict[str, JsonValue]:
        """How the server was started."""
        return {"serve": [*self._argv]}

    def close(self) -> None:
        """Stop the server."""
        if hasattr(self, "_session"):
            self._loop.run_until_complete(self._session.close())
        self._loop.close()
        self._server.stop()

    async def _open(self) -> "ClientSession":
        import aiohttp

        return aiohttp.ClientSession(
            base_url=self._server.url,
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=self._options.timeout_s),
            headers={"Authorization": f"Bearer {self._server.key}"},
        )

    async def _ask(self, request: Request, messages: Messages) -> Answer:
        """Ask once.

        Raises:
            ModelError: When the server is gone.
        """
        started = time.monotonic()
        try:
            async with self._session.post("/v1/chat/completions", json={**self._fields, "messages": messages}) as got:
                if got.status == 200:
                    return await _read(got, request.sample_id, started)
                error = f"HTTP {got.status} from vllm serve: {_word(await got.read())}"
        except (TimeoutError, asyncio.TimeoutError):
            told = f"vllm serve did not answer in {self._options.timeout_s:g} s"
            return Answer(sample_id=request.sample_id, status="timeout", error=told)
        except self._broken as broken:
            until = time.monotonic() + _DIES_S
            while not self._server.gone() and time.monotonic() < until:
                await asyncio.sleep(0.05)
            error = f"the connection to vllm serve broke ({type(broken).__name__}: {str(broken)[:300]})"
        if self._server.gone():
            raise self._server.ended()
        return Answer(sample_id=request.sample_id, status="error", error=error)


def _fields(options: VllmOptions, sampling: dict[str, JsonValue], name: str) -> dict[str, JsonValue]:
    """What is the same in every request."""
    fields: dict[str, JsonValue] = {"model": name, **{key: each for key, each in sampling.items() if each is not None}}
    fields |= {"stream": True, "stream_options": {"include_usage": True}}
    if options.template_options:
        fields["chat_template_kwargs"] = options.template_options
    if options.json_schema is not None:
        schema: JsonValue = {"name": "answer", "schema": options.json_schema, "strict": True}
        fields["response_format"] = {"type": "json_schema", "json_schema": schema}
    return fields


async def _read(response: "ClientResponse", sample_id: str, started: float) -> Answer:
    """Read a stream of server-sent events to its end.

    Raises:
        ValueError: When it ends too early, or holds something else.
    """
    texts: list[str] = []
    reason, first = "", None
    usage: dict[str, int] = {}
    async for line in response.content:
        if not line.startswith(b"data:") or line[5:].strip() == b"[DONE]":
            continue
        piece = json.loads(line[5:])
        if "error" in piece:
            raise ValueError(_word(line[5:]))
        usage = piece.get("usage") or usage
        for choice in piece.get("choices") or ():
            text = (choice.get("delta") or {}).get("content") or ""
            first = first or (time.monotonic() if text else None)
            texts.append(text)
            reason = choice.get("finish_reason") or reason
    if not reason:
        says = "the stream ended before the answer did"
        raise ValueError(says)
    said = "".join(texts).strip()
    status = _ENDS.get(reason, "error")
    return Answer(
        sample_id=sample_id,
        answer=said,
        status="empty" if status == "ok" and not said else status,
        finish_reason=reason,
        error=f"vLLM ended it ({reason})" if status == "error" else "",
        latency_ms=(time.monotonic() - started) * 1000,
        ttft_ms=None if first is None else (first - started) * 1000,
        input_tokens=usage.get("prompt_tokens"),
        output_tokens=usage.get("completion_tokens"),
    )


def _word(body: bytes) -> str:
    """The server's own words in an error, shortened."""
    text = body.decode("utf-8", "replace")
    try:
        error = json.loads(text)["error"]
        text = error["message"] if isinstance(error, dict) else str(error)
    except (ValueError, KeyError, TypeError):
        pass
    return " ".join(str(text).split())[:300]
