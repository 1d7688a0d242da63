"""Hooks of the plugin for Amazon Bedrock."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field, JsonValue, field_validator

from vlmbench_sdk import ModelPlugin, Options, hookimpl

OWNED = frozenset({"model", "messages", "system", "max_tokens", "temperature", "top_p", "stop_sequences", "stream"})
"""Keys that `extra_body` may not set: other options, the generation settings and the prompt say them."""


class BedrockOptions(Options):
    """Which model to ask, where, and how fast."""

    without_effect: ClassVar[frozenset[str]] = frozenset(
        {"concurrency", "requests_per_second", "tokens_per_minute", "stream", "timeout_s", "deadline_s"}
    )

    model: str = Field(min_length=1, max_length=2048, pattern=r"^[A-Za-z0-9][A-Za-z0-9.:/_-]*$")
    """What Bedrock calls the model: a model's id, or the id or ARN of an inference profile."""
    region: str = Field(default="", pattern=r"^([a-z]{2,}(-[a-z0-9]+)+)?$")
    """AWS region that is asked, such as `us-west-2`; empty takes that of AWS's own settings."""
    base_url: str = Field(default="", pattern=r"^(https?://[^\s@]+)?$")
    """Where Bedrock is, such as a VPC endpoint; empty takes the region's own address."""
    concurrency: int = Field(default=16, ge=1, le=256)
    """How many requests are in flight at most, each in a thread of its own."""
    requests_per_second: float | None = Field(default=None, gt=0)
    """How many requests are begun in a second at most; null does not limit."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """How many tokens, in and out, are used in a minute at most, by what Bedrock counts; null does not limit."""
    stream: bool = True
    """Whether answers come piece by piece (ConverseStream), which gives the time to the first token."""
    timeout_s: float = Field(default=120.0, gt=0)
    """How long to wait for a connection, and for each next piece of an answer, in seconds."""
    deadline_s: float = Field(default=900.0, gt=0)
    """How long one attempt may take altogether, in seconds; it is looked at whenever a piece comes."""
    json_schema: dict[str, JsonValue] | None = None
    """JSON Schema that answers must follow, sent as `outputConfig`; null leaves answers free."""
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    """Converse's `additionalModelRequestFields`: what only this model knows, such as `top_k`."""

    @field_validator("extra_body")
    @classmethod
    def _not_owned(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if owned := sorted(OWNED & set(value)):
            message = f"{', '.join(owned)}: set by other options and the prompt, not here"
            raise ValueError(message)
        return value


@hookimpl
def vlmbench_models() -> list[ModelPlugin]:
    """Offer the model `bedrock`."""
    return [
        ModelPlugin(
            name="bedrock",
            backend="vlmbench_bedrock.backend:Bedrock",
            options=BedrockOptions,
            description="Models of Amazon Bedrock by Converse",
        )
    ]


@hookimpl
def vlmbench_registries() -> list[Path]:
    """Ship the environment and a model to extend."""
    return [Path(__file__).parent / "registries"]
