"""A running container: its output, its end, and its removal."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vlmbench_assets.environments.local import last_lines
from vlmbench_sdk import Handle, Outcome

if TYPE_CHECKING:
    from docker.models.containers import Container

GRACE_S = 5.0
"""How long a worker that was asked to stop may take."""
LONGEST_LOG = 64 << 20
"""What a worker prints beyond this, in bytes, is thrown away."""
FRAME = 8
"""Bytes of the header before each piece of output: stream, three zeros, length (Docker Engine API, attach)."""


class Attached:
    """A container's output, and the other end of its standard input, which ends with this."""

    def __init__(self, attached: socket.SocketIO) -> None:
        """Take over what docker-py attached; it hands out a file, without a way to send."""
        self._file = attached
        self._socket: socket.socket = attached._sock  # type: ignore[attr-defined]  # noqa: SLF001

    def send(self, content: bytes) -> None:
        """Write to the container's standard input."""
        self._socket.sendall(content)

    def receive(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""
        return self._socket.recv(size)

    def close(self) -> None:
        """Let go of it, and of the connection that docker-py keeps behind it."""
        self._file._response.close()  # type: ignore[attr-defined]  # noqa: SLF001
        self._file.close()
        self._socket.close()


class DockerHandle(Handle):
    """One container from its start to its removal, which nothing skips."""

    def __init__(
        self, container: "Container", output: Attached, log: Path, memory: str, done: Callable[[], None]
    ) -> None:
        """Take over a started container.

        Args:
            container: The container.
            output: The attached stream: its output, and the other end of its standard input.
            log: Where its output goes.
            memory: Its memory limit, for messages.
            done: Called when it is gone.
        """
        self._container = container
        self._output = output
        self._log = log
        self._memory = memory
        self._done = done
        self._ended = threading.Event()
        self._outcome = Outcome(kind="node_lost", detail="the Docker engine went away while the worker ran")
        self._cancelled = False
        threading.Thread(target=self._follow, daemon=True).start()

    def wait(self, timeout_s: float) -> Outcome | None:
        """Wait at most `timeout_s` seconds; return None while the worker runs."""
        return self._outcome if self._ended.wait(timeout_s) else None

    def cancel(self) -> None:
        """Ask the worker to stop; after a grace period, remove the container."""
        import docker.errors
        import requests.exceptions

        self._cancelled = True
        away = (docker.errors.APIError, requests.exceptions.RequestException)
        try:
            with suppress(*away):
                self._container.kill(signal.SIGTERM)
            self._ended.wait(GRACE_S)
        finally:
            with suppress(*away):
                self._container.remove(force=True, v=True)
        self._ended.wait(GRACE_S)

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of what the worker printed."""
        return last_lines(self._log, lines)

    def _follow(self) -> None:
        """In a thread: copy the output, and when it ends, find out how the container did, and remove it."""
        import docker.errors
        import requests.exceptions

        try:
            with suppress(OSError):
                self._copy()
            with suppress(docker.errors.APIError, requests.exceptions.RequestException):
                code = int(self._container.wait()["StatusCode"])
                self._container.reload()
                state = self._container.attrs["State"]
                self._outcome = classify(
                    code, out_of_memory=bool(state["OOMKilled"]), cancelled=self._cancelled, memory=self._memory
                )
                self._container.remove(force=True, v=True)
        finally:
            if self._cancelled:
                self._outcome = Outcome(kind="cancelled", detail="the worker was stopped")
            try:
                self._output.close()
                self._done()
            finally:
                self._ended.set()

    def _copy(self) -> None:
        written = 0
        with self._log.open("wb", buffering=0) as log:
            while header := _exactly(self._output, FRAME):
                left = int.from_bytes(header[4:], "big")
                while left and (piece := self._output.receive(min(left, 1 << 16))):
                    left -= len(piece)
                    written += len(piece)
                    if written <= LONGEST_LOG:
                        # Read on when the disk is full: a worker whose output nobody takes would never end.
                        with suppress(OSError):
                            log.write(piece)


def _exactly(stream: Attached, size: int) -> bytes:
    """So many bytes, or none at the end."""
    found = b""
    while len(found) < size:
        piece = stream.receive(size - len(found))
        if not piece:
            return b""
        found += piece
    return found


def classify(code: int, *, out_of_memory: bool, cancelled: bool, memory: str) -> Outcome:
    """Say how a container ended."""
    if code == 0:
        return Outcome(kind="ok", exit_code=0)
    if cancelled:
        return Outcome(kind="cancelled", exit_code=code, detail="the worker was stopped")
    if out_of_memory:
        return Outcome(
            kind="out_of_memory", exit_code=code, detail=f"the worker needed more than its {memory} of memory"
        )
    if code in (126, 127):
        return Outcome(kind="environment_missing", exit_code=code, detail="the image cannot run the worker's Python")
    if code > 128:
        return Outcome(kind="worker_error", exit_code=code, detail=f"the worker was ended by {_signal(code - 128)}")
    return Outcome(kind="worker_error", exit_code=code, detail=f"the worker ended with exit status {code}")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def give_back(folder: Path) -> None:
    """Make the caller the owner of what a worker running as somebody else left; a link is changed, not followed."""
    owner = (os.getuid(), os.getgid())
    for parent, folders, files in os.walk(folder):
        for name in (".", *folders, *files):
            with suppress(FileNotFoundError):
                os.lchown(os.path.join(parent, name), *owner)  # noqa: PTH118 - pathlib has no lchown
