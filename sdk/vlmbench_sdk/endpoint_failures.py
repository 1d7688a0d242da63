"""What goes wrong between here and an endpoint, and what is worth another attempt."""

import math
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Literal

from vlmbench_sdk.errors import RequestError

PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""HTTP statuses after which the same request may succeed."""
THROTTLED = frozenset({429, 529})
TIMED_OUT = frozenset({408, 504, 524})

FailedStatus = Literal["refused", "timeout", "error"]


class EndpointError(RequestError):
    """One attempt failed."""

    def __init__(
        self,
        what: str,
        *,
        transient: bool = False,
        retry_after_s: float | None = None,
        status: FailedStatus = "error",
        throttled: bool = False,
        lasting: str = "",
    ) -> None:
        """Keep what the retries need to know.

        Args:
            what: What is wrong.
            transient: Whether the same request may succeed later.
            retry_after_s: When the endpoint asked to be asked again.
            status: Status of the row when it is given up.
            throttled: Whether the endpoint said that it is asked too much.
            lasting: What to do about it where every other request would fail as well; empty where not.
        """
        super().__init__(what, transient=transient, retry_after_s=retry_after_s, status=status)
        self.throttled = throttled
        self.lasting = lasting


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds after which the endpoint wants to be asked again, as seconds, milliseconds or a date."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            seconds = float(value) / unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        due = parsedate_to_datetime(headers.get("retry-after", ""))
    except (TypeError, ValueError, IndexError):
        return None
    aware = due if due.tzinfo else due.replace(tzinfo=timezone.utc)
    return max(0.0, (aware - datetime.now(timezone.utc)).total_seconds())
