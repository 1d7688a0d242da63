"""What a worker may leave in its folder leads the host nowhere: no hang, no traceback, no file elsewhere."""

import os
from pathlib import Path

import pytest

from tests.cells import answer, bench_of
from tests.support import journal_of, write_source
from vlmbench_assets.catalog import Cell
from vlmbench_assets.make.answers import Asking
from vlmbench_assets.staleness import Judge
from vlmbench_sdk import WorkerError

CELL = Cell("echo", "tiny")


def put(path: Path, what: str, target: Path) -> None:
    path.unlink(missing_ok=True)
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if what == "endless" else target)


@pytest.mark.parametrize("what", ["pipe", "folder", "endless", "link"])
def test_a_journal_that_is_none_is_named_and_blocks_nobody(workspace: Path, tmp_path: Path, what: str) -> None:
    answer(workspace, "echo", "tiny")
    write_source(workspace, 6)
    outside = tmp_path / "outside"
    outside.write_text("not yours", encoding="utf-8")
    put(journal_of(workspace, "echo"), what, outside)
    assert Judge(bench_of(workspace)).cell(CELL).cell == CELL
    with pytest.raises(WorkerError, match="the journal is not a plain file"):
        answer(workspace, "echo", "tiny")
    assert outside.read_text(encoding="utf-8") == "not yours"


def test_a_link_to_nothing_makes_no_file(workspace: Path, tmp_path: Path) -> None:
    answer(workspace, "echo", "tiny")
    work = workspace / "data/answers/echo/tiny/work"
    shard = work / "shard-0"
    shard.mkdir()
    (work / "journal.jsonl").rename(shard / "journal.jsonl")
    made = tmp_path / "made"
    put(work / "journal.jsonl", "link", made)
    with pytest.raises(WorkerError):
        answer(workspace, "echo", "tiny", Asking(again=True))
    assert not made.exists()
