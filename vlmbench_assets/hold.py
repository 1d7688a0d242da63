"""Who works on a cell or a dataset now, and how the last work on a cell ended."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vlmbench_assets.files import open_lock, write_atomically
from vlmbench_assets.store import AssetName, Store, utc_now
from vlmbench_sdk import WorkspaceError
from vlmbench_sdk.records import Record

INTERRUPTED = "interrupted"
TRIES = 20
BETWEEN_TRIES_S = 0.02


class CellFailure(Record):
    """Why a cell's last run failed."""

    stage: AssetName
    reason: str
    failed_at: str


def failure_of(store: Store, dataset: str, model: str) -> CellFailure | None:
    """Why the cell's last run failed; None when it did not."""
    try:
        return CellFailure.model_validate_json(_failure_path(store, dataset, model).read_bytes())
    except FileNotFoundError:
        return None


def is_running(store: Store, dataset: str, model: str) -> bool:
    """Whether a process works on this cell now; one that was killed does not."""
    path = _lock_path(store, dataset, model)
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            # Shared, so that two who only look do not take each other for work.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


@contextmanager
def cell_claimed(store: Store, dataset: str, model: str) -> Iterator[bool]:
    """Hold a cell if nobody else does; gives whether that is so.

    Whoever looks whether the cell runs holds it for a moment too, so a few tries are made.
    """
    with open_lock(_lock_path(store, dataset, model)) as file:
        for _ in range(TRIES):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(BETWEEN_TRIES_S)
            else:
                yield True
                return
        yield False


@contextmanager
def cell_held(store: Store, stage: AssetName, dataset: str, model: str) -> Iterator[None]:
    """Hold the cell while a stage runs, and record how it ended.

    The lock dies with its holder, so that a killed run never leaves a cell `running` for ever.

    Args:
        store: Where the cell lies.
        stage: What is made.
        dataset: The cell's dataset.
        model: The cell's model.

    Raises:
        WorkspaceError: When another process works on this cell.
    """
    with cell_claimed(store, dataset, model) as claimed:
        if not claimed:
            raise WorkspaceError(
                "another process is working on this cell",
                where=f"{model} × {dataset}",
                fix="Wait until it is done; `vlmbench status` shows what runs",
            )
        try:
            yield
        except BaseException as error:
            # Also on cancellation: whoever looks at the cell later must see how it ended.
            reason = (str(error) or type(error).__name__) if isinstance(error, Exception) else INTERRUPTED
            failure = CellFailure(stage=stage, reason=reason, failed_at=utc_now())
            # A disk that is full would otherwise hide why the stage failed.
            with suppress(WorkspaceError):
                write_atomically(_failure_path(store, dataset, model), failure.model_dump_json(indent=2).encode())
            raise
        _failure_path(store, dataset, model).unlink(missing_ok=True)


@contextmanager
def dataset_held(store: Store, asset: AssetName, dataset: str) -> Iterator[None]:
    """Hold an asset of a dataset while it is made; a second one waits, because it does not take long."""
    with open_lock(store.folder(asset, dataset) / ".lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _failure_path(store: Store, dataset: str, model: str) -> Path:
    return store.folder("answers", dataset, model) / "failure.json"


def _lock_path(store: Store, dataset: str, model: str) -> Path:
    return store.folder("answers", dataset, model) / ".lock"
