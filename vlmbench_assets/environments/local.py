"""A worker that is a process on this machine; shared by `process` and `venv`."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from vlmbench_sdk import EnvironmentUnavailableError, Handle, Launch, Outcome, worker_base_env
from vlmbench_sdk.plain_files import last_lines as last_lines
from vlmbench_sdk.supervisor import SUPERVISE, Supervision

STOP_GRACE_S = 10.0


class LocalHandle(Handle):
    """A process of its own session, so that stopping it stops whatever it started."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        """Take over a started process that writes to `log`."""
        self._process = process
        self._log = log
        self._cancelled = False

    def wait(self, timeout_s: float) -> Outcome | None:
        """Wait at most `timeout_s` seconds; return None while the worker runs."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        self._let_go()
        return classify(code, cancelled=self._cancelled)

    def cancel(self) -> None:
        """Ask the worker's process group to stop; after a grace period, kill it."""
        self._cancelled = True
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_GRACE_S)
                self._let_go()
                return

    def _let_go(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of the worker's log."""
        return last_lines(self._log, lines)


def launch_local(python: str, launch: Launch) -> Handle:
    """Start a worker with an interpreter of this machine.

    Raises:
        EnvironmentUnavailableError: When the interpreter cannot be started.
    """
    supervision = Supervision(stdin=True, locks=tuple(map(str, launch.locks)))
    given = {**launch.env, **launch.secrets, **visible_gpus(launch.gpus), SUPERVISE: supervision.model_dump_json()}
    return LocalHandle(start_held([python, *launch.arguments], given, launch, where=python), launch.log)


def start_held(argv: Sequence[str], env: Mapping[str, str], launch: Launch, *, where: str) -> "subprocess.Popen[bytes]":
    """Start a process that prints to the worker's log, and whose standard input ends with this process.

    Raises:
        EnvironmentUnavailableError: When it cannot be started.
    """
    try:
        with launch.log.open("wb") as output:
            return subprocess.Popen(
                argv,
                # Held open: the supervisor at its other end ends the worker with it.
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=launch.work,
                env={**worker_base_env(), **env},
                start_new_session=True,
            )
    except OSError as error:
        raise EnvironmentUnavailableError(f"{argv[0]} cannot be started ({error})", where=where) from error


def visible_gpus(ids: Sequence[str]) -> dict[str, str]:
    """Show a worker the GPUs that it has leased and hide all others; without any, it sees none.

    CUDA numbers GPUs by their speed unless told to number them as `nvidia-smi` does.
    """
    return {"CUDA_VISIBLE_DEVICES": ",".join(ids), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def classify(code: int, *, cancelled: bool) -> Outcome:
    """Say how a process ended from its exit status."""
    if code == 0:
        return Outcome(kind="ok", exit_code=0)
    if cancelled:
        return Outcome(kind="cancelled", exit_code=code, detail="the worker was stopped")
    if code < 0:
        name = signal.Signals(-code).name
        hint = "; the kernel does this when memory runs out" if -code == signal.SIGKILL else ""
        return Outcome(kind="worker_error", exit_code=code, detail=f"the worker was ended by {name}{hint}")
    return Outcome(kind="worker_error", exit_code=code, detail=f"the worker ended with exit status {code}")
