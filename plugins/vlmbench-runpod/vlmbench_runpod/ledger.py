"""The ledger of rented pods: what a host that was killed left behind can be found and ended."""

import fcntl
import os
import shutil
import socket
import time
from pathlib import Path

from pydantic import ValidationError

from vlmbench_runpod.api import RunPodApi
from vlmbench_sdk import EnvironmentUnavailableError
from vlmbench_sdk.processes import process_identity
from vlmbench_sdk.records import Record

FORGET_AFTER_S = 900.0
"""A pod whose making was never confirmed is looked for this long, because RunPod's lists lag behind."""


class Entry(Record):
    """One pod; later lines of the same name replace earlier ones."""

    name: str
    """Unique; RunPod knows the pod by it even when its id never arrived."""
    api: str
    owner_pid: int
    owner_started: str
    """When the owner's process started; a process id alone is used again."""
    owner_host: str
    folder: str
    """Where the pod's keys lie."""
    at: float
    """When it was wanted, in seconds since 1970."""
    pod: str = ""
    """RunPod's id, once it is known."""
    ended: bool = False


class Ledger:
    """A file of JSON lines in the cache; every line is on the disk before the call that it announces."""

    def __init__(self, cache: Path) -> None:
        """Use the ledger of this cache folder."""
        self.path = cache / "runpod" / "pods.jsonl"

    def want(self, name: str, api: str, folder: Path) -> Entry:
        """Write down that a pod of this name is about to be rented by this process."""
        pid = os.getpid()
        entry = Entry(
            name=name,
            api=api,
            owner_pid=pid,
            owner_started=process_identity(pid),
            owner_host=socket.gethostname(),
            folder=str(folder),
            at=time.time(),
        )
        self._append(entry)
        return entry

    def rented(self, entry: Entry, pod: str) -> None:
        """Write down RunPod's id."""
        self._append(entry.model_copy(update={"pod": pod}))

    def ended(self, entry: Entry) -> None:
        """Write down that nothing of this name is left."""
        self._append(entry.model_copy(update={"ended": True}))

    def open(self) -> list[Entry]:
        """Pods that may still be there, the oldest first."""
        found: dict[str, Entry] = {}
        if self.path.exists():
            for line in self.path.read_bytes().splitlines():
                try:
                    entry = Entry.model_validate_json(line)
                except ValidationError:
                    continue  # torn by a power cut: the call that it announces was not made
                found[entry.name] = entry
        return [entry for entry in found.values() if not entry.ended]

    def _append(self, entry: Entry) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        line = entry.model_dump_json().encode() + b"\n"
        with self.path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            size = file.seek(0, os.SEEK_END)
            if size:
                file.seek(size - 1)
                line = line if file.read(1) == b"\n" else b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def reap(cache: Path) -> list[str]:
    """End every pod whose owner on this machine is gone; return a line for each.

    Raises:
        EnvironmentUnavailableError: When one of them cannot be ended; the others are ended before.
    """
    ledger, lines, failed = Ledger(cache), [], []
    for entry in ledger.open():
        if entry.owner_host != socket.gethostname():
            lines.append(f"runpod: {entry.name} is of {entry.owner_host}; it is left alone")
            continue
        if is_alive(entry):
            continue
        try:
            ended = RunPodApi(entry.api, where=f"pod {entry.pod or entry.name}").end(entry.name, entry.pod)
        except EnvironmentUnavailableError as error:
            failed.append(f"a pod of a killed run may still cost money: {error}")
            continue
        if entry.pod or ended or time.time() - entry.at > FORGET_AFTER_S:
            ledger.ended(entry)
            shutil.rmtree(entry.folder, ignore_errors=True)
        if ended:
            lines.append(f"runpod: {entry.name} was left behind by process {entry.owner_pid}; it is ended now")
    if failed:
        raise EnvironmentUnavailableError("; ".join([*lines, *failed]))
    return lines


def is_alive(entry: Entry) -> bool:
    """Whether the process that rented a pod on this machine still runs."""
    return process_identity(entry.owner_pid) == entry.owner_started != ""
