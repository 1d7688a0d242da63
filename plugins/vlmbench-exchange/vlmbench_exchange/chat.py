"""Messages and outputs of Inspect and of evalscope, which took its classes over: text in parts, reasons to stop."""

import json

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from vlmbench_sdk import Count, Row
from vlmbench_sdk.records import Status

STATUSES: dict[str, Status] = {
    "max_tokens": "truncated",
    "model_length": "truncated",
    "content_filter": "refused",
}
"""What reasons to stop mean here; all others mean that it was done."""
STOPS = {"truncated": "max_tokens", "refused": "content_filter"}
"""Reasons to stop that statuses are written as."""
ATTACHED = "attachment://"
"""How a long text says where in `attachments` it lies."""


class Open(BaseModel):
    """A part of a log: these keys, and others that do not matter."""

    model_config = ConfigDict(extra="ignore", strict=True)


class Message(Open):
    """A turn of a chat."""

    role: str = ""
    content: str | list[dict[str, JsonValue]] = ""


class Choice(Open):
    """One of the answers."""

    message: Message
    stop_reason: str = ""


class Usage(Open):
    """Tokens."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None


class Output(Open):
    """What the model said."""

    choices: list[Choice] = Field(default_factory=list)
    usage: Usage | None = None
    time: float | None = Field(default=None, ge=0, le=1e12, allow_inf_nan=False, strict=False)
    error: str | None = None

    @property
    def stop_reason(self) -> str:
        """Why it stopped."""
        return self.choices[0].stop_reason if self.choices else ""

    def text(self, attachments: dict[str, str]) -> str:
        """The text of the first choice."""
        return text_of(self.choices[0].message.content, attachments) if self.choices else ""

    @property
    def latency_ms(self) -> float | None:
        """How long it took, in ms."""
        return None if self.time is None else self.time * 1000


def text_of(content: str | list[dict[str, JsonValue]], attachments: dict[str, str]) -> str:
    """The text parts of a message; thinking and images are no text."""
    parts = [content] if isinstance(content, str) else [str(part.get("text", "")) for part in content if _is_text(part)]
    return "\n".join(attachments.get(part.removeprefix(ATTACHED), part) for part in parts)


def images_of(content: str | list[dict[str, JsonValue]]) -> tuple[str, ...]:
    """Paths of the images of a message; those that stand there as data, or were taken out, have none."""
    if isinstance(content, str):
        return ()
    found = [str(part.get("image", "")) for part in content if part.get("type") == "image"]
    return tuple(each for each in found if not each.startswith(("data:", "<", ATTACHED)))


def first_question(messages: list[Message]) -> Message | None:
    """The user's first turn."""
    return next((each for each in messages if each.role == "user"), None)


def status_of(text: str, stop_reason: str, error: str) -> Status:
    """What became of a question."""
    if error:
        return "error"
    return STATUSES.get(stop_reason) or ("ok" if text else "empty")


def asked_of(sample: Row) -> dict[str, object]:
    """A sample as the user's turn: its images by path, then its question."""
    images = [{"type": "image", "image": image} for image in json.loads(str(sample["images"]))]
    return {"role": "user", "content": [*images, {"type": "text", "text": str(sample["question"])}]}


def output_of(answer: Row, model: str) -> dict[str, object]:
    """A row of answers as `Output` reads it."""
    said = {"role": "assistant", "content": answer["answer"], "source": "generate", "model": model}
    stop = STOPS.get(str(answer["status"]), "stop")
    output: dict[str, object] = {"model": model, "choices": [{"message": said, "stop_reason": stop}]}
    if answer["latency_ms"] is not None:
        output["time"] = float(str(answer["latency_ms"])) / 1000
    if answer["input_tokens"] is not None and answer["output_tokens"] is not None:
        into, out = int(str(answer["input_tokens"])), int(str(answer["output_tokens"]))
        output["usage"] = {"input_tokens": into, "output_tokens": out, "total_tokens": into + out}
    return output


def error_of(answer: Row) -> str:
    """Why there is no answer; empty where there is one."""
    return str(answer["error"] or answer["status"]) if answer["status"] in {"error", "timeout"} else ""


def _is_text(part: dict[str, JsonValue]) -> bool:
    return part.get("type") == "text"
