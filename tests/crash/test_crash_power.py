"""A power cut at any step: what was acknowledged is still there, and no reader sees half a table."""

import random
import shutil
from pathlib import Path

import pytest

from tests.cells import answer, bench_of
from tests.power import Disk, PowerCutError, power
from tests.staleness.made import write_dataset, write_registries
from tests.support import journal_of, write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import ANSWERS
from vlmbench_assets.lineage import digest_file
from vlmbench_assets.make.answers import Asking
from vlmbench_assets.staleness import Judge
from vlmbench_assets.tables import parse_table
from vlmbench_sdk.journal import read_journal

CELL = Cell("plain", "tiny")
SAMPLES = 4
LONGEST = 200


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "workspace"
    write_registries(root)
    write_dataset(root, "tiny")
    write_model(root, 0)
    return root


def write_model(root: Path, seed: int) -> None:
    options = f"{{answer: '{{field}} {seed}', asked_log: {root.parent / 'asked.log'}}}"
    write_yaml(root, "models/plain", f"plugin: echo\noptions: {options}\n")


def asked(root: Path) -> int:
    log = root.parent / "asked.log"
    return len(log.read_text(encoding="utf-8").split()) if log.exists() else 0


def cut_and_look(root: Path, steps: int, chance: random.Random | None, how: Asking | None = None) -> bool:
    """Answer the cell with a power cut after so many steps, look, and answer again; whether it came to the cut."""
    before = asked(root)
    acknowledged = False
    disk = Disk(root, steps)
    try:
        with power(disk):
            answer(root, "plain", "tiny", how)
        cut = False
    except PowerCutError:
        answered = (journal_of(root, "plain").parent / "result.json").exists() and asked(root) == before + SAMPLES
        acknowledged = answered and not disk.lost
        disk.come_back(chance)
        cut = True
    look(root)
    asked_by_then = asked(root)
    with power(Disk(root, LONGEST)):
        answer(root, "plain", "tiny")
    if acknowledged:
        assert asked(root) == asked_by_then, f"acknowledged and asked again after a cut at step {steps}"
    bench = bench_of(root)
    assert Judge(bench).cell(CELL).assets["answers"].state == "fresh"
    table = bench.store.table("answers", "tiny", "plain")
    assert len(parse_table(table.read_bytes(), ANSWERS)) == SAMPLES
    assert read_journal(journal_of(root, "plain")).damaged == 0
    return cut


def look(root: Path) -> None:
    """What is there is whole, or is not taken for it."""
    bench = bench_of(root)
    table = bench.store.table("answers", "tiny", "plain")
    judged = Judge(bench).cell(CELL).assets["answers"]
    if table.exists():
        assert len(parse_table(table.read_bytes(), ANSWERS)) == SAMPLES, "never half a table"
    if judged.state == "fresh":
        manifest = bench.store.manifest("answers", "tiny", "plain")
        assert manifest is not None
        assert manifest.files[table.name] == digest_file(table)
        for digest in manifest.files.values():
            assert bench.store.objects.get(digest) is not None, "the history lacks what is published"


@pytest.mark.parametrize("chance", [None, 1])
def test_the_first_answers_of_a_cell(root: Path, chance: int | None) -> None:
    draw = None if chance is None else random.Random(chance)
    steps = 0
    while cut_and_look(root, steps, draw):
        shutil.rmtree(root / "data")
        steps += 1
        assert steps < LONGEST
    assert steps > 30


@pytest.mark.parametrize(("chance", "again"), [(None, False), (1, True)])
def test_answers_in_place_of_others(root: Path, chance: int | None, again: bool) -> None:  # noqa: FBT001
    draw = None if chance is None else random.Random(chance)
    with power(Disk(root, LONGEST)):
        answer(root, "plain", "tiny")
    steps, cut = 0, True
    while cut:
        if not again:
            write_model(root, steps + 1)
        cut = cut_and_look(root, steps, draw, Asking(again=again))
        steps += 1
        assert steps < LONGEST
    assert steps > 15


@pytest.mark.parametrize("chance", [None, 1])
def test_a_journal_begun_again_from_the_table(root: Path, chance: int | None) -> None:
    """Without its journal, the table's answers stay answers, also when making the journal again is cut off."""
    draw = None if chance is None else random.Random(chance)
    with power(Disk(root, LONGEST)):
        answer(root, "plain", "tiny")
    steps, cut = 0, True
    while cut:
        journal_of(root, "plain").unlink()
        cut = cut_and_look(root, steps, draw)
        assert asked(root) == SAMPLES, "the table had them"
        steps += 1
    assert steps > 2
