"""What boto3 raises, as reasons to ask again, to give up one request, or to end."""

from botocore.eventstream import ParserError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore calls it so
    ConnectTimeoutError,
    HTTPClientError,
    IncompleteReadError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError
from urllib3.exceptions import ReadTimeoutError as StreamTimeoutError

from vlmbench_sdk.endpoint_failures import PASSING, THROTTLED, TIMED_OUT, EndpointError, retry_after

RAISED = (BotoCoreError, ClientError, ParserError, ResponseParserError, HTTPError, OSError)
"""What asking and reading may raise."""
EVENTS = {
    "internalServerException": 500,
    "modelStreamErrorException": 424,
    "modelTimeoutException": 408,
    "serviceUnavailableException": 503,
    "throttlingException": 429,
    "validationException": 400,
}
"""HTTP statuses of what goes wrong within a stream, as Bedrock's own service model names them; botocore says 400."""
MODEL_FAILED = 424
"""`ModelErrorException`: the model failed at this request, which it may answer the next time."""
LASTING = {
    401: "Check AWS's credentials in the worker's environment",
    403: "Check AWS's credentials in the worker's environment, and that they may use this model in this region",
    404: "Check `model` and `region`: Bedrock knows no such model there",
}
"""HTTP statuses that every other request would meet too, with what to do."""
SET_UP = "Give the worker credentials and a region: `aws configure`, a role, or the environment's `env`"


def failure_of(error: Exception, timeout_s: float) -> EndpointError:
    """What an exception means for the request that met it.

    Args:
        error: One of `RAISED`.
        timeout_s: The longest silence that was waited for, in seconds.
    """
    if isinstance(error, ClientError):
        return _refused(error)
    if isinstance(error, (ReadTimeoutError, StreamTimeoutError)):
        return EndpointError(f"Bedrock did not answer in {timeout_s:g} s", transient=True, status="timeout")
    word = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, (ConnectionError, ConnectTimeoutError)):
        return EndpointError(word, transient=True, lasting="Check the network, `region` and `base_url`")
    if isinstance(error, (HTTPClientError, IncompleteReadError, HTTPError, OSError)):
        return EndpointError(f"the connection broke ({type(error).__name__}: {word})", transient=True)
    if isinstance(error, (ParserError, ResponseParserError)):
        return EndpointError(f"Bedrock sent something that cannot be read: {word}", transient=True)
    if isinstance(error, ParamValidationError):
        return EndpointError(word)
    # What is left of botocore's tree: no credentials, an expired login, no region, a profile that is not there.
    return EndpointError(word, lasting=SET_UP)


def _refused(error: ClientError) -> EndpointError:
    said = error.response.get("Error", {})
    meta = error.response.get("ResponseMetadata", {})
    code, word = str(said.get("Code", "")), " ".join(str(said.get("Message", "")).split())
    status = EVENTS.get(code, meta.get("HTTPStatusCode", 0))
    return EndpointError(
        f"HTTP {status} from Bedrock, {code}{f': {word}' if word else ''}",
        transient=status in PASSING or status == MODEL_FAILED,
        retry_after_s=retry_after(meta.get("HTTPHeaders", {})),
        status="timeout" if status in TIMED_OUT else "error",
        throttled=status in THROTTLED,
        lasting=LASTING.get(status, ""),
    )
