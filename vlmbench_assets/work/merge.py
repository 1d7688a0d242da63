"""Folders of a cell's shards, and bringing their journals together in the cell's own."""

from pathlib import Path

from vlmbench_assets.files import remove_tree
from vlmbench_sdk.job import JOURNAL
from vlmbench_sdk.journal import JournalWriter, journal_line, read_journal
from vlmbench_sdk.plain_files import open_plain

SHARD = "shard-"


def shard_folder(work: Path, number: int) -> Path:
    """The folder of one shard's worker."""
    return work / f"{SHARD}{number}"


def shard_journals(work: Path) -> list[Path]:
    """Journals that are not in the cell's journal yet: of shards that run now, or whose host was killed."""
    journals = (folder / JOURNAL for folder in sorted(work.glob(f"{SHARD}*")) if not folder.is_symlink())
    return [journal for journal in journals if journal.is_file() and not journal.is_symlink()]


def merge_shards(work: Path) -> None:
    """Put what shards have answered into the cell's journal, each answer once, and remove their folders.

    Killed at any point, it can be done again: a folder goes when its answers are on the disk in the cell's journal,
    and answers that are there already are not added.

    Raises:
        WorkerError: When the cell's journal cannot be written; nothing is removed then.
    """
    for journal in shard_journals(work):
        _append(journal, work / JOURNAL)
    for folder in work.glob(f"{SHARD}*"):
        # A worker that was alone may have put anything there.
        remove_tree(folder)


def _append(journal: Path, to: Path) -> None:
    new = {journal_line(answer): answer for answer in read_journal(journal).answers}
    if to.exists():
        with open_plain(to) as there:
            for line in there:
                new.pop(line, None)
    if new:
        with JournalWriter(to) as writer:
            for answer in new.values():
                writer.append(answer)
