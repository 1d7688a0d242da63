"""A mock endpoint in a thread of the test, and the model that asks it."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from vlmbench_assets.mock_endpoint.server import Mock, Seen
from vlmbench_assets.mock_endpoint.service import Service
from vlmbench_openai.backend import Endpoint
from vlmbench_openai.plugin import OpenAiOptions
from vlmbench_sdk import Answer, Generation, Model, ModelSettings, Options, Request, Retry
from vlmbench_sdk.asking import ask_all

QUICK = Retry(attempts=4, first_s=0.02)


class Serving:
    """An endpoint that listens."""

    def __init__(self, url: str, mock: Mock) -> None:
        self.url = url
        self.mock = mock

    @property
    def seen(self) -> Seen:
        return self.mock.seen


@contextmanager
def serving(service: Service | None = None) -> Iterator[Serving]:
    """Serve on a free port while the block runs."""
    loop = asyncio.new_event_loop()

    async def listen() -> tuple[Mock, asyncio.Server, str]:
        mock = Mock(service or Service(ttft_ms=0, tpot_ms=0))
        return (mock, *await mock.listen("127.0.0.1", 0))

    mock, server, url = loop.run_until_complete(listen())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield Serving(url, mock)
    finally:
        asyncio.run_coroutine_threadsafe(_stop(mock, server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _stop(mock: Mock, server: asyncio.Server) -> None:
    server.close()
    for connection in list(mock.connections):
        connection.abort()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def endpoint(url: str, retry: Retry = QUICK, generation: Generation | None = None, **options: JsonValue) -> Endpoint:
    """The model, not loaded yet."""
    settings = ModelSettings(name="asked", generation=generation or Generation(), retry=retry)
    return Endpoint(OpenAiOptions.model_validate({"base_url": url, **options}), settings)


def ask(model: Endpoint, requests: Sequence[Request]) -> dict[str, Answer]:
    """Ask as the worker does."""
    try:
        model.load()
        answers = list(ask_all(cast("Model[Options]", model), requests, model.settings.retry))
    finally:
        model.close()
    assert len({answer.sample_id for answer in answers}) == len(answers)
    return {answer.sample_id: answer for answer in answers}


def texts(count: int) -> list[Request]:
    """Requests without pictures, each with its own prompt."""
    return [Request(sample_id=f"s{index}", images=(), prompt=f"question {index}") for index in range(count)]


def with_picture(path: Path, sample_id: str = "s0", prompt: str = "total?") -> Request:
    return Request(sample_id=sample_id, images=(str(path),), prompt=prompt)
