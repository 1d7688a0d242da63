"""Throw away old materialisations: manifests past the newest few, copies nobody names, journal lines nobody used."""

import fcntl
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import ANSWERS
from vlmbench_assets.files import write_atomically
from vlmbench_assets.hold import cell_claimed, dataset_held
from vlmbench_assets.made_from import QUESTIONS
from vlmbench_assets.make.kept import KeptAnswers
from vlmbench_assets.make.samples import FILES
from vlmbench_assets.questions import sample_digest
from vlmbench_assets.store import CELL_ASSETS, MANIFEST, AssetName, Manifest, Store, read_manifest
from vlmbench_assets.tables import parse_table
from vlmbench_sdk.job import JOURNAL
from vlmbench_sdk.journal import Answered, journal_line, read_journal

NAMED_IN_FACTS = ("samples_file", "answers_file")
LOCKS = ("answers/*/*/.lock", "samples/*/.lock", "leaderboard/*/.lock", "benchmark_leaderboard/*/.lock")
"""What is published under."""


@dataclass(slots=True)
class Pruned:
    """What was thrown away, or would be."""

    manifests: int = 0
    objects: int = 0
    answers: int = 0
    """Lines of journals."""
    folders: int = 0
    """Folders of generated images."""
    bytes: int = 0
    skipped: int = 0
    """Cells whose journals were left alone because something works on them or was interrupted, or a table is lost."""
    busy: bool = False
    """Whether something was running, so that no table was thrown away."""


def prune(store: Store, keep: int, *, dry_run: bool) -> Pruned:
    """Keep the newest materialisations of each asset, and everything that they and the current state need.

    Args:
        store: The data folder.
        keep: How many materialisations of each asset and cell to keep, at least 1.
        dry_run: Only count.
    """
    # In this order: what a run publishes that begins after the look around is not among the candidates, and
    # what was published before it is named by a manifest that is read after it.
    candidates = list(store.objects.all())
    done = Pruned(busy=_someone_works(store))
    named: set[str] = set()
    for folder in _asset_folders(store):
        history = sorted((folder / "history").glob("*.json"))
        for path in history[:-keep]:
            done.manifests += 1
            _remove(path, done, dry_run=dry_run)
        kept = [read_manifest(path) for path in [*history[-keep:], folder / MANIFEST]]
        named |= {digest for manifest in kept if manifest is not None for digest in _names(manifest)}
    for cell in _cells(store):
        _prune_journal(store, cell, keep, done, dry_run=dry_run)
    for path in candidates if not done.busy else []:
        if path.stem not in named:
            done.objects += 1
            _remove(path, done, dry_run=dry_run)
    _prune_images(store, keep, done, dry_run=dry_run)
    return done


def _asset_folders(store: Store) -> Iterator[Path]:
    # Spelt out, because a dataset, a model or a folder of images may itself be called "history".
    for asset in get_args(AssetName):
        pattern = f"{asset}/*/*/history" if asset in CELL_ASSETS else f"{asset}/*/history"
        yield from (path.parent for path in sorted(store.root.glob(pattern)) if path.is_dir())


def _someone_works(store: Store) -> bool:
    """Whether a cell or an asset of a dataset is held now."""
    return any(_is_held(path) for pattern in LOCKS for path in store.root.glob(pattern))


def _is_held(lock: Path) -> bool:
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _cells(store: Store) -> Iterator[Cell]:
    for path in sorted((store.root / "answers").glob("*/*/work")):
        if (path / JOURNAL).exists():
            yield Cell(model=path.parent.parent.name, dataset=path.parent.name)


def _names(manifest: Manifest) -> Iterator[str]:
    """The objects that a manifest needs."""
    yield from manifest.files.values()
    yield manifest.lineage.get(QUESTIONS, "")
    yield from (str(manifest.facts.get(name, "")) for name in NAMED_IN_FACTS)


def _prune_journal(store: Store, cell: Cell, keep: int, done: Pruned, *, dry_run: bool) -> None:
    """Drop answers that no kept table shows; leave a cell alone that is being worked on or was interrupted."""
    kept = KeptAnswers(store, cell.dataset, cell.model)
    with cell_claimed(store, cell.dataset, cell.model) as claimed, kept.journal.open("rb") as journal:
        try:
            fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            claimed = False
        if not claimed or kept.interrupted():
            done.skipped += 1
            return
        used = _used(store, cell, keep)
        if used is None:
            done.skipped += 1
            return
        lines = read_journal(kept.journal).answers
        # Answers after the last one that was published belong to a run that is not finished.
        last = max((i for i, each in enumerate(lines) if _digest(each) in used), default=-1)
        # Asked again, a sample has several answers of one digest; the last one is the one that counts.
        newest = {(each.sample_id, _digest(each)): i for i, each in enumerate(lines) if _digest(each) in used}
        left = [each for i, each in enumerate(lines) if i > last or newest.get((each.sample_id, _digest(each))) == i]
        if len(left) == len(lines):
            return
        content = b"".join(map(journal_line, left))
        done.answers += len(lines) - len(left)
        done.bytes += kept.journal.stat().st_size - len(content)
        if not dry_run:
            write_atomically(kept.journal, content)


def _digest(answer: Answered) -> str:
    return sample_digest(answer.model_digest, answer.question_digest)


def _used(store: Store, cell: Cell, keep: int) -> set[str] | None:
    """`sample_digest` of every row of the current table and of those that stay in the history.

    None where one of these tables cannot be read: then nobody knows which answers it shows.
    """
    current = store.folder("answers", cell.dataset, cell.model) / MANIFEST
    paths = [*store.history("answers", cell.dataset, cell.model)[-keep:], current]
    manifests = [manifest for path in paths if (manifest := read_manifest(path)) is not None]
    used: set[str] = set()
    for digest in {manifest.files.get("answers.csv", "") for manifest in manifests}:
        content = store.objects.get(digest)
        if content is None:
            return None
        used.update(parse_table(content, ANSWERS)["sample_digest"])
    return used


def _prune_images(store: Store, keep: int, done: Pruned, *, dry_run: bool) -> None:
    for dataset in sorted(path.parent for path in store.root.glob(f"samples/*/{FILES}")):
        # A reader makes its images in a folder beside them, and names them last.
        with dataset_held(store, "samples", dataset.name):
            _prune_images_of(dataset, keep, done, dry_run=dry_run)


def _prune_images_of(dataset: Path, keep: int, done: Pruned, *, dry_run: bool) -> None:
    history = sorted((dataset / "history").glob("*.json"))[-keep:]
    manifests = [read_manifest(path) for path in [*history, dataset / MANIFEST]]
    named = {str(manifest.facts.get("images", "")) for manifest in manifests if manifest is not None}
    for folder in sorted((dataset / FILES).glob("*")):
        if folder.is_dir() and f"{FILES}/{folder.name}" not in named:
            done.folders += 1
            done.bytes += sum(path.stat().st_size for path in _files(folder))
            if not dry_run:
                shutil.rmtree(folder)


def _files(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _remove(path: Path, done: Pruned, *, dry_run: bool) -> None:
    done.bytes += path.stat().st_size
    if not dry_run:
        path.unlink()
