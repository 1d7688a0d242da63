"""The one interface for every kind of model."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from pydantic import JsonValue

from vlmbench_sdk.entries import Generation
from vlmbench_sdk.plugin_specs import Options
from vlmbench_sdk.records import Answer, Record, Request
from vlmbench_sdk.retry import Retry

OptionsT = TypeVar("OptionsT", bound=Options)


class ModelSettings(Record):
    """What a model is besides its plugin's own options."""

    name: str
    """The registry entry's name."""
    revision: str = ""
    """Weights revision, as pinned by the entry; empty where a model has no weights."""
    generation: Generation = Generation()
    retry: Retry = Retry()
    """For models that ask many at a time and so have to ask again themselves: the entry's policy. What they yield as a
    failed answer, with its `attempts`, the runner does not ask again."""


class Model(ABC, Generic[OptionsT]):
    """A model that reads documents. Subclass it in a plugin's heavy `backend.py`.

    The runner makes one instance in the worker process, calls `load` once, `answer` once or more, and
    `close` once, whatever happened. `answer` may batch, reorder and work concurrently: it takes from
    `requests` when it has room, and yields each answer as soon as it has it.

    A request that raises costs that one answer only: the runner asks what was in flight again, one by
    one, and records an `error` row for the request that raises alone.
    """

    def __init__(self, options: OptionsT, settings: ModelSettings) -> None:
        """Keep the settings; heavy work belongs into `load`."""
        self.options = options
        self.settings = settings

    def load(self) -> None:
        """Bring up weights, engine or connection.

        Raises:
            ModelError: With one sentence for the user when something is missing.
        """

    @abstractmethod
    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request exactly once, in any order."""

    def facts(self) -> dict[str, JsonValue]:
        """Return what the manifest should tell of this run besides the options.

        Such as the device, and the settings that the engine filled in by itself. Asked once, after the last
        answer and before `close`; not for anything that answers depend on and the options do not say.
        """
        return {}

    def close(self) -> None:
        """Give back what `load` took."""


class SimpleModel(Model[OptionsT]):
    """The five-line way in: one request at a time, text out."""

    @abstractmethod
    def answer_one(self, request: Request) -> str:
        """Return the answer's text; an empty string means that nothing was found."""

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Ask `answer_one` for each request and time it."""
        for request in requests:
            started = time.perf_counter()
            text = self.answer_one(request)
            yield Answer(
                sample_id=request.sample_id,
                answer=text,
                status="ok" if text else "empty",
                latency_ms=(time.perf_counter() - started) * 1000,
            )
