"""The fake model."""

import os
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import cast, get_args

from vlmbench_echo.plugin import EchoOptions
from vlmbench_sdk import Answer, Model, ModelError, Request, RequestError
from vlmbench_sdk.records import Status


class Echo(Model[EchoOptions]):
    """Answer, raise, die and wait as the options say."""

    def load(self) -> None:
        """Fail with the sentence asked for, if any."""
        self._busy = dict(self.options.busy)
        if self.options.fail_load:
            raise ModelError(self.options.fail_load, where=f"model {self.settings.name}")

    def answer(self, requests: Iterable[Request]) -> Iterator[Answer]:
        """Answer in batches of the size asked for."""
        waiting = iter(requests)
        while batch := list(islice(waiting, self.options.batch_size)):
            for request in batch:
                yield self._answer_one(request)

    def _answer_one(self, request: Request) -> Answer:
        started = time.perf_counter()
        if request.sample_id == self.options.exit_on:
            # No exception and no clean-up: what a segmentation fault or the OOM killer leaves behind.
            os._exit(self.options.exit_code)
        if self._busy.get(request.sample_id, 0):
            self._busy[request.sample_id] -= 1
            raise RequestError("busy", where=f"sample {request.sample_id}", transient=True)
        if request.sample_id in self.options.raise_on:
            message = f"asked to fail on {request.sample_id}"
            raise ValueError(message)
        if self.options.latency_ms:
            time.sleep(self.options.latency_ms / 1000)
        if self.options.asked_log:
            with Path(self.options.asked_log).open("a", encoding="utf-8") as log:
                log.write(request.sample_id + "\n")
        text = self.options.answers.get(request.sample_id)
        if text is None:
            text = self._fill(request)
        status = self.options.statuses.get(request.sample_id, "ok" if text else "empty")
        if status not in get_args(Status):
            raise ModelError(f"option `statuses` names {status!r}; allowed are {', '.join(get_args(Status))}")
        return Answer(
            sample_id=request.sample_id,
            answer=text,
            status=cast("Status", status),
            latency_ms=(time.perf_counter() - started) * 1000,
        )

    def _fill(self, request: Request) -> str:
        text = self.options.answer
        for name in ("prompt", "sample_id", "field", "doc_id"):
            text = text.replace("{" + name + "}", str(getattr(request, name)))
        shown = " | ".join(f"{len(each.images)} images: {each.user} > {each.assistant}" for each in request.examples)
        return text.replace("{examples}", shown).replace("{system}", request.system)
