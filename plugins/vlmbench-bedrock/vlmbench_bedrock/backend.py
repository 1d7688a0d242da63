"""The model: asks Amazon Bedrock through boto3."""

import asyncio
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import boto3
from botocore.config import Config

from vlmbench_bedrock.asking import Asked, arguments_of
from vlmbench_bedrock.failures import RAISED, SET_UP, failure_of
from vlmbench_bedrock.plugin import BedrockOptions
from vlmbench_bedrock.reply import read_answer, read_stream
from vlmbench_sdk import Answer, Model, ModelError, ModelSettings, Request
from vlmbench_sdk.endpoint_failures import EndpointError
from vlmbench_sdk.flight import Flight
from vlmbench_sdk.pace import Gate
from vlmbench_sdk.secrets import Secrets

BEARER = "AWS_BEARER_TOKEN_BEDROCK"
"""Where boto3 finds an API key of Bedrock."""


class Bedrock(Model[BedrockOptions]):
    """Keep `concurrency` requests in flight, each in a thread, and yield answers as they come."""

    _loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, options: BedrockOptions, settings: ModelSettings) -> None:
        """Keep the settings; no connection is made yet."""
        super().__init__(options, settings)
        self._where = f"model {settings.name}"
        self._gate = Gate(options.concurrency, options.requests_per_second, options.tokens_per_minute)

    def load(self) -> None:
        """Make the client; whether credentials are any good, the first request tells.

        Raises:
            ModelError: When there is no region, or a setting that Converse does not have.
        """
        if self.settings.generation.seed is not None:
            fix = "Remove `seed`; where this model takes one, give it by the model's own word in `extra_body`"
            raise ModelError("Converse has no seed", where=self._where, fix=fix)
        options = self.options
        config = Config(
            connect_timeout=options.timeout_s,
            read_timeout=options.timeout_s,
            max_pool_connections=options.concurrency,
            # The entry's own policy asks again, where a request that waits gives its slot to another.
            retries={"total_max_attempts": 1},
        )
        try:
            session = boto3.session.Session(region_name=options.region or None)
            self._client = session.client("bedrock-runtime", endpoint_url=options.base_url or None, config=config)
            # Where there are none, each look-up asks every place again, some of them over the network.
            self._credentials = session.get_credentials()
        except RAISED as error:
            raise ModelError(str(error).rstrip("."), where=self._where, fix=SET_UP) from error
        self._threads = ThreadPoolExecutor(options.concurrency, "bedrock")
        self._loop = asyncio.new_event_loop()

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
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()
        self._loop.close()
        self._loop = None

    async def _ask(self, request: Request) -> Answer:
        """Make one attempt; what fails says so without the credentials."""
        asked = arguments_of(request, self.options, self.settings)
        loop = asyncio.get_running_loop()
        try:
            answer = await self._gate.through(
                lambda: loop.run_in_executor(self._threads, self._send, request.sample_id, asked)
            )
        except EndpointError as error:
            error.what = self._secrets().short(error.what)
            raise
        return self._secrets().out_of_answer(answer)

    def _send(self, sample_id: str, asked: Asked) -> Answer:
        started = time.monotonic()
        try:
            if not self.options.stream:
                return read_answer(self._client.converse(**asked), started).answer(sample_id)
            with closing(self._client.converse_stream(**asked)["stream"]) as events:
                return read_stream(events, started, self.options.deadline_s).answer(sample_id)
        except RAISED as error:
            raise failure_of(error, self.options.timeout_s) from error

    def _secrets(self) -> Secrets:
        """What signs or accompanies requests now; a role's credentials change every few hours."""
        values = [os.environ.get(BEARER, "")]
        try:
            if self._credentials is not None:
                values += [value or "" for value in self._credentials.get_frozen_credentials()[:3]]
        except RAISED:
            # The same failure is on its way to the row already, and nothing was signed.
            pass
        return Secrets(*values)
