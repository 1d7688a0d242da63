"""Commands of `vlmbench` as real processes that are forked rather than started, which saves what imports cost."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

from tests.commands.server import MODULE, MOST_BYTES
from tests.support import Run

SERVER = Path(__file__).with_name("server.py")
SERVERS = 2
"""As many, in turn, so that a command never has the seed of hashes that the one before it had."""
FIXED = ("PYTHON", "LC_", "LANG", "LD_", "GLIBC", "MALLOC", "TQDM")
"""Variables by prefix that the interpreter, C libraries and those that list the environment read as they start."""
QUIET = {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""No library may start a thread before a fork; the commands themselves are told neither."""

NOT_INHERITED = ("VLMBENCH_WORKSPACE", "DAGSTER_HOME")


class Server:
    """One process that forks commands."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Start it; it imports in the background."""
        self.environment = {name: value for name, value in environment.items() if name != "PYTHONPATH"}
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**self.environment, **QUIET},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        theirs.close()
        self._asked: frozenset[str] | None = None

    def serves(self, environment: Mapping[str, str]) -> bool:
        """Whether imports would have come out the same in this environment."""
        if self._asked is None:
            ready = self._control.recv(MOST_BYTES)
            assert ready, self._process.communicate()[0].decode()
            self._asked = frozenset(json.loads(ready)) - {*QUIET}
        names = self._asked | {name for name in {*environment, *self.environment} if name.startswith(FIXED)}
        return all(environment.get(name) == self.environment.get(name) for name in names - {"PYTHONPATH"})

    def run(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end, and until nothing holds its output any more, as `subprocess.run` does."""
        order = {"arguments": list(arguments), "cwd": str(cwd.absolute()), "environment": dict(environment)}
        pipes = [os.pipe() for _ in range(3)]
        socket.send_fds(self._control, [json.dumps(order).encode()], [0, *(end for _, end in pipes)])
        for _, end in pipes:
            os.close(end)
        with ThreadPoolExecutor(len(pipes)) as pool:
            stdout, stderr, status = pool.map(_read, [pipe[0] for pipe in pipes])
        assert status, "the server of commands ended"
        return subprocess.CompletedProcess([MODULE, *arguments], int(status), stdout, stderr)

    def close(self) -> None:
        """End it; commands that still run go on."""
        self._control.close()
        self._process.communicate()


class Commands:
    """Runs commands one after another in processes of their own."""

    def __init__(self) -> None:
        """Start the servers where forking is to be trusted."""
        environment = {**os.environ, "PYTHONWARNINGS": "default"}
        self._servers = [Server(environment) for _ in range(SERVERS)] if sys.platform == "linux" else []
        self._turns = cycle(self._servers)

    def run(
        self, arguments: Sequence[str], cwd: Path, environment: Mapping[str, str]
    ) -> "subprocess.CompletedProcess[str]":
        """Run ``python -m vlmbench_assets.cli ARGUMENTS`` in exactly this environment."""
        server = next(self._turns, None)
        if server is not None and server.serves(environment):
            return server.run(arguments, cwd, environment)
        command = [sys.executable, "-m", MODULE, *arguments]
        return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)

    def on(self, workspace: Path, cache: Path) -> Run:
        """The command on a workspace, unless a call names another folder, in the environment of the call's time."""

        def run(
            *arguments: str, cwd: Path | None = None, check: int | None = None
        ) -> "subprocess.CompletedProcess[str]":
            inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
            environment = {**inherited, "VLMBENCH_CACHE": str(cache), "PYTHONWARNINGS": "default"}
            done = self.run(arguments, cwd or workspace, environment)
            if check is not None:
                assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
            return done

        return run

    def close(self) -> None:
        """End the servers."""
        for server in self._servers:
            server.close()


def _read(descriptor: int) -> str:
    with open(descriptor, encoding="locale") as file:
        return file.read()
