"""The folders under `data/`: one per asset and cell, each with its manifest and its history."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, JsonValue

from vlmbench_assets.files import sync_folder, write_atomically
from vlmbench_assets.lineage import data_version, digest_bytes
from vlmbench_assets.objects import Objects
from vlmbench_sdk import WorkspaceError
from vlmbench_sdk.records import Record

AssetName = Literal["samples", "answers", "metrics", "aggregates", "report", "leaderboard", "benchmark_leaderboard"]
CELL_ASSETS: tuple[AssetName, ...] = ("answers", "metrics", "aggregates", "report")
"""The stages of a cell, in order."""

SCHEMA_VERSION = 2
"""1 had no `files` and `digests`; such a manifest loads, and what it speaks for is stale."""
MANIFEST = "manifest.json"
NEXT = "manifest.next.json"
"""Stands while a publication is under way; one that stays was interrupted."""
KEPT_SUFFIXES = frozenset({".csv", ".md"})
"""Files of which the history keeps copies; pictures can be drawn again."""


class Manifest(Record):
    """What an asset's folder was made from, and how."""

    schema_version: int = Field(default=SCHEMA_VERSION, le=SCHEMA_VERSION)
    asset: AssetName
    dataset: str
    """Of a benchmark's leaderboard, the benchmark."""
    model: str = ""
    written_at: str
    """UTC time in ISO 8601."""
    lineage: dict[str, str]
    """Named digests of everything it was made from."""
    files: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of each file that it speaks for."""
    sizes: dict[str, int] = Field(default_factory=dict)
    """Bytes of each file, to see at a glance that it was changed."""
    digests: dict[str, str] = Field(default_factory=dict)
    """Named digests of its contents, as far as the next stages are made from them."""
    facts: dict[str, JsonValue] = Field(default_factory=dict)
    """Arguments passed, resolved defaults, package versions, hardware, timings, counts."""

    @property
    def damaged(self) -> bool:
        """Whether this stands for a manifest that cannot be read: everything it spoke for is to be made again."""
        return not self.written_at

    @property
    def version(self) -> str:
        """Digest of what it was made from and what became of it: Dagster's data version."""
        return data_version({**self.lineage, **self.digests})


@dataclass(frozen=True, slots=True)
class Store:
    """The `data/` folder of a workspace."""

    root: Path

    @property
    def objects(self) -> Objects:
        """Content-addressed copies of what was published."""
        return Objects(self.root / "objects")

    def folder(self, asset: AssetName, dataset: str, model: str = "") -> Path:
        """The folder of one asset of one cell, or of one dataset where there is no model."""
        return self.root.joinpath(asset, model, dataset) if model else self.root.joinpath(asset, dataset)

    def table(self, asset: AssetName, dataset: str, model: str = "") -> Path:
        """The CSV file of an asset."""
        return self.folder(asset, dataset, model) / f"{asset}.csv"

    def publish(
        self,
        asset: AssetName,
        dataset: str,
        model: str = "",
        *,
        files: Mapping[str, bytes],
        lineage: Mapping[str, str],
        digests: Mapping[str, str],
        facts: Mapping[str, JsonValue],
    ) -> Manifest:
        """Write an asset's files and then the manifest that speaks for them, and keep both in the history.

        Killed or cut off at any point, what is there is either the old state or is seen to be unfinished:
        `manifest.next.json` stands from before the first file changes until the manifest is in place. Files of the
        last publication that this one has not, such as a picture that is drawn no more, go last.
        """
        folder = self.folder(asset, dataset, model)
        before = self.manifest(asset, dataset, model)
        manifest = Manifest(
            asset=asset,
            dataset=dataset,
            model=model,
            written_at=utc_now(),
            lineage=dict(lineage),
            files={name: digest_bytes(content) for name, content in files.items()},
            sizes={name: len(content) for name, content in files.items()},
            digests=dict(digests),
            facts=dict(facts),
        )
        content = manifest.model_dump_json(indent=2).encode()
        for name, data in files.items():
            if Path(name).suffix in KEPT_SUFFIXES:
                self.objects.put(data)
        write_atomically(folder / NEXT, content)
        for name, data in files.items():
            write_atomically(folder / name, data)
        self._remember(folder, manifest, content)
        (folder / NEXT).replace(folder / MANIFEST)
        sync_folder(folder)
        for name in set(before.files if before else ()) - set(files):
            (folder / Path(name).name).unlink(missing_ok=True)
        return manifest

    def manifest(self, asset: AssetName, dataset: str, model: str = "") -> Manifest | None:
        """Read a manifest; None where the asset was never made.

        One that cannot be read stands there as `damaged`: it costs its asset another making, nothing else.

        Raises:
            WorkspaceError: When it was written by a newer version of this project.
        """
        path = self.folder(asset, dataset, model) / MANIFEST
        try:
            return read_manifest(path)
        except DamagedManifestError:
            return Manifest(asset=asset, dataset=dataset, model=model, written_at="", lineage={})

    def unfinished(self, asset: AssetName, dataset: str, model: str = "") -> bool:
        """Whether a publication of this asset was interrupted."""
        return (self.folder(asset, dataset, model) / NEXT).exists()

    def history(self, asset: AssetName, dataset: str, model: str = "") -> list[Path]:
        """The manifests of all materialisations, oldest first."""
        return sorted((self.folder(asset, dataset, model) / "history").glob("*.json"))

    def _remember(self, folder: Path, manifest: Manifest, content: bytes) -> None:
        kept = sorted((folder / "history").glob("*.json"))
        if kept:
            last = _readable(kept[-1])
            if last is not None and last.lineage == manifest.lineage and last.files == manifest.files:
                return
        number = int(kept[-1].stem) + 1 if kept else 1
        write_atomically(folder / "history" / f"{number:05d}.json", content)


class DamagedManifestError(WorkspaceError):
    """A manifest cannot be read."""


def read_manifest(path: Path) -> Manifest | None:
    """Read a manifest; None where there is no such file.

    Raises:
        DamagedManifestError: When it is damaged.
        WorkspaceError: When it was written by a newer version of this project.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return Manifest.model_validate_json(content)
    except ValueError as error:
        if (version := _schema_version(content)) > SCHEMA_VERSION:
            raise WorkspaceError(
                f"this manifest has schema version {version}; {SCHEMA_VERSION} is the newest known",
                where=str(path),
                fix="Upgrade vlmbench-assets",
            ) from error
        raise DamagedManifestError(
            f"this manifest cannot be read ({error})",
            where=str(path),
            fix="Delete it and run the stage again",
        ) from error


def _readable(path: Path) -> Manifest | None:
    try:
        return read_manifest(path)
    except DamagedManifestError:
        return None


def _schema_version(content: bytes) -> int:
    try:
        found = json.loads(content)
    except ValueError:
        return 0
    version = found.get("schema_version") if isinstance(found, dict) else 0
    return version if isinstance(version, int) else 0


def utc_now() -> str:
    """The time now, as UTC in ISO 8601 with seconds."""
    return datetime.now(UTC).isoformat(timespec="seconds")
