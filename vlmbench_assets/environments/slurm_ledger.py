"""The ledger of job folders: what a host that was killed left anywhere can be found, cancelled and removed."""

import socket
from pathlib import Path

from pydantic import ValidationError

from vlmbench_assets.environments.slurm_job import JobFolder, remove_if_abandoned
from vlmbench_assets.files import write_atomically
from vlmbench_sdk import EnvironmentUnavailableError
from vlmbench_sdk.records import Record


class Entry(Record):
    """One job folder, and the machine whose process made it."""

    folder: str
    host: str


def write_down(cache: Path, folder: JobFolder) -> None:
    """Write a job folder down, before a secret stands in it or a job is submitted."""
    entry = Entry(folder=str(folder.path.resolve()), host=socket.gethostname())
    folder.entry = _ledger(cache) / f"{folder.path.name.strip('.')}.json"
    write_atomically(folder.entry, entry.model_dump_json().encode())


def reap(cache: Path) -> list[str]:
    """Cancel the jobs of killed hosts and remove their files; forget the folders that are gone.

    Raises:
        EnvironmentUnavailableError: When Slurm does not cancel one of them; the others are cancelled before.
    """
    lines: list[str] = []
    failed: list[str] = []
    for path in sorted(_ledger(cache).glob("*.json")):
        try:
            entry = Entry.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        folder = Path(entry.folder)
        # A folder of another machine may be one that only it sees, and locks may not reach from one to the other.
        if entry.host != socket.gethostname():
            lines.append(f"slurm: {folder} is of {entry.host}; it is left alone")
            continue
        try:
            job = remove_if_abandoned(folder) if folder.exists() else ""
        except EnvironmentUnavailableError as error:
            failed.append(f"the job in {folder} may still be there: {error}")
            continue
        if job is None:
            continue
        path.unlink(missing_ok=True)
        if job:
            lines.append(f"slurm: cancelled job {job}, which a killed run left behind")
    if failed:
        raise EnvironmentUnavailableError("; ".join([*lines, *failed]))
    return lines


def _ledger(cache: Path) -> Path:
    return cache / "slurm"
