"""Start commands of `vlmbench` by forking: a process that has imported, once, what others wrote and a command needs.

Run as a script with the descriptor of a socket. Nothing of this repository is imported before the fork: neither the
host nor the SDK, no plugin, nothing of a workspace. A command therefore starts from its own `__main__`, as
``python -m`` does, and differs from a process of its own in this only: libraries stand in memory already.
"""

import gc
import importlib
import json
import os
import runpy
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

LIBRARIES = (
    "alembic.runtime.migration",
    "dagster",
    "dagster._core.definitions.antlr_asset_selection.antlr_asset_selection",
    "dagster._core.definitions.repository_definition.repository_data_builder",
    "dagster._core.execution.execute_in_process",
    "dagster._core.execution.plan.active",
    "dagster._core.executor.in_process",
    "dagster._core.instance.factory",
    "dagster._core.secrets.env_file",
    "dagster._core.storage.event_log.sqlite",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.root",
    "dagster._core.storage.runs.sqlite",
    "dagster._core.storage.schedules.sqlite",
    "dagster._core.storage.sqlite_storage",
    "jinja2.sandbox",
    "matplotlib.backends.backend_agg",
    "matplotlib.colorbar",
    "matplotlib.figure",
    "mpl_toolkits.axes_grid1",
    "packaging.requirements",
    "pandas",
    "pandera.backends.pandas.register",
    "pandera.pandas",
    "pandera.strategies.pandas_strategies",
    "PIL.PngImagePlugin",
    "pluggy",
    "pyarrow.pandas_compat",
    "pydantic",
    "rapidfuzz",
    "rich.progress",
    "rich.table",
    "scipy.special",
    "scipy.stats",
    "sqlalchemy.dialects.sqlite",
    "upath.implementations.local",
    "yaml",
)
"""Those that take long, of what `vlmbench run` imports; what is missing here is imported by the command."""
OWN = ("vlmbench", "tests", "plugins", "sdk", "definitions")
MODULE = "vlmbench_assets.cli"
MOST_BYTES = 1 << 20
MOST_FILES = 1 << 16


class Order(TypedDict):
    """A command: what follows its name, where it runs, and its whole environment."""

    arguments: list[str]
    cwd: str
    environment: dict[str, str]


class _Listed(str):
    """A name that came from listing the environment, which is to copy it and not to ask for a variable."""

    __slots__ = ()


class _Recording(type(os.environ)):  # type: ignore[misc]
    """An environment that remembers which variables were asked for, present or not."""

    asked: set[str] = set()  # noqa: RUF012

    def __getitem__(self, name: str) -> str:
        if not isinstance(name, _Listed):
            self.asked.add(name)
        return str(super().__getitem__(str(name)))

    def __iter__(self) -> Iterator[str]:
        return map(_Listed, super().__iter__())


def import_libraries() -> list[str]:
    """Import them, and return the environment variables that decided anything while they were."""
    plain = type(os.environ)
    os.environ.__class__ = _Recording
    for name in LIBRARIES:
        importlib.import_module(name)
    os.environ.__class__ = plain
    return sorted(_Recording.asked)


def check_state(control: int) -> None:
    """Refuse to serve in a state that a fork would not carry over, or carry over too much of."""
    threads = os.listdir("/proc/self/task")  # noqa: PTH208
    own = sorted(name for name in sys.modules if name.split(".")[0].startswith(OWN))
    files = {int(name) for name in os.listdir("/proc/self/fd")} - {0, 1, 2, control}  # noqa: PTH208
    files = {each for each in files if Path(f"/proc/self/fd/{each}").exists()}  # without the one that listed them
    if len(threads) > 1 or own or files:
        sys.exit(f"a command cannot be forked here: {len(threads)} threads, modules {own}, open files {files}")


def serve(control: socket.socket) -> tuple[Order, list[int]] | None:
    """Fork a command for each order and tell how it ended.

    Returns:
        The order and its standard descriptors in the command's process; None in the server, when it is to end.
    """
    waiting = selectors.DefaultSelector()
    waiting.register(control, selectors.EVENT_READ)
    started: dict[int, tuple[int, int]] = {}
    while True:
        for key, _ in waiting.select():
            if key.fileobj is not control:
                child, answer = started.pop(key.fd)
                _, status = os.waitpid(child, 0)
                os.write(answer, str(os.waitstatus_to_exitcode(status)).encode())
                waiting.unregister(key.fd)
                os.close(key.fd)
                os.close(answer)
                continue
            message, descriptors, _, _ = socket.recv_fds(control, MOST_BYTES, 4)
            if not message:
                return None
            child = os.fork()
            if child == 0:
                return json.loads(message), descriptors[:3]
            for descriptor in descriptors[:3]:
                os.close(descriptor)
            ending = os.pidfd_open(child)
            started[ending] = (child, descriptors[3])
            waiting.register(ending, selectors.EVENT_READ)


def become(order: Order, descriptors: list[int]) -> None:
    """Make this process what a new one would be at the first line of the command."""
    for standard, descriptor in enumerate(descriptors):
        os.dup2(descriptor, standard)
    os.closerange(3, MOST_FILES)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    # As the interpreter does for `-m`; the rest of the path does not depend on the environment.
    listed = order["environment"].get("PYTHONPATH", "")
    sys.path[:0] = [os.getcwd(), *map(os.path.abspath, listed.split(os.pathsep) if listed else ())]  # noqa: PTH109
    sys.argv = ["-m", *order["arguments"]]
    importlib.invalidate_caches()


def main() -> None:
    """Serve; in a command's process, run it and leave as the interpreter would."""
    control = socket.socket(fileno=int(sys.argv[1]))
    del sys.path[0]
    asked = import_libraries()
    check_state(control.fileno())
    gc.collect()
    gc.freeze()
    control.send(json.dumps(asked).encode())
    try:
        order = serve(control)
    except KeyboardInterrupt:
        return
    if order is not None:
        control.detach()
        become(*order)
        runpy.run_module(MODULE, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
