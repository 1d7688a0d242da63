"""Requests in flight: taken as there is room, asked again when that may help, answered as they finish.

The retries are made here and not left to the runner, which would stop asking everything else while it waits for
one: a request that waits gives its slot to another. They follow the entry's own `retry`.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator

from vlmbench_sdk.endpoint_failures import EndpointError
from vlmbench_sdk.errors import ModelError, RequestError
from vlmbench_sdk.pace import Slots
from vlmbench_sdk.records import Answer, Request
from vlmbench_sdk.retry import Retry

GONE_AFTER = 5
"""Requests in a row, each given up after all its attempts, after which an endpoint that once answered is gone."""

Ask = Callable[[Request], Awaitable[Answer]]
"""One attempt; it takes its own slot, so that a request can be made ready before there is one."""


class Flight:
    """Asks requests side by side in an event loop that runs only while an answer is waited for."""

    def __init__(self, ask: Ask, slots: Slots, retry: Retry, concurrency: int, where: str) -> None:
        """Nothing is in flight yet.

        Args:
            ask: Makes one attempt.
            slots: Is told what the endpoint refuses.
            retry: How often and when to ask again.
            concurrency: How many are in flight at most.
            where: What a message begins with.
        """
        self._ask, self._slots, self._retry, self._where = ask, slots, retry, where
        # A few more are made ready, so that a slot that comes free is taken at once.
        self._ahead = concurrency + max(1, concurrency // 4)
        self._most = 4 * concurrency
        self._tasks: set[asyncio.Task[None]] = set()
        self._resting = 0
        self._finished: deque[Answer] = deque()
        self._stir = asyncio.Event()
        self._answered = False
        self._gone = 0
        self._fatal: ModelError | None = None
        self._broken: BaseException | None = None

    def run(self, loop: asyncio.AbstractEventLoop, requests: Iterable[Request]) -> Iterator[Answer]:
        """Yield answers as they finish, taking requests as there is room.

        Raises:
            ModelError: When the endpoint is gone, or refuses everybody.
        """
        source, more = iter(requests), True
        try:
            while True:
                while more and self._has_room():
                    if (request := next(source, None)) is None:
                        more = False
                    else:
                        self._start(loop, request)
                if not self._tasks and not self._finished:
                    return
                if not self._finished:
                    loop.run_until_complete(self._until_something())
                yield from self._drain()
                if self._fatal or self._broken:
                    raise self._fatal or self._broken or AssertionError
        finally:
            self._cancel(loop)

    def _has_room(self) -> bool:
        return len(self._tasks) - self._resting < self._ahead and len(self._tasks) < self._most

    def _start(self, loop: asyncio.AbstractEventLoop, request: Request) -> None:
        task = loop.create_task(self._until_answered(request))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken = error
        self._stir.set()

    async def _until_something(self) -> None:
        await self._stir.wait()
        self._stir.clear()

    def _drain(self) -> Iterator[Answer]:
        while self._finished:
            yield self._finished.popleft()

    async def _until_answered(self, request: Request) -> None:
        attempt = 1
        while True:
            try:
                answer = await self._ask(request)
            except RequestError as error:
                wait_s = self._wait_s(attempt, error)
                if wait_s is None:
                    self._give_up(request, error, attempt)
                    return
            else:
                self._answered, self._gone = True, 0
                self._slots.told(throttled=False)
                self._finished.append(answer.model_copy(update={"attempts": attempt}) if attempt > 1 else answer)
                return
            self._resting += 1
            self._stir.set()
            try:
                await asyncio.sleep(wait_s)
            finally:
                self._resting -= 1
            attempt += 1

    def _wait_s(self, attempt: int, error: RequestError) -> float | None:
        """How long to wait before the next attempt; None when there is none."""
        wait_s = self._retry.delay_s(attempt, error.retry_after_s)
        if isinstance(error, EndpointError) and error.throttled:
            self._slots.told(throttled=True, wait_s=min(wait_s, self._retry.patience_s))
        if not error.transient or attempt >= self._retry.attempts or wait_s > self._retry.patience_s:
            return None
        return wait_s

    def _give_up(self, request: Request, error: RequestError, attempts: int) -> None:
        lasting = error.lasting if isinstance(error, EndpointError) else ""
        if lasting:
            self._gone += 1
            if not self._answered or self._gone >= GONE_AFTER:
                self._fatal = ModelError(error.what, where=self._where, fix=lasting)
                return
        self._finished.append(
            Answer(sample_id=request.sample_id, status=error.status, error=str(error), attempts=attempts)
        )

    def _cancel(self, loop: asyncio.AbstractEventLoop) -> None:
        """End what is still in flight: nobody waits for it any more."""
        tasks = [task for task in self._tasks if not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            loop.run_until_complete(asyncio.wait(tasks))
