"""When a failed request is worth asking again, and how long to wait before."""

import random
from collections.abc import Callable

from pydantic import Field

from vlmbench_sdk.errors import RequestError
from vlmbench_sdk.records import Record, Status


class Retry(Record):
    """Retry policy of a model; only transient failures are asked again."""

    attempts: int = Field(default=4, ge=1, le=100)
    """How often one request is asked at most in one run."""
    first_s: float = Field(default=1.0, ge=0)
    """Longest wait before the second attempt, in seconds; it doubles with every further one."""
    longest_s: float = Field(default=60.0, ge=0)
    """No wait of our own choice is longer, in seconds."""
    patience_s: float = Field(default=900.0, ge=0)
    """A server that asks for a longer wait, in seconds, is given up on in this run; the next one asks again."""

    def delay_s(
        self, attempt: int, retry_after_s: float | None = None, draw: Callable[[], float] = random.random
    ) -> float:
        """Seconds to wait after a failed attempt: exponential backoff with jitter.

        Between half and all of `first_s * 2 ** (attempt - 1)`, so that callers that failed together do not
        come back together. A server that says when to come back is obeyed, also beyond `longest_s`.

        Args:
            attempt: Number of the attempt that failed, from 1.
            retry_after_s: What the server asked for, such as HTTP's Retry-After.
            draw: Uniform random numbers in [0, 1).
        """
        # 2.0 ** 1024 overflows; past 64 doublings `longest_s` has long taken over.
        own = min(self.longest_s, self.first_s * 2.0 ** min(attempt - 1, 64)) * (0.5 + draw() / 2)
        return own if retry_after_s is None else retry_after_s + own


def is_transient(error: Exception) -> bool:
    """Whether the same request may succeed later: lost connections, timeouts, what a plugin calls transient."""
    if isinstance(error, RequestError):
        return error.transient
    return isinstance(error, ConnectionError | TimeoutError)


def failed_status(error: Exception) -> Status:
    """The status of a row whose request failed for good."""
    if isinstance(error, RequestError):
        return error.status
    return "timeout" if isinstance(error, TimeoutError) else "error"
