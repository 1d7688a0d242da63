"""What can go wrong between here and an endpoint, and what is worth another attempt."""

import json
from collections.abc import Mapping

from vlmbench_sdk.endpoint_failures import PASSING, THROTTLED, TIMED_OUT, EndpointError, retry_after

LASTING = {
    401: "Check the environment variable that the option `api_key` names",
    404: "Check `base_url` and `model`: the endpoint knows no such path or model",
}
"""HTTP statuses that every other request would meet too, with what to do."""
LONGEST_WORD = 300
"""Characters of an endpoint's own message that are kept."""


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
        status="timeout" if status in TIMED_OUT else "error",
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
