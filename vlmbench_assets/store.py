"""The folders under `data/`: one per asset and cell, each with its manifest; who is running and what failed."""

import fcntl
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue

from vlmbench_assets.files import write_atomically
from vlmbench_sdk import WorkspaceError
from vlmbench_sdk.records import Record

AssetName = Literal["samples", "answers", "metrics", "aggregates", "report", "leaderboard"]
CELL_ASSETS: tuple[AssetName, ...] = ("answers", "metrics", "aggregates", "report")
"""The stages of a cell, in order."""

SCHEMA_VERSION = 1


class Manifest(Record):
    """What an asset's folder was made from, and how."""

    schema_version: int = SCHEMA_VERSION
    asset: AssetName
    dataset: str
    model: str = ""
    written_at: str
    """UTC time in ISO 8601."""
    lineage: dict[str, str]
    """Named digests of everything it was made from."""
    facts: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments passed, resolved defaults, package versions, hardware, timings, counts."""


class CellFailure(Record):
    """Why a cell's last run failed."""

    stage: AssetName
    reason: str
    failed_at: str


@dataclass(frozen=True, slots=True)
class Store:
    """The `data/` folder of a workspace."""

    root: Path

    def folder(self, asset: AssetName, dataset: str, model: str = "") -> Path:
        """The folder of one asset of one cell, or of one dataset where there is no model."""
        return self.root / asset / model / dataset if model else self.root / asset / dataset

    def table(self, asset: AssetName, dataset: str, model: str = "") -> Path:
        """The CSV file of an asset."""
        return self.folder(asset, dataset, model) / f"{asset}.csv"

    def write_manifest(
        self,
        asset: AssetName,
        dataset: str,
        model: str = "",
        *,
        lineage: Mapping[str, str],
        facts: Mapping[str, JsonValue],
    ) -> Manifest:
        """Write the manifest, after everything it speaks for."""
        manifest = Manifest(
            asset=asset,
            dataset=dataset,
            model=model,
            written_at=utc_now(),
            lineage=dict(lineage),
            facts=dict(facts),
        )
        content = manifest.model_dump_json(indent=2).encode()
        write_atomically(self.folder(asset, dataset, model) / "manifest.json", content)
        return manifest

    def manifest(self, asset: AssetName, dataset: str, model: str = "") -> Manifest | None:
        """Read a manifest; None where the asset was never made.

        Raises:
            WorkspaceError: When it is damaged, or written by a newer version of this project.
        """
        path = self.folder(asset, dataset, model) / "manifest.json"
        if not path.exists():
            return None
        try:
            manifest = Manifest.model_validate_json(path.read_bytes())
        except ValueError as error:
            raise WorkspaceError(
                f"this manifest cannot be read ({error})",
                where=str(path),
                fix="Delete it and run the stage again",
            ) from error
        if manifest.schema_version > SCHEMA_VERSION:
            raise WorkspaceError(
                f"this manifest has schema version {manifest.schema_version}; {SCHEMA_VERSION} is the newest known",
                where=str(path),
                fix="Upgrade vlmbench-assets",
            )
        return manifest

    def failure(self, dataset: str, model: str) -> CellFailure | None:
        """Why the cell's last run failed; None when it did not."""
        path = self._failure_path(dataset, model)
        return CellFailure.model_validate_json(path.read_bytes()) if path.exists() else None

    def is_running(self, dataset: str, model: str) -> bool:
        """Whether a process works on this cell now; one that was killed does not."""
        path = self._lock_path(dataset, model)
        if not path.exists():
            return False
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    @contextmanager
    def running(self, stage: AssetName, dataset: str, model: str) -> Iterator[None]:
        """Hold the cell while a stage runs, and record how it ended.

        The lock dies with its holder, so that a killed run never leaves a cell `running` for ever.

        Raises:
            WorkspaceError: When another process works on this cell.
        """
        path = self._lock_path(dataset, model)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise WorkspaceError(
                    "another process is working on this cell",
                    where=f"{model} × {dataset}",
                    fix="Wait until it is done; `vlmbench status` shows what runs",
                ) from error
            try:
                yield
            except BaseException as error:
                # Also on cancellation: whoever looks at the cell later must see how it ended.
                reason = (str(error) or type(error).__name__) if isinstance(error, Exception) else "interrupted"
                failure = CellFailure(stage=stage, reason=reason, failed_at=utc_now())
                write_atomically(self._failure_path(dataset, model), failure.model_dump_json(indent=2).encode())
                raise
            self._failure_path(dataset, model).unlink(missing_ok=True)

    def fresh_work_folder(self, dataset: str, model: str) -> Path:
        """Make an empty folder for the worker of a cell; what the last worker left goes to `work.previous`."""
        work = self.folder("answers", dataset, model) / "work"
        previous = work.with_name("work.previous")
        if work.exists():
            shutil.rmtree(previous, ignore_errors=True)
            work.rename(previous)
        work.mkdir(parents=True)
        return work

    def _failure_path(self, dataset: str, model: str) -> Path:
        return self.folder("answers", dataset, model) / "failure.json"

    def _lock_path(self, dataset: str, model: str) -> Path:
        return self.folder("answers", dataset, model) / ".lock"


def utc_now() -> str:
    """The time now, as UTC in ISO 8601 with seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
