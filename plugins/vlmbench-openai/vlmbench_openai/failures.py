"""What can go wrong between here and an endpoint, and what is worth another attempt."""

import json
import math
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Literal

from vlmbench_sdk import RequestError

PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""HTTP statuses after which the same request may succeed."""
THROTTLED = frozenset({429, 529})
LASTING = {
    401: "Check the environment variable that the option `api_key` names",
    404: "Check `base_url` and `model`: the endpoint knows no such path or model",
}
"""HTTP statuses that every other request would meet too, with what to do."""
LONGEST_WORD = 300
"""Characters of an endpoint's own message that are kept."""
SHORTEST_SECRET = 8
"""A shorter key is a placeholder, such as `EMPTY`; blotting it out would spoil texts and protect nothing."""

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


class Secret:
    """A key that must not be seen in anything that is written down."""

    def __init__(self, value: str) -> None:
        """Keep the key."""
        self._value = value if len(value) >= SHORTEST_SECRET else ""

    def out_of(self, text: str) -> str:
        """Return a text without the key: some endpoints repeat what they were sent."""
        return text.replace(self._value, "[key]") if self._value else text


def http_failure(status: int, headers: Mapping[str, str], body: bytes) -> EndpointError:
    """The failure that an HTTP status other than 200 is."""
    if 300 <= status < 400:
        fix = "Set `base_url` to the final address; a key is never sent on to another one"
        return EndpointError(f"HTTP {status}: the endpoint sends us elsewhere", lasting=fix)
    word = message_of(body)
    return EndpointError(
        f"HTTP {status} from the endpoint{f': {word}' if word else ''}",
        transient=status in PASSING,
        retry_after_s=retry_after(headers),
        status="timeout" if status in {408, 504, 524} else "error",
        throttled=status in THROTTLED,
        lasting=LASTING.get(status, ""),
    )


def error_in_body(error: object) -> EndpointError:
    """The failure that an answer with HTTP status 200 carries inside."""
    code = error.get("code", error.get("status")) if isinstance(error, dict) else None
    status = int(code) if isinstance(code, int | str) and str(code).isdigit() else None
    word = _short(_word(error))
    # Without a code it may be anything; most of these are a model behind a gateway that is gone for a moment.
    return EndpointError(
        f"the endpoint answered with an error: {word}",
        transient=status is None or status in PASSING,
        throttled=status in THROTTLED,
    )


def garbage(body: bytes, kind: str) -> EndpointError:
    """The failure that an answer which is none is, such as a gateway's page."""
    start = _short(body[:LONGEST_WORD].decode("utf-8", "replace"))
    return EndpointError(f"the endpoint sent {kind or 'something'} that is no chat answer: {start}", transient=True)


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


def message_of(body: bytes) -> str:
    """The endpoint's own words in an error's body, shortened."""
    text = body[:65536].decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return _short(text)
    return _short(_word(found.get("error", found)) if isinstance(found, dict) else _word(found))


def _word(error: object) -> str:
    if isinstance(error, dict):
        for name in ("message", "detail", "error"):
            if error.get(name):
                return str(error[name])
    return error if isinstance(error, str) else json.dumps(error)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_WORD else line[:LONGEST_WORD] + "…"
