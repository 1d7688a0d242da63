"""Hooks of the plugin for Amazon Bedrock."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from vlmbench_sdk import EndpointOptions, ModelPlugin, hookimpl


class BedrockOptions(EndpointOptions):
    """Which model to ask, where, and how fast.

    `json_schema` is sent as `outputConfig`; `extra_body` is Converse's `additionalModelRequestFields`, what only this
    model knows, such as `top_k`; `deadline_s` is looked at whenever a piece comes.
    """

    owned: ClassVar[frozenset[str]] = frozenset(
        {"model", "messages", "system", "max_tokens", "temperature", "top_p", "stop_sequences", "stream"}
    )

    model: str = Field(min_length=1, max_length=2048, pattern=r"^[A-Za-z0-9][A-Za-z0-9.:/_-]*$")
    """What Bedrock calls the model: a model's id, or the id or ARN of an inference profile."""
    region: str = Field(default="", pattern=r"^([a-z]{2,}(-[a-z0-9]+)+)?$")
    """AWS region that is asked, such as `us-west-2`; empty takes that of AWS's own settings."""
    base_url: str = Field(default="", pattern=r"^(https?://[^\s@]+)?$")
    """Where Bedrock is, such as a VPC endpoint; empty takes the region's own address."""
    concurrency: int = Field(default=16, ge=1, le=256)
    """How many requests are in flight at most, each in a thread of its own."""


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
