"""The journal gives back what was written, or nothing: never another answer."""

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import disk_of
from vlmbench_sdk import WorkerError
from vlmbench_sdk.journal import Answered, JournalWriter, journal_line, read_journal, wait_until_free

PATIENCE_S = 60.0
NOW = "2026-01-01T00:00:00+00:00"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def answered(name: str, text: str = "said") -> Answered:
    return Answered(sample_id=name, answer=text, answered_at=NOW, model_digest="m" * 64, question_digest="q" * 64)


@st.composite
def journals(draw: st.DrawFn) -> list[Answered]:
    texts = draw(st.lists(TEXT, min_size=1, max_size=8))
    return [answered(f"s{index}", text) for index, text in enumerate(texts)]


@given(written=journals(), data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_damage_costs_only_what_it_touches(written: list[Answered], data: st.DataObject, tmp_path: Path) -> None:
    lines = [journal_line(each) for each in written]
    whole = b"".join(lines)
    cut = data.draw(st.integers(0, len(whole)), label="bytes that reached the disk")
    content = bytearray(whole[:cut])
    flipped = data.draw(st.none() | st.integers(0, max(cut - 1, 0)), label="byte with a flipped bit")
    if flipped is not None and content:
        content[flipped] ^= 1 << data.draw(st.integers(0, 7), label="bit")
    path = tmp_path / "journal.jsonl"
    path.write_bytes(bytes(content))

    found = read_journal(path)
    assert [each for each in found.answers if each not in written] == [], "nothing that was not written"
    first_damage = min(cut if flipped is None else flipped, cut)
    intact, position = 0, 0
    for line in lines:
        position += len(line)
        intact += position <= first_damage
    assert list(found.answers[:intact]) == written[:intact], "what lies before the damage is whole"

    with JournalWriter(path) as journal:
        journal.append(answered("after"))
    again = read_journal(path)
    assert again.answers[-1].sample_id == "after", "what is appended later does not suffer"
    assert list(again.answers[:-1]) == list(found.answers)


def test_a_second_writer_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path) as first:
        assert not wait_until_free(path, 0.0)
        with pytest.raises(WorkerError, match="another worker writes to this journal"):
            JournalWriter(path)
        first.append(answered("a"))
    assert wait_until_free(path, 0.0)
    assert [each.sample_id for each in read_journal(path).answers] == ["a"]


def test_a_torn_line_longer_than_one_block_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(journal_line(answered("a")) + journal_line(answered("b", "x" * 200_000))[:-50_000])
    with JournalWriter(path) as journal:
        journal.append(answered("c"))
    assert [each.sample_id for each in read_journal(path).answers] == ["a", "c"]
    assert read_journal(path).damaged == 0


def test_answers_are_forced_to_the_disk_in_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync

    def count(descriptor: int) -> None:
        synced.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", count)
    with JournalWriter(tmp_path / "journal.jsonl") as journal:
        for index in range(500):
            journal.append(answered(f"s{index}"))
    assert 2 <= len(synced) < 50
    assert journal.count == 500


def test_an_answer_that_comes_while_others_are_forced_is_forced_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "journal.jsonl"
    monkeypatch.setattr("vlmbench_sdk.journal.SYNC_EVERY_S", 0)
    journal = JournalWriter(path)
    closer = threading.Thread(target=journal.close)
    forced: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        forced.append(path.stat().st_size)
        real(descriptor)
        if len(forced) == 1:
            journal.append(answered("b"))
            closer.start()
            assert journal._closing.wait(PATIENCE_S)

    monkeypatch.setattr(os, "fsync", fsync)
    journal.append(answered("a"))
    while not forced:
        os.sched_yield()
    journal._syncing.join(PATIENCE_S)
    closer.join(PATIENCE_S)
    assert forced[-1] == path.stat().st_size
    assert [each.sample_id for each in read_journal(path).answers] == ["a", "b"]


def fail(_descriptor: int) -> None:
    raise OSError(5, "Input/output error")


def test_a_disk_that_fails_is_said_at_the_next_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlmbench_sdk.journal.SYNC_EVERY_S", 0)
    journal = JournalWriter(tmp_path / "journal.jsonl")
    monkeypatch.setattr(os, "fsync", fail)
    journal.append(answered("a"))
    journal._syncing.join(PATIENCE_S)
    with pytest.raises(WorkerError, match=r"the journal cannot be written \(Input/output error\)"):
        journal.append(answered("b"))
    with pytest.raises(WorkerError, match="Input/output error"):
        journal.close()
    assert [each.sample_id for each in read_journal(tmp_path / "journal.jsonl").answers] == ["a"]


def test_a_disk_that_fails_is_said_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = JournalWriter(tmp_path / "journal.jsonl")
    monkeypatch.setattr(os, "fsync", fail)
    journal.append(answered("a"))
    with pytest.raises(WorkerError, match=r"the journal cannot be written \(Input/output error\)"):
        journal.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    with disk_of(tmp_path / "small", "size=64k") as folder:
        yield folder


def fill(journal: JournalWriter) -> None:
    for index in range(1000):
        journal.append(answered(f"s{index}", "x" * 500))


@pytest.mark.engine("mount")
def test_a_full_disk_stops_the_job_and_loses_nothing(small_disk: Path) -> None:
    path = small_disk / "journal.jsonl"
    journal = JournalWriter(path)
    with pytest.raises(WorkerError, match="No space left on device"):
        fill(journal)
    count = journal.count
    assert 0 < count < 1000
    with suppress(WorkerError):
        journal.close()
    assert [each.sample_id for each in read_journal(path).answers] == [f"s{index}" for index in range(count)]
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with JournalWriter(path) as later:
        later.append(answered("after"))
    assert read_journal(path).answers[-1].sample_id == "after"
