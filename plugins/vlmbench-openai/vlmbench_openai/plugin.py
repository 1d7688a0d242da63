"""Hooks of the plugin for OpenAI-compatible endpoints."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from vlmbench_sdk import EndpointOptions, ModelPlugin, hookimpl


class OpenAiOptions(EndpointOptions):
    """Whom to ask, how fast, and how pictures are sent.

    `json_schema` is sent as `response_format`; `extra_body` takes keys such as `reasoning_effort` or `top_k`.
    """

    without_effect: ClassVar[frozenset[str]] = EndpointOptions.without_effect | {"api_key", "key_header"}
    owned: ClassVar[frozenset[str]] = frozenset(
        {"model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"}
        | {"temperature", "top_p", "seed", "stop", "n", "response_format"}
    )

    base_url: str = Field(pattern=r"^(https?://[^\s@]+|\$\{ENV:.*)$")
    """Where the endpoint is, up to and without `/chat/completions`, such as `http://127.0.0.1:8000/v1`."""
    model: str = ""
    """What the endpoint calls the model; empty takes the entry's revision, and its name where that is empty too."""
    api_key: str = Field(default="", repr=False, json_schema_extra={"secret": True})
    """`${ENV:NAME}`: the environment variable that holds the key. Empty where the endpoint wants none."""
    key_header: str = Field(default="Authorization", pattern=r"^[A-Za-z][A-Za-z0-9-]*$")
    """Header that carries the key: `Authorization` as `Bearer KEY`, any other, such as Azure's `api-key`, bare."""
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
    json_schema_strict: bool = True
    """Whether the endpoint is to enforce the schema."""


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
