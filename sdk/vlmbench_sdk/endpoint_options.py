"""What every plugin that asks an endpoint lets people set: how fast, for how long, what only that endpoint knows."""

from typing import ClassVar

from pydantic import Field, JsonValue, field_validator

from vlmbench_sdk.plugin_specs import Options


class EndpointOptions(Options):
    """Base of the options of an endpoint; what it asks goes through `vlmbench_sdk.flight` and `vlmbench_sdk.pace`."""

    without_effect: ClassVar[frozenset[str]] = frozenset(
        {"concurrency", "requests_per_second", "tokens_per_minute", "stream", "timeout_s", "deadline_s"}
    )
    owned: ClassVar[frozenset[str]] = frozenset()
    """Keys that `extra_body` may not set: other options, the generation settings and the prompt say them."""

    concurrency: int = Field(default=16, ge=1, le=1024)
    """How many requests are in flight at most."""
    requests_per_second: float | None = Field(default=None, gt=0)
    """How many requests are begun in a second at most; null does not limit."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """How many tokens, in and out, are used in a minute at most, by what the endpoint counts; null does not limit."""
    stream: bool = True
    """Whether answers come piece by piece, which gives the time to the first token and notices a dead server early."""
    timeout_s: float = Field(default=120.0, gt=0)
    """How long to wait for a connection, and for each next piece of an answer, in seconds."""
    deadline_s: float = Field(default=900.0, gt=0)
    """How long one attempt may take altogether, in seconds."""
    json_schema: dict[str, JsonValue] | None = None
    """JSON Schema that answers must follow; null leaves answers free."""
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    """Further keys of each request, as the endpoint's own manual says."""

    @field_validator("extra_body")
    @classmethod
    def _not_owned(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if owned := sorted(cls.owned & set(value)):
            message = f"{', '.join(owned)}: set by other options and the prompt, not here"
            raise ValueError(message)
        return value
