"""What comes back: one answer, or a stream of events, read into a `Reply`."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from vlmbench_sdk import Answer
from vlmbench_sdk.endpoint_failures import EndpointError
from vlmbench_sdk.records import Status

STATUSES: dict[str, Status] = {
    "max_tokens": "truncated",
    "model_context_window_exceeded": "truncated",
    "guardrail_intervened": "refused",
    "content_filtered": "refused",
    "tool_use": "error",
    "malformed_tool_use": "error",
    "malformed_model_output": "error",
}
"""Statuses by stop reason; any other is that of an answer."""

LONGEST_ANSWER = 4 << 20
"""Characters; the runner takes a million."""

Node = Mapping[str, object]


@dataclass
class Reply:
    """What the model said so far."""

    started_s: float
    """When it was asked, by the monotonic clock."""
    texts: list[str] = field(default_factory=list)
    stop_reason: str = ""
    first_s: float | None = None
    """When the first token came."""
    usage: Node = field(default_factory=dict)

    def answer(self, sample_id: str) -> Answer:
        """The answer that this is."""
        text = "".join(self.texts)
        status: Status = STATUSES.get(self.stop_reason, "ok" if text.strip() else "empty")
        error = ""
        if status == "refused":
            error = f"Bedrock refused: {self.stop_reason}"
        elif status == "error":
            error = f"the model gave no answer of text: {self.stop_reason}"
        return Answer(
            sample_id=sample_id,
            answer=text,
            status=status,
            finish_reason=self.stop_reason,
            error=error,
            latency_ms=(time.monotonic() - self.started_s) * 1000,
            ttft_ms=None if self.first_s is None else (self.first_s - self.started_s) * 1000,
            input_tokens=_count(self.usage.get("inputTokens")),
            output_tokens=_count(self.usage.get("outputTokens")),
        )


def read_answer(response: Node, started_s: float) -> Reply:
    """Read what `converse` returned.

    Raises:
        EndpointError: When there is no answer in it.
    """
    message = _node(_node(response.get("output")).get("message"))
    content = message.get("content")
    if not isinstance(content, list) or not response.get("stopReason"):
        raise EndpointError("Bedrock sent something that is no answer of Converse", transient=True)
    reply = Reply(started_s, stop_reason=str(response["stopReason"]), usage=_node(response.get("usage")))
    # Thinking comes in blocks of its own, `reasoningContent`, and is no part of the answer.
    reply.texts = [_text(block) for block in content]
    return reply


def read_stream(events: Iterable[Node], started_s: float, deadline_s: float) -> Reply:
    """Read what `converse_stream` returned.

    Args:
        events: Its events.
        started_s: When it was asked, by the monotonic clock.
        deadline_s: How long it may take altogether, in seconds.

    Raises:
        EndpointError: When it ends too early or goes on for too long.
    """
    reply, length = Reply(started_s), 0
    for event in events:
        if time.monotonic() - started_s > deadline_s:
            raise EndpointError(f"Bedrock was not done after {deadline_s:g} s", transient=True, status="timeout")
        if "contentBlockDelta" in event:
            # Thinking is a sign of life too.
            reply.first_s = reply.first_s or time.monotonic()
            text = _text(_node(event["contentBlockDelta"]).get("delta"))
            reply.texts.append(text)
            length += len(text)
            if length > LONGEST_ANSWER:
                raise EndpointError(f"Bedrock sent more than {LONGEST_ANSWER} characters for one answer")
        elif "messageStop" in event:
            reply.stop_reason = str(_node(event["messageStop"]).get("stopReason") or "")
        elif "metadata" in event:
            reply.usage = _node(_node(event["metadata"]).get("usage"))
    if not reply.stop_reason:
        raise EndpointError("the stream ended before the answer did", transient=True)
    return reply


def _node(value: object) -> Node:
    return cast("Node", value) if isinstance(value, dict) else {}


def _text(block: object) -> str:
    text = _node(block).get("text")
    return text if isinstance(text, str) else ""


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value >= 0 else None
