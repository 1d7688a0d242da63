"""The model: asks an endpoint over HTTP."""

import asyncio
import ssl
import time
from collections.abc import Iterable, Iterator

import aiohttp

from vlmbench_openai.body import Body, body_of, pictures_of
from vlmbench_openai.failures import http_failure
from vlmbench_openai.pictures import Pictures
from vlmbench_openai.plugin import OpenAiOptions
from vlmbench_openai.reply import read_reply
from vlmbench_sdk import Answer, Model, ModelError, ModelSettings, Request, RequestError
from vlmbench_sdk.endpoint_failures import EndpointError
from vlmbench_sdk.flight import Flight
from vlmbench_sdk.pace import Gate
from vlmbench_sdk.secrets import Secrets

LONGEST_ERROR = 65536
"""Bytes of an error's body that are read."""


class Endpoint(Model[OpenAiOptions]):
    """Keep `concurrency` requests in flight and yield answers as they come."""

    _loop: asyncio.AbstractEventLoop | None = None
    _session: aiohttp.ClientSession | None = None

    def __init__(self, options: OpenAiOptions, settings: ModelSettings) -> None:
        """Keep the settings; no connection is made yet."""
        super().__init__(options, settings)
        self._where = f"model {settings.name}"
        self._url = options.base_url.rstrip("/") + "/chat/completions"
        self._secrets = Secrets(options.api_key)
        self._pictures = Pictures(options)
        self._gate = Gate(options.concurrency, options.requests_per_second, options.tokens_per_minute)

    def load(self) -> None:
        """Make the connection pool.

        Raises:
            ModelError: When the key cannot be sent.
        """
        self._loop = asyncio.new_event_loop()
        self._session = self._loop.run_until_complete(self._open())

    async def _open(self) -> aiohttp.ClientSession:
        options = self.options
        timeout = aiohttp.ClientTimeout(
            total=options.deadline_s, connect=options.timeout_s, sock_read=options.timeout_s
        )
        connector = aiohttp.TCPConnector(limit=options.concurrency)
        # Answers are small and come in small pieces: packing them would only delay the first token.
        headers = {"Accept-Encoding": "identity", **self._key()}
        return aiohttp.ClientSession(connector=connector, timeout=timeout, headers=headers)

    def _key(self) -> dict[str, str]:
        key = self.options.api_key
        if not key:
            return {}
        if not (key.isascii() and key.isprintable()) or key != key.strip():
            says = "the key has characters that no HTTP header can carry, such as a line feed"
            raise ModelError(says, where=self._where, fix="Correct the environment variable that `api_key` names")
        name = self.options.key_header
        return {name: f"Bearer {key}" if name.lower() == "authorization" else key}

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Ask side by side; answers come in the order in which they finish."""
        if self._loop is None:
            raise ModelError("it was asked before it was loaded", where=self._where)
        flight = Flight(self._ask, self._gate.slots, self.settings.retry, self.options.concurrency, self._where)
        yield from flight.run(self._loop, requests)

    def close(self) -> None:
        """Close all connections."""
        if self._loop is None:
            return
        if self._session is not None:
            self._loop.run_until_complete(self._session.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._loop = self._session = None

    async def _ask(self, request: Request) -> Answer:
        """Make one attempt; what fails says so without the key."""
        try:
            return self._secrets.out_of_answer(await self._attempt(request))
        except EndpointError as error:
            error.what = self._secrets.short(error.what)
            raise

    async def _attempt(self, request: Request) -> Answer:
        urls = [await self._pictures.url(path) for path in pictures_of(request)]
        body = body_of(request, urls, self.options, self.settings)
        return await self._gate.through(lambda: self._send(request.sample_id, body, time.monotonic()))

    async def _send(self, sample_id: str, body: Body, started: float) -> Answer:
        if self._session is None:
            raise RequestError("the connections are closed")
        try:
            async with self._session.post(self._url, data=body, allow_redirects=False) as response:
                if response.status != 200:
                    raise http_failure(response.status, response.headers, await response.content.read(LONGEST_ERROR))
                reply = await read_reply(response)
        except (aiohttp.ClientError, TimeoutError, asyncio.TimeoutError, ssl.SSLError, OSError, ValueError) as error:
            raise self._failure(error) from error
        return reply.answer(sample_id, started)

    def _failure(self, error: Exception) -> EndpointError:
        """What a broken connection means."""
        if isinstance(error, (TimeoutError, asyncio.TimeoutError)):
            limit = f"{self.options.timeout_s:g} s without a sign, or {self.options.deadline_s:g} s altogether"
            return EndpointError(f"the endpoint did not answer ({limit})", transient=True, status="timeout")
        if isinstance(error, aiohttp.InvalidURL):
            return EndpointError("no valid address", lasting="Correct the option `base_url`")
        if isinstance(error, aiohttp.ClientConnectorError):
            # Its text names host, port and the system's reason.
            return EndpointError(str(error), transient=True, lasting="Start the endpoint, or correct `base_url`")
        name = type(error).__name__
        return EndpointError(f"the connection broke ({name}: {error})", transient=True)
