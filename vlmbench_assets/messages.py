"""Dagster Pipes around a worker that nobody needs to trust: few messages, short ones, and none but log lines."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import dagster as dg
from dagster_pipes import PipesDefaultContextLoader, PipesDefaultMessageWriter, PipesParams

from vlmbench_assets.printable import shown
from vlmbench_sdk.plain_files import open_plain

if TYPE_CHECKING:
    from dagster._core.pipes.context import PipesMessageHandler
    from dagster_pipes import PipesContextData, PipesOpenedData

MOST_LINES = 200
LONGEST_LINE = 2_000
"""Characters."""
LONGEST_MESSAGE = 64 << 10
"""Bytes of a line of the file; what is longer is dropped unread."""
MOST_BYTES = 4 << 20
"""What is read of the file in all, so that the end of a session never waits for what a worker piled up."""
LOOK_EVERY_S = 0.2
LEVELS = frozenset({"debug", "info", "warning", "error", "critical"})


class ContextFile(dg.PipesContextInjector):
    """Dagster's own removes the file in the end, also one that the worker's link leads to."""

    def __init__(self, path: Path) -> None:
        """Write to a path in a folder that is new."""
        self._path = path

    @contextmanager
    def inject_context(self, context_data: "PipesContextData") -> Iterator[PipesParams]:
        """Write the context, and tell where it is."""
        self._path.write_text(json.dumps(context_data), encoding="utf-8")
        yield {PipesDefaultContextLoader.FILE_PATH_KEY: str(self._path)}

    def no_messages_debug_text(self) -> str:
        """For a message of Dagster."""
        return f"The context was in {self._path}."


class FewMessages(dg.PipesMessageReader):
    """Reads a worker's log lines from a file; whatever else a worker may tell Dagster is not for it to say."""

    def __init__(self, path: Path, secrets: Sequence[str]) -> None:
        """Read from a path in a folder that is new.

        Args:
            path: The file.
            secrets: Values that must not be said.
        """
        self._path, self._secrets = path, secrets

    @contextmanager
    def read_messages(self, handler: "PipesMessageHandler") -> Iterator[PipesParams]:
        """Read until the session ends."""
        self._path.touch()
        ended = Event()
        thread = Thread(target=self._read, args=(handler, ended), daemon=True)
        thread.start()
        try:
            yield {PipesDefaultMessageWriter.FILE_PATH_KEY: str(self._path)}
        finally:
            ended.set()
            thread.join()

    def on_opened(self, opened_payload: "PipesOpenedData") -> None:
        """Nothing that the worker says of itself is needed."""

    def no_messages_debug_text(self) -> str:
        """For a message of Dagster."""
        return f"Messages were read from {self._path}."

    def _read(self, handler: "PipesMessageHandler", ended: Event) -> None:
        filtered = _Filter(handler, self._secrets)
        start, rest, last = 0, b"", False
        while not last:
            last = ended.wait(LOOK_EVERY_S)
            try:
                with open_plain(self._path) as file:
                    file.seek(start)
                    found = file.read(MOST_BYTES - start)
            except OSError:
                continue
            start += len(found)
            *lines, rest = (rest + found).split(b"\n")
            for line in lines:
                filtered.take(line)
        filtered.close()


class _Filter:
    """Passes on what a worker may say."""

    def __init__(self, handler: "PipesMessageHandler", secrets: Sequence[str]) -> None:
        self._handler, self._secrets = handler, secrets
        self._opened = self._closed = False
        self._lines = self._more = 0

    def take(self, line: bytes) -> None:
        """Look at one line of the file."""
        try:
            message = json.loads(line) if len(line) <= LONGEST_MESSAGE else None
        except (ValueError, RecursionError):
            return
        if not isinstance(message, dict) or self._closed:
            return
        method, params = message.get("method"), message.get("params")
        if method == "opened" and not self._opened:
            self._opened = True
            self._pass_on("opened", {"extras": {}})
        elif method == "closed":
            self._closed = True
        elif method == "log" and isinstance(params, dict) and isinstance(text := params.get("message"), str):
            level = params.get("level")
            self._log(text, level if isinstance(level, str) and level.lower() in LEVELS else "info")

    def close(self) -> None:
        """Say how much was left out, and that it is over, which Dagster warns of otherwise."""
        if self._more:
            self._pass_on("log", {"message": f"… {self._more} more", "level": "info"})
        if self._closed:
            self._pass_on("closed", None)

    def _log(self, text: str, level: str) -> None:
        if self._lines >= MOST_LINES:
            self._more += 1
            return
        self._lines += 1
        self._pass_on("log", {"message": shown(text, self._secrets)[:LONGEST_LINE], "level": level})

    def _pass_on(self, method: str, params: "dict[str, object] | None") -> None:
        self._handler.handle_message({"__dagster_pipes_version": "0.1", "method": method, "params": params})
