"""Hooks of the plugin for OpenAI-compatible endpoints."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, JsonValue, field_validator

from vlmbench_sdk import ModelPlugin, Options, hookimpl

OWNED = frozenset(
    {"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"}
    | {"temperature", "top_p", "seed", "stop", "n", "response_format"}
)
"""Keys of a request that `extra_body` may not set: other options and the prompt say them."""


class OpenAiOptions(Options):
    """Whom to ask, how fast, and how pictures are sent."""

    without_effect: ClassVar[frozenset[str]] = frozenset(
        {
            "api_key",
            "key_header",
            "concurrency",
            "requests_per_second",
            "tokens_per_minute",
            "stream",
            "timeout_s",
            "deadline_s",
        }
    )

    base_url: str = Field(pattern=r"^(https?://[^\s@]+|\$\{ENV:.*)$")
    """Where the endpoint is, up to and without `/chat/completions`, such as `http://127.0.0.1:8000/v1`."""
    model: str = ""
    """What the endpoint calls the model; empty takes the entry's revision, and its name where that is empty too."""
    api_key: str = Field(default="", repr=False, json_schema_extra={"secret": True})
    """`${ENV:NAME}`: the environment variable that holds the key. Empty where the endpoint wants none."""
    key_header: str = Field(default="Authorization", pattern=r"^[A-Za-z][A-Za-z0-9-]*$")
    """Header that carries the key: `Authorization` as `Bearer KEY`, any other, such as Azure's `api-key`, bare."""
    concurrency: int = Field(default=16, ge=1, le=1024)
    """How many requests are in flight at most."""
    requests_per_second: float | None = Field(default=None, gt=0)
    """How many requests are begun in a second at most; null does not limit."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """How many tokens, in and out, are used in a minute at most, by what the endpoint counts; null does not limit."""
    stream: bool = True
    """Whether answers come token by token, which gives the time to the first one and notices a dead server early."""
    timeout_s: float = Field(default=120.0, gt=0)
    """How long to wait for a connection, and for each next piece of an answer, in seconds."""
    deadline_s: float = Field(default=900.0, gt=0)
    """How long one attempt may take altogether, in seconds."""
    max_side: int | None = Field(default=None, ge=64)
    """Longest side, in pixels, to which a picture is scaled down; null sends the file's own bytes."""
    encode_as: Literal["png", "jpeg"] | None = None
    """What every picture is encoded as; null sends the file's own bytes, and PNG where `max_side` scaled it."""
    jpeg_quality: int = Field(default=95, ge=1, le=100)
    """Quality of pictures that `encode_as: jpeg` encodes."""
    detail: Literal["auto", "low", "high"] | None = None
    """OpenAI's `detail` of pictures; null does not send it."""
    max_tokens_key: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """What the endpoint calls the limit of new tokens; OpenAI's reasoning models take `max_completion_tokens`."""
    json_schema: dict[str, JsonValue] | None = None
    """JSON Schema that answers must follow, sent as `response_format`; null leaves answers free."""
    json_schema_strict: bool = True
    """Whether the endpoint is to enforce the schema."""
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    """Further keys of each request, as the endpoint's own manual says, such as `reasoning_effort` or `top_k`."""

    @field_validator("extra_body")
    @classmethod
    def _not_owned(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if owned := sorted(OWNED & set(value)):
            message = f"{', '.join(owned)}: set by other options and the prompt, not here"
            raise ValueError(message)
        return value


@hookimpl
def vlmbench_models() -> list[ModelPlugin]:
    """Offer the model `openai`."""
    return [
        ModelPlugin(
            name="openai",
            backend="vlmbench_openai.backend:Endpoint",
            options=OpenAiOptions,
            description="Any OpenAI-compatible chat endpoint: vLLM, SGLang, Ollama, OpenRouter, hosted ones",
        )
    ]


@hookimpl
def vlmbench_registries() -> list[Path]:
    """Ship the environment and a model of each usual kind of endpoint, to extend."""
    return [Path(__file__).parent / "registries"]
