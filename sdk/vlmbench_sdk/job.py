"""The folder a worker works in: what the host puts there, and what the worker leaves."""

from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue

from vlmbench_sdk.entries import Generation
from vlmbench_sdk.records import Record
from vlmbench_sdk.retry import Retry

JOB = "job.json"
"""A `Job`, written by the host."""
REQUESTS = "requests.jsonl"
"""One `Request` a line, written by the host."""
JOURNAL = "journal.jsonl"
"""One `Answered` a line, appended by the worker as answers come, and kept from run to run."""
PIPES = "pipes"
"""Folder of Dagster Pipes' context and messages, made by the host where Dagster runs the cell."""
RESULT = "result.json"
"""A `JobResult`, written by the worker when it ends by itself."""


GPUS_WANTED = "VLMBENCH_GPUS_WANTED"
"""Environment variable with the number of GPUs that a worker must find, or refuse to start."""


class Job(Record):
    """What a worker has to do."""

    schema_version: Literal[1] = 1
    model: str
    """Name of the model entry."""
    plugin: str
    """Name of the model plugin."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    generation: Generation = Generation()
    revision: str = ""
    retry: Retry = Retry()
    digest: str = ""
    """Digest of everything about the model that its answers depend on; the journal carries it."""

    @property
    def where(self) -> str:
        """What a message about it begins with."""
        return f"model {self.model}"


class JobResult(Record):
    """What became of a job."""

    schema_version: Literal[1] = 1
    finished: bool
    """True when every request has an answer row."""
    error: str = ""
    """Why the job did not finish; one message for people."""
    traceback: str = ""
    answered: int = 0
    """Requests of this job that were answered."""
    load_s: float | None = None
    """Seconds the model took to load."""
    answer_s: float | None = None
    """Seconds from the first request to the last answer."""
    resolved_options: dict[str, JsonValue] = Field(default_factory=dict)
    """The plugin's options with every default filled in."""
    model_facts: dict[str, JsonValue] = Field(default_factory=dict)
    """What the model tells of itself: its device, settings that its engine filled in."""
    python: str = ""
    packages: dict[str, str] = Field(default_factory=dict)
    """Every distribution importable in the worker, with its version."""
    hardware: dict[str, str] = Field(default_factory=dict)
    """Processor, core count and memory the worker saw."""


def read_job(path: Path) -> Job:
    """Read a `job.json`.

    Raises:
        pydantic.ValidationError: When it is not a job of this schema.
    """
    return Job.model_validate_json(path.read_bytes())
