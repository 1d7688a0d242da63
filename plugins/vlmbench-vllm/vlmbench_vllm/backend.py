"""The model plugin `vllm`: finds the weights, and leaves the asking to one of two engines."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from pydantic import JsonValue

from vlmbench_sdk import Answer, Model, ModelError, ModelSettings, Request
from vlmbench_sdk.weights import Found, digest_of, find
from vlmbench_vllm.offline import Offline
from vlmbench_vllm.plugin import VllmOptions
from vlmbench_vllm.served import Served
from vlmbench_vllm.settings import engine_arguments, sampling_of, saved_settings


class Engine(Protocol):
    """What both modes are."""

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer each request once, in the order in which they finish."""

    def facts(self) -> dict[str, JsonValue]:
        """What the manifest should tell."""

    def close(self) -> None:
        """End the engine."""


class VllmModel(Model[VllmOptions]):
    """A vision-language model in vLLM."""

    _engine: Engine | None = None

    def __init__(self, options: VllmOptions, settings: ModelSettings) -> None:
        """Keep the settings; nothing is imported or looked for yet."""
        super().__init__(options, settings)
        self._facts: dict[str, JsonValue] = {}

    def load(self) -> None:
        """Find the weights, then start the engine.

        Raises:
            ModelError: When weights, adapter, vLLM, or what it needs are missing.
        """
        options, where = self.options, f"model {self.settings.name}"
        found = find(options.model, self.settings.revision, where=where)
        self._facts = {"mode": options.mode, "weights": found.model_dump()}
        # The worker's own process, and what it starts. Read when vLLM is imported.
        os.environ["VLLM_NO_USAGE_STATS"] = "1"
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
        if found.local:
            os.environ["HF_HUB_OFFLINE"] = "1"
        adapter = self._adapter(where)
        arguments = engine_arguments(options, self.settings, found, adapter)
        sampling = sampling_of(self.settings.generation, self._saved(found, where))
        self._facts |= {"engine": arguments, "generation": sampling}
        start = Offline if options.mode == "offline" else Served
        self._engine = start(options, self.settings, arguments, sampling, adapter)

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Keep the engine busy; answers come in the order in which they finish."""
        if self._engine is None:
            raise ModelError("it was asked before it was loaded", where=f"model {self.settings.name}")
        yield from self._engine.answer(requests)

    def facts(self) -> dict[str, JsonValue]:
        """What was loaded, and every setting in force."""
        if self._engine is not None:
            self._facts |= self._engine.facts()
        return self._facts

    def close(self) -> None:
        """End the engine and give its memory back."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _adapter(self, where: str) -> Path | None:
        if self.options.adapter is None:
            return None
        folder = Path(self.options.adapter).expanduser()
        if not folder.is_dir():
            raise ModelError(
                f"the folder {self.options.adapter} does not exist for the worker",
                where=where,
                fix="Correct `adapter`; a container sees it when its environment lists it under `readable`",
            )
        self._facts["adapter"] = {"name": str(folder), "digest": digest_of(folder)}
        return folder

    def _saved(self, found: Found, where: str) -> dict[str, JsonValue]:
        try:
            return saved_settings(found)
        except (OSError, ValueError, ImportError) as error:
            raise ModelError(
                f"the generation settings of {found.name} cannot be read ({type(error).__name__}: {str(error)[:500]})",
                where=where,
                fix="Check `model` and `revision`, the network, and for gated models HF_TOKEN",
            ) from error
