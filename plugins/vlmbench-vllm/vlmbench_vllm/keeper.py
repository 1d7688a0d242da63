"""Keeps a server: `python keeper.py FD ARGV…` runs it until it ends, or until the end of standard input.

Its process id is written to the file descriptor FD.

The worker holds the other end. The kernel closes it with the worker, however that ends, also by kill -9, when nobody
could stop a server that has processes of its own. This file runs by its path and imports nothing of the project.
"""

import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

GRACE_S = 10.0
"""How long a server that was asked to stop may take."""


def keep(told: int, argv: list[str]) -> int:
    """Run a server and return its exit status; what it started is gone as well."""
    # A session of its own, so that one signal reaches all of its processes and not this one.
    server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, start_new_session=True)
    # For the worker, should this process be killed.
    os.write(told, str(server.pid).encode())
    os.close(told)
    signal.signal(signal.SIGTERM, lambda *_: _signal(server.pid, signal.SIGTERM))
    while server.poll() is None:
        ready, _, _ = select.select([0], [], [], 0.1)
        if ready and not os.read(0, 4096):
            _signal(server.pid, signal.SIGTERM)
            until = time.monotonic() + GRACE_S
            while server.poll() is None and time.monotonic() < until:
                time.sleep(0.05)
            break
    _signal(server.pid, signal.SIGKILL)
    return server.wait()


def _signal(group: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    status = keep(int(sys.argv[1]), sys.argv[2:])
    sys.exit(status if status >= 0 else 128 - status)
