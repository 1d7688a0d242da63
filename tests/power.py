"""A disk that forgets what was not forced to it: power cuts, simulated in one process.

Only `fsync` makes things last here: of a file, its content; of a folder, the names in it. That is what POSIX
promises and less than what most file systems do, so what survives here survives there.
"""

import os
import random
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vlmbench_assets import worker
from vlmbench_assets.environments import process
from vlmbench_sdk import Handle, Launch, Outcome, runner

Names = dict[str, list[bytes] | None]
"""What a folder holds: for each file the contents that were forced, the last one counts; None for a folder."""


class PowerCutError(BaseException):
    """The machine went off: nothing after this point was done."""


class Disk:
    """Everything below a folder, as it would be found after a power cut."""

    def __init__(self, root: Path, steps: int) -> None:
        """Take what is there as lasting; cut after so many steps, each of which changes or forces something."""
        self.root = root
        self.left = steps
        self.lost = False
        self._forced: dict[int, list[bytes]] = {}
        """By inode."""
        self._folders: dict[Path, Names] = {}
        for path in root.rglob("*"):
            if path.is_file():
                self._contents_of(path).append(path.read_bytes())
        for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
            self._folders[folder] = self._names(folder)

    def step(self) -> None:
        """Go on, or cut the power; in another thread that means that nothing is forced any more."""
        if self.left > 0:
            self.left -= 1
        elif threading.current_thread() is threading.main_thread():
            raise PowerCutError
        else:
            self.lost = True

    def force(self, descriptor: int) -> None:
        """What `os.fsync` does."""
        if self.lost:
            return
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_dir():
            self._folders[path] = self._names(path)
        else:
            self._contents_of(path).append(path.read_bytes())

    def forget(self, path: Path) -> None:
        """The file of this name goes; another one may get its number."""
        if path.is_file():
            self._forced.pop(path.stat().st_ino, None)

    def come_back(self, chance: random.Random | None = None) -> None:
        """Make the folder what it is after the cut.

        Args:
            chance: Decides for each folder whether names that were not forced lasted too; without it none did.
        """
        there = self._after(self.root, chance)
        shutil.rmtree(self.root)
        for path, content in there.items():
            if content is None:
                path.mkdir(parents=True)
            else:
                path.write_bytes(content)

    def _after(self, folder: Path, chance: random.Random | None) -> dict[Path, bytes | None]:
        found: dict[Path, bytes | None] = {folder: None}
        lucky = chance is not None and chance.random() < 0.5 and folder.is_dir()
        for name, contents in (self._names(folder) if lucky else self._folders.get(folder, {})).items():
            if contents is None:
                found |= self._after(folder / name, chance)
            else:
                # A file that was never forced has its name and nothing in it: what delayed allocation leaves.
                found[folder / name] = contents[-1] if contents else b""
        return found

    def _names(self, folder: Path) -> Names:
        return {path.name: None if path.is_dir() else self._contents_of(path) for path in folder.iterdir()}

    def _contents_of(self, path: Path) -> list[bytes]:
        return self._forced.setdefault(path.stat().st_ino, [])


class _Ended(Handle):
    """A worker that ran to its end when it was started."""

    def __init__(self, status: int) -> None:
        self._status = status

    def wait(self, timeout_s: float) -> Outcome:  # noqa: ARG002
        return Outcome(kind="worker_error" if self._status else "ok", exit_code=self._status)

    def cancel(self) -> None:
        """It has ended."""

    def log_tail(self, lines: int = 40) -> str:  # noqa: ARG002
        return ""


def _run_here(_python: str, launch: Launch) -> Handle:
    """Run the worker in this process, so that what it forces to the disk is seen."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        return _Ended(runner.main([launch.arguments[-1]]))
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def power(disk: Disk) -> Iterator[None]:
    """Work on this disk until its power is cut; workers run in this process."""
    replace, unlink, mkdir = os.replace, os.unlink, os.mkdir

    def within(change: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: str | Path, **named: int) -> None:
            disk.step()
            if change is not mkdir:
                disk.forget(Path(arguments[-1]))
            change(*arguments, **named)

        return call

    def fsync(descriptor: int) -> None:
        disk.step()
        disk.force(descriptor)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "launch_local", _run_here)
        # Reading every installed package's metadata costs more than everything else here.
        patch.setattr(runner, "distributions", list)
        patch.setattr(worker, "project_versions", dict)
        patch.setattr(os, "fsync", fsync)
        for name, change in (("replace", replace), ("unlink", unlink), ("mkdir", mkdir)):
            patch.setattr(os, name, within(change))
        yield
