"""`vllm serve` as a process beside the worker: started, waited for, stopped."""

import http.client
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from vlmbench_sdk import ModelError
from vlmbench_vllm import keeper

HOST = "127.0.0.1"
_LOG_LINES = 30
_ERROR = re.compile(r"\w(Error|Exception): (?!EngineCore)")
"""A line that says why; that of a dead engine only points at another one."""


def program(where: str) -> str:
    """Return the path of `vllm`: beside this interpreter, as its environment has it, else on PATH.

    Raises:
        ModelError: When there is none.
    """
    beside = Path(sys.executable).parent / "vllm"
    found = str(beside) if beside.is_file() else shutil.which("vllm")
    if found is None:
        raise ModelError(
            "the program vllm is not there",
            where=where,
            fix="Run it in the environment `vllm`, or in one with its requirements",
        )
    return found


class Server:
    """A server that runs, on a port and with a key that only this worker knows."""

    def __init__(self, argv: list[str], where: str) -> None:
        """Start it; it is not ready yet.

        Args:
            argv: What `vllm serve` is told besides host and port.
            where: What a message begins with.
        """
        self._where = where
        self.key = secrets.token_urlsafe(24)
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            self.port = int(probe.getsockname()[1])
        self.url = f"http://{HOST}:{self.port}"
        command = [program(where), "serve", *argv, "--host", HOST, "--port", str(self.port)]
        # In the environment, because every user of a machine can read a command line.
        environment = {**os.environ, "VLLM_API_KEY": self.key, "PYTHONUNBUFFERED": "1"}
        told, tell = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, keeper.__file__, str(tell), *command],
            pass_fds=(tell,),
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            # Whoever ends the worker's processes by their group would end the keeper before it could do its work.
            start_new_session=True,
        )
        os.close(tell)
        with os.fdopen(told) as line:
            self._group = int(line.read() or 0)
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._error = ""
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()

    def wait(self, longest_s: float) -> None:
        """Wait until it can be asked.

        Raises:
            ModelError: When it ends, or is not ready in time.
        """
        until = time.monotonic() + longest_s
        while not self._healthy():
            if self._process.poll() is not None:
                raise self.ended()
            if time.monotonic() > until:
                told = self._last_words()
                raise ModelError(
                    f"vllm serve was not ready in {longest_s:g} s{told}",
                    where=self._where,
                    fix="Raise `start_s`, or look at the worker's log for what it waits for",
                )
            time.sleep(0.2)

    def gone(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def ended(self) -> ModelError:
        """The error of a server that ended by itself."""
        self._reader.join(5)
        return ModelError(
            f"vllm serve ended with exit status {self._process.poll()}{self._last_words()}",
            where=self._where,
            fix="The worker's log holds all it said; what was answered is kept",
        )

    def stop(self) -> None:
        """End it and all it started."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(keeper.GRACE_S + 10)
        self._process.kill()
        if self._process.wait() < 0 and self._group:
            # The keeper was killed before it could end the server.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)
        self._reader.join(5)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _read_log(self) -> None:
        if self._process.stdout is None:
            return
        for line in self._process.stdout:
            shown = line.replace(self.key, "[key]")
            self._log.append(shown)
            if _ERROR.search(shown):
                self._error = shown.strip()
            sys.stderr.write(shown)

    def _last_words(self) -> str:
        # Libraries that warn at the end leave nothing of the reason in the last lines.
        last = "".join(self._log).strip()[-2000:]
        reason = f"; {self._error[-500:]}" if self._error else ""
        return reason + (f"; its last words: {last}" if last else "")
