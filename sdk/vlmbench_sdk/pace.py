"""How much is asked at a time: slots, an endpoint's declared limits, and what it says by refusing."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from vlmbench_sdk.errors import RequestError
from vlmbench_sdk.records import Answer

FIRST_GUESS = 1000
"""Tokens that a request is taken to use until the first answer says more; a page is often more than that."""
_SMOOTHING = 1 / 8
_CUT_ABOVE = 0.4
"""Share of refusals above which fewer requests are kept in flight; a passing fault in ten stays far below."""


class Slots:
    """So many at a time, in the order they came; fewer while the endpoint refuses most of them."""

    def __init__(self, size: int) -> None:
        """All slots are free."""
        self._size = self._allowed = size
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._refused = 0.0
        self._grown = 0
        self._closed_until = 0.0

    async def take(self) -> None:
        """Wait for a slot."""
        if self._taken < self._allowed and not self._waiting:
            self._taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give()
            raise

    def give(self) -> None:
        """Give a slot back."""
        self._taken -= 1
        self._wake()

    async def open(self) -> None:
        """Wait until the endpoint wants to be asked again."""
        while (left := self._closed_until - time.monotonic()) > 0:
            await asyncio.sleep(left)

    def told(self, *, throttled: bool, wait_s: float = 0.0) -> None:
        """Take note of an answer, or of a refusal because of too many requests.

        When most are refused, half as many are kept in flight, and everyone waits as long as the last one was
        told to; each few answers allow one more.
        """
        self._refused += ((1.0 if throttled else 0.0) - self._refused) * _SMOOTHING
        if throttled and self._refused > _CUT_ABOVE:
            self._closed_until = max(self._closed_until, time.monotonic() + wait_s)
            self._allowed, self._refused, self._grown = max(1, self._allowed // 2), 0.0, 0
        elif not throttled and self._allowed < self._size:
            self._grown += 1
            if self._grown >= max(2, self._allowed // 2):
                self._allowed, self._grown = self._allowed + 1, 0
                self._wake()

    def _wake(self) -> None:
        while self._waiting and self._taken < self._allowed:
            turn = self._waiting.popleft()
            if not turn.done():
                self._taken += 1
                turn.set_result(None)


class Pace:
    """Keeps to declared limits: requests begun in a second, tokens used in a minute."""

    def __init__(self, requests_per_second: float | None, tokens_per_minute: int | None) -> None:
        """Nothing was asked yet."""
        self._gap_s = 1 / requests_per_second if requests_per_second else 0.0
        self._next = 0.0
        self._rate = tokens_per_minute / 60 if tokens_per_minute else 0.0
        self._left = float(tokens_per_minute or 0) / 6
        """Tokens that may be used now; ten seconds' worth at most. Below zero it is a debt that is waited off."""
        self._at = time.monotonic()
        self._usual = float(FIRST_GUESS)

    async def turn(self) -> float:
        """Wait until one more request may begin; return the tokens it is taken to use."""
        if self._gap_s:
            now = time.monotonic()
            begin = max(now, self._next)
            self._next = begin + self._gap_s
            if begin > now:
                await asyncio.sleep(begin - now)
        if not self._rate:
            return 0.0
        self._refill()
        debt, guess = -self._left, self._usual
        self._left -= guess
        if debt > 0:
            await asyncio.sleep(debt / self._rate)
        return guess

    def used(self, guess: float, tokens: int | None) -> None:
        """Say what a request used in truth; None where nobody counted, and the guess stands."""
        if self._rate and tokens is not None:
            self._usual += (tokens - self._usual) * _SMOOTHING
            self._left += guess - tokens

    def unused(self, guess: float) -> None:
        """Say that a request failed: endpoints count what they answer."""
        self._left += guess

    def _refill(self) -> None:
        now = time.monotonic()
        self._left = min(self._rate * 10, self._left + (now - self._at) * self._rate)
        self._at = now


class Gate:
    """What every attempt goes through: a slot, then its turn."""

    def __init__(self, concurrency: int, requests_per_second: float | None, tokens_per_minute: int | None) -> None:
        """Nothing was asked yet.

        Args:
            concurrency: Attempts at a time at most.
            requests_per_second: Attempts begun in a second at most; None does not limit.
            tokens_per_minute: Tokens, in and out, used in a minute at most; None does not limit.
        """
        self.slots = Slots(concurrency)
        self._pace = Pace(requests_per_second, tokens_per_minute)

    async def through(self, attempt: Callable[[], Awaitable[Answer]]) -> Answer:
        """Make one attempt when it may be made.

        Raises:
            RequestError: What the attempt raises.
        """
        await self.slots.take()
        try:
            await self.slots.open()
            guess = await self._pace.turn()
            try:
                answer = await attempt()
            except RequestError:
                self._pace.unused(guess)
                raise
        finally:
            self.slots.give()
        counted = (answer.input_tokens, answer.output_tokens)
        self._pace.used(guess, None if None in counted else sum(each or 0 for each in counted))
        return answer
