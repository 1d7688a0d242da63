"""The model plugin `transformers`: requests to answers, in batches of similar length."""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import JsonValue

from vlmbench_sdk import Answer, Model, ModelError, ModelSettings, Request, RequestError
from vlmbench_sdk.media import open_picture
from vlmbench_sdk.records import Status
from vlmbench_sdk.weights import Found, find
from vlmbench_transformers.batching import Sizes, one_ahead, read_ahead
from vlmbench_transformers.engine import Engine, Shown, Written
from vlmbench_transformers.plugin import TransformersOptions
from vlmbench_transformers.prompts import pictures_of, without_place

if TYPE_CHECKING:
    from transformers import BatchFeature


class TransformersModel(Model[TransformersOptions]):
    """A vision-language model of Transformers."""

    _engine: Engine | None = None

    def __init__(self, options: TransformersOptions, settings: ModelSettings) -> None:
        """Keep the settings; nothing is imported or looked for yet."""
        super().__init__(options, settings)
        self._sources: dict[str, Found] = {}
        self._facts: dict[str, JsonValue] = {}
        self._batches = 0
        self._smallest: int | None = None
        self._halvings = 0

    def load(self) -> None:
        """Find the weights, then load them onto the device."""
        options, where = self.options, f"model {self.settings.name}"
        found = find(options.model, self.settings.revision, where=where)
        self._sources = {"weights": found}
        adapter = None
        if options.adapter is not None:
            adapter = find(options.adapter, options.adapter_revision, where=where, key="adapter_revision")
            self._sources["adapter"] = adapter
        self._engine = Engine(options, self.settings, found, adapter)

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer in windows: pictures are read on threads, sorted by length, and generated in batches."""
        engine, options = self._loaded(), self.options
        size = options.batch_size if engine.reproducible_together else 1
        sizes: Sizes[Shown] = Sizes(size, engine.length)
        with (
            ThreadPoolExecutor(options.image_threads, "pictures") as readers,
            ThreadPoolExecutor(1, "processor") as preparer,
        ):
            refused: list[Answer] = []

            def batches() -> Iterator[list[Shown]]:
                for window in read_ahead(requests, self._show, readers, size * options.window):
                    refused.extend(each for each in window if isinstance(each, Answer))
                    yield from sizes.batches([each for each in window if isinstance(each, Shown)])

            prepared = one_ahead(batches(), lambda batch: (batch, engine.prepare(batch)), preparer)
            for batch, inputs in prepared:
                yield from self._generate(batch, inputs, sizes)
                yield from _taken(refused)
            yield from _taken(refused)

    def facts(self) -> dict[str, JsonValue]:
        """What was loaded, every generation setting in force, and how the batches went."""
        if self._engine is not None:
            self._facts = self._engine.facts()
        sources: dict[str, JsonValue] = {name: found.model_dump() for name, found in self._sources.items()}
        return {
            **sources,
            **self._facts,
            "batches": self._batches,
            "smallest_batch": self._smallest,
            "halvings": self._halvings,
        }

    def close(self) -> None:
        """Give the memory back."""
        if self._engine is not None:
            self._facts = self._engine.facts()
            self._engine.close()
            self._engine = None

    def _loaded(self) -> Engine:
        if self._engine is None:
            raise ModelError("it was asked before it was loaded", where=f"model {self.settings.name}")
        return self._engine

    def _show(self, request: Request) -> Shown | Answer:
        """Read the pictures and write the prompt; one that cannot be read costs its own answer."""
        if self.options.prompt_format is not None and (lost := without_place(self.options.prompt_format, request)):
            says = f"the prompt has {lost}, for which `prompt_format` has no place"
            return Answer(sample_id=request.sample_id, status="error", error=says)
        try:
            pictures = tuple(
                open_picture(Path(path), Path(path).name, self.options.max_side) for path in pictures_of(request)
            )
        except RequestError as error:
            return Answer(sample_id=request.sample_id, status="error", error=str(error))
        return self._loaded().show(request, pictures)

    def _generate(self, batch: list[Shown], inputs: "BatchFeature", sizes: Sizes[Shown]) -> Iterator[Answer]:
        """Generate a batch; where the memory does not suffice, its halves one after the other."""
        engine = self._loaded()
        waiting: list[tuple[list[Shown], BatchFeature | None]] = [(batch, inputs)]
        while waiting:
            part, ready = waiting.pop()
            started = time.perf_counter()
            try:
                written = engine.generate(ready or engine.prepare([*part]))
            except MemoryError as error:
                if len(part) == 1:
                    yield _too_large(part[0], str(error), engine.length(part[0]))
                    continue
                first, second = sizes.halves(part)
                self._halvings = sizes.halvings
                waiting += [(second, None), (first, None)]
                continue
            self._batches += 1
            self._smallest = min(len(part), self._smallest or len(part))
            # Nobody waited for one answer of several alone; what the run took stands in the manifest.
            latency_ms = (time.perf_counter() - started) * 1000 if len(part) == 1 else None
            for shown, each in zip(part, written, strict=True):
                yield _answer(shown, each, latency_ms)


def _answer(shown: Shown, written: Written, latency_ms: float | None) -> Answer:
    if written.finish_reason == "length":
        status: Status = "truncated"
    else:
        status = "ok" if written.text else "empty"
    return Answer(
        sample_id=shown.request.sample_id,
        answer=written.text,
        status=status,
        finish_reason=written.finish_reason,
        latency_ms=latency_ms,
        input_tokens=written.input_tokens,
        output_tokens=written.output_tokens,
    )


def _too_large(shown: Shown, told: str, length: int) -> Answer:
    error = RequestError(
        f"memory does not suffice for it alone, at about {length} tokens: {told}",
        fix="Set `max_side` or a smaller `max_pixels`, or give the model more memory",
    )
    return Answer(sample_id=shown.request.sample_id, status="error", error=str(error))


def _taken(answers: list[Answer]) -> list[Answer]:
    """Empty the list and return what was in it."""
    taken, answers[:] = list(answers), []
    return taken
