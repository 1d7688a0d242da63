"""What can go wrong between here and an endpoint, and what is worth another attempt."""

import json
from collections.abc import Mapping

from vlmbench_sdk.endpoint_failures import PASSING, THROTTLED, TIMED_OUT, EndpointError, retry_after

SPENT = "Add credit to the account, or raise its limit"
LASTING = {
    401: "Check the environment variable that the option `api_key` names",
    402: SPENT,
    403: "Check that the key of `api_key` may use this model",
    404: "Check `base_url` and `model`: the endpoint knows no such path or model",
}
"""HTTP statuses that every other request would meet too, with what to do."""
LASTING_CODES = {"insufficient_quota": SPENT}
"""The same by the code in an error's body: OpenAI says 429 when the account is spent."""
LONGEST_BODY = 65536
"""Bytes of a body that are shown; keys are taken out before it is shortened further."""


def http_failure(status: int, headers: Mapping[str, str], body: bytes) -> EndpointError:
    """The failure that an HTTP status other than 200 is."""
    if 300 <= status < 400:
        fix = "Set `base_url` to the final address; a key is never sent on to another one"
        return EndpointError(f"HTTP {status}: the endpoint sends us elsewhere", lasting=fix)
    word, code = message_of(body)
    if code == "content_filter":
        # Azure refuses a prompt so: https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter
        return EndpointError(f"the endpoint refused: {word or code}", status="refused")
    lasting = LASTING_CODES.get(code, "") or LASTING.get(status, "")
    return EndpointError(
        f"HTTP {status} from the endpoint{f': {word}' if word else ''}",
        transient=status in PASSING and not lasting,
        retry_after_s=retry_after(headers),
        status="timeout" if status in TIMED_OUT else "error",
        throttled=status in THROTTLED and not lasting,
        lasting=lasting,
    )


def error_in_body(error: object) -> EndpointError:
    """The failure that an answer with HTTP status 200 carries inside."""
    code = error.get("code", error.get("status")) if isinstance(error, dict) else None
    status = int(code) if isinstance(code, int | str) and str(code).isdigit() else None
    word = _line(_word(error))
    # Without a code it may be anything; most of these are a model behind a gateway that is gone for a moment.
    return EndpointError(
        f"the endpoint answered with an error: {word}",
        transient=status is None or status in PASSING,
        throttled=status in THROTTLED,
    )


def garbage(body: bytes, kind: str) -> EndpointError:
    """The failure that an answer which is none is, such as a gateway's page."""
    start = _line(body[:LONGEST_BODY].decode("utf-8", "replace"))
    return EndpointError(f"the endpoint sent {kind or 'something'} that is no chat answer: {start}", transient=True)


def message_of(body: bytes) -> tuple[str, str]:
    """The endpoint's own words in an error's body, and its code; empty where it says none."""
    text = body[:LONGEST_BODY].decode("utf-8", "replace")
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return _line(text), ""
    error = found.get("error", found) if isinstance(found, dict) else found
    code = error.get("code") if isinstance(error, dict) else None
    return _line(_word(error)), code if isinstance(code, str) else ""


def _word(error: object) -> str:
    if isinstance(error, dict):
        for name in ("message", "detail", "error"):
            if error.get(name):
                return str(error[name])
    return error if isinstance(error, str) else json.dumps(error)


def _line(text: str) -> str:
    return " ".join(text.split())
