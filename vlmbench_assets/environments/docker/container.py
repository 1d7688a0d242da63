"""What a worker's container may do: nothing but read its dataset and write into its own folder."""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vlmbench_assets.environments.options import DockerOptions
from vlmbench_sdk import Launch
from vlmbench_sdk.processes import process_identity

if TYPE_CHECKING:
    from docker.models.containers import Container
    from docker.types import Mount

    from docker import DockerClient

LABEL = "vlmbench"
"""Label of every container of ours; its value says what for."""
UNPRIVILEGED = 10001
"""User and group inside when the host runs as root."""
HOME = {
    # Without a name for the user, getpass.getuser() fails, which torch and the hubs' libraries call.
    "HOME": "/tmp",  # noqa: S108 - the container's own
    "USER": "vlmbench",
    "LOGNAME": "vlmbench",
    "LANG": "C.UTF-8",
    "XDG_CACHE_HOME": "/tmp/cache",  # noqa: S108
}


Bound = tuple[Path, str, bool]
"""A folder or file of this machine, its place inside, and whether it may be written."""


def mounts(binds: Sequence[Bound]) -> "list[Mount]":
    """Folders and files as docker-py wants them, outer ones first.

    Unlike a volume, a mount of a missing folder is an error, and makes none.
    """
    from docker.types import Mount

    outer_first = sorted(binds, key=lambda bind: len(Path(bind[1]).parts))
    return [Mount(inside, str(path), type="bind", read_only=not writable) for path, inside, writable in outer_first]


def user() -> tuple[int, int]:
    """User and group that the worker runs as: the caller's, or an unprivileged one for root."""
    return (os.getuid(), os.getgid()) if os.getuid() else (UNPRIVILEGED, UNPRIVILEGED)


def labels(what: str) -> dict[str, str]:
    """Whose container it is, so that one whose host is gone can be told."""
    pid = os.getpid()
    return {
        LABEL: what,
        "vlmbench.host": socket.gethostname(),
        "vlmbench.pid": str(pid),
        "vlmbench.born": process_identity(pid),
    }


def memory_limit(client: "DockerClient", options: DockerOptions) -> str:
    """The worker's memory, so that it meets its own limit before the machine's."""
    return options.memory or f"{int(client.info()['MemTotal']) * 9 // 10 >> 20}m"


@dataclass(frozen=True, slots=True)
class Order:
    """One container to make."""

    name: str
    command: Sequence[str]
    launch: Launch
    binds: Sequence[Bound]
    variables: Mapping[str, str]
    memory: str
    image: str


def create(client: "DockerClient", options: DockerOptions, order: Order) -> "Container":
    """Make a worker's container, locked in; it does not run yet."""
    from docker.types import DeviceRequest, LogConfig

    uid, gid = user()
    gpus = [DeviceRequest(device_ids=list(order.launch.gpus), capabilities=[["gpu"]])] if order.launch.gpus else None
    return client.containers.create(
        order.image,
        list(order.command),
        entrypoint=[],
        name=order.name,
        labels=labels("worker"),
        environment=dict(order.variables),
        user=f"{uid}:{gid}",
        working_dir=str(order.launch.work),
        mounts=mounts(order.binds),
        network_mode=options.network,
        read_only=True,
        # Code may run from /tmp, because triton and inductor compile to there.
        tmpfs={"/tmp": f"rw,nosuid,nodev,exec,size={options.tmp}"},  # noqa: S108
        shm_size=options.shm,
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        pids_limit=options.pids,
        mem_limit=order.memory,
        memswap_limit=order.memory,
        nano_cpus=None if options.cpus is None else int(options.cpus * 1e9),
        device_requests=gpus,
        init=True,
        stdin_open=True,
        # The host reads the output as it comes, so the engine need not keep it, nor fill its disk with it.
        log_config=LogConfig(type="none"),
    )
