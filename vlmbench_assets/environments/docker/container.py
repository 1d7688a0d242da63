"""What a worker's container may do: nothing but read its dataset and write into its own folder."""

import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vlmbench_assets.environments.options import DockerOptions
from vlmbench_sdk import Launch

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.types import Mount

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


@dataclass(frozen=True, slots=True)
class Binds:
    """Folders and files of this machine and where they stand inside."""

    readable: Mapping[Path, str]
    writable: Mapping[Path, str]

    def mounts(self) -> "list[Mount]":
        """As docker-py wants them; unlike volumes, a mount of a missing folder is an error and makes none."""
        from docker.types import Mount

        pairs = [(each, False) for each in self.writable.items()] + [(each, True) for each in self.readable.items()]
        found = [Mount(target=inside, source=str(path), type="bind", read_only=ro) for (path, inside), ro in pairs]
        # A mount inside another one must come after it.
        return sorted(found, key=lambda mount: len(Path(mount["Target"]).parts))


def user() -> tuple[int, int]:
    """User and group that the worker runs as: the caller's, or an unprivileged one for root."""
    return (os.getuid(), os.getgid()) if os.getuid() else (UNPRIVILEGED, UNPRIVILEGED)


def labels(what: str) -> dict[str, str]:
    """Whose container it is, so that one whose host is gone can be told."""
    pid = os.getpid()
    return {LABEL: what, "vlmbench.host": socket.gethostname(), "vlmbench.pid": str(pid), "vlmbench.born": born(pid)}


def born(pid: int) -> str:
    """When a process started, in ticks since the machine did; empty when there is none. Pids come again, this not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19]
    except OSError:
        return ""


def settings(client: "DockerClient", options: DockerOptions, launch: Launch, binds: Binds) -> dict[str, object]:
    """Arguments of `containers.create` that lock the worker in."""
    from docker.types import DeviceRequest, LogConfig

    memory = options.memory or f"{int(int(client.info()['MemTotal']) * 0.9)}b"
    uid, gid = user()
    found: dict[str, object] = {
        "image": options.image,
        "name": f"vlmbench-{uuid.uuid4().hex[:12]}",
        "labels": labels("worker"),
        "user": f"{uid}:{gid}",
        "working_dir": str(launch.work),
        "mounts": binds.mounts(),
        "network_mode": options.network,
        "read_only": True,
        "tmpfs": {"/tmp": f"rw,nosuid,nodev,exec,size={options.tmp}"},  # noqa: S108 - triton runs code from there
        "shm_size": options.shm,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": options.pids,
        "mem_limit": memory,
        "memswap_limit": memory,
        "init": True,
        "stdin_open": True,
        # The host reads the output as it comes, so the engine need not keep it, nor fill its disk with it.
        "log_config": LogConfig(type="none"),
    }
    if options.cpus is not None:
        found["nano_cpus"] = int(options.cpus * 1e9)
    if launch.gpus:
        found["device_requests"] = [DeviceRequest(device_ids=list(launch.gpus), capabilities=[["gpu"]])]
    return found
