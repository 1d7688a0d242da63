"""Hooks of the echo plugin."""

from typing import ClassVar

from pydantic import Field

from vlmbench_sdk import ModelPlugin, Options, hookimpl


class EchoOptions(Options):
    """What the fake model does."""

    without_effect: ClassVar[frozenset[str]] = frozenset({"latency_ms", "batch_size", "asked_log"})

    answer: str = "{prompt}"
    """Its answer; `{prompt}`, `{sample_id}`, `{field}`, `{doc_id}`, `{system}` and
    `{examples}` are filled in from the request."""
    answers: dict[str, str] = Field(default_factory=dict)
    """Answers by sample id, before `answer`."""
    statuses: dict[str, str] = Field(default_factory=dict)
    """Statuses by sample id, such as `refused`."""
    raise_on: tuple[str, ...] = ()
    """Sample ids at which it raises."""
    exit_on: str = ""
    """Sample id at which the worker process dies at once, as by a crash in native code."""
    exit_code: int = 70
    """Exit status of that death."""
    fail_load: str = ""
    """When not empty: loading fails with this sentence."""
    latency_ms: float = Field(default=0.0, ge=0)
    """Time spent on each answer, in milliseconds."""
    batch_size: int = Field(default=1, ge=1)
    """How many requests it takes before it answers them."""
    asked_log: str = ""
    """File to which it appends the id of each sample it answers, so that a test can count."""
    busy: dict[str, int] = Field(default_factory=dict)
    """By sample id: how often it is busy, which passes, before it answers."""


@hookimpl
def vlmbench_models() -> list[ModelPlugin]:
    """Offer the model `echo`."""
    return [
        ModelPlugin(
            name="echo",
            backend="vlmbench_echo.backend:Echo",
            options=EchoOptions,
            description="Deterministic fake model for tests",
        )
    ]
