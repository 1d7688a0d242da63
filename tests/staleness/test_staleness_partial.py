"""Partial work inside a cell: only the samples that changed are asked, only the metric that changed is scored."""

import csv
import json
from pathlib import Path

import pytest

from tests.cells import answer, bench_of, score
from tests.support import journal_of, write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.make.answers import Asking
from vlmbench_assets.plan import make_plan

SAMPLES = 40
CELL = Cell("m", "d")
METRICS = ("exact_match", "anls", "cer", "wer", "mine")


def write_source(root: Path, samples: int = SAMPLES) -> None:
    folder = root / "source"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page.png").write_bytes(b"a page")
    lines = [
        {
            "id": f"s{index}",
            "doc_id": f"d{index // 4}",
            "field": "rare" if index in (1, 14, 27) else "often",
            "images": ["page.png"],
            "messages": [{"role": "user", "content": "What?"}, {"role": "assistant", "content": f"often {index}"}],
        }
        for index in range(samples)
    ]
    (folder / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def write_model(root: Path, options: str = "") -> None:
    text = f"plugin: echo\nprompts: p\noptions: {{answer: '{{field}}', asked_log: {root / 'asked.log'}{options}}}\n"
    write_yaml(root, "models/m", text)


def write_prompts(root: Path, rare: str) -> None:
    write_yaml(root, "prompts/p", f"rules:\n- {{field: [rare], user: '{rare}'}}\n")


def asked(root: Path) -> list[str]:
    """What was asked since the last look."""
    log = root / "asked.log"
    found = log.read_text(encoding="utf-8").split() if log.exists() else []
    log.unlink(missing_ok=True)
    return found


def table(root: Path) -> dict[str, dict[str, str]]:
    with (root / "data/answers/m/d/answers.csv").open(encoding="utf-8", newline="") as file:
        return {row["sample_id"]: row for row in csv.DictReader(file)}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A cell of 40 samples, of which 3 have a prompt of their own, answered and scored."""
    write_prompts(tmp_path, "Rare.")
    write_model(tmp_path)
    write_yaml(tmp_path, "datasets/d", "reader: jsonl\nsource: source\n")
    write_yaml(tmp_path, "metrics/mine", "plugin: exact_match\n")
    write_yaml(tmp_path, "benchmarks/b", f"models: [m]\ndatasets: [d]\nmetrics: [{', '.join(METRICS)}]\n")
    write_source(tmp_path)
    answer(tmp_path, "m", "d")
    score(tmp_path, "m", "d")
    assert len(asked(tmp_path)) == SAMPLES
    return tmp_path


def test_three_prompts_of_forty(root: Path) -> None:
    before = table(root)
    write_prompts(root, "Seldom.")
    judged = make_plan(bench_of(root), [CELL]).cells[0].judged
    assert (judged.to_ask, judged.reasons) == (3, ["prompt p changed (3 of 40 samples)"])
    answer(root, "m", "d")
    assert sorted(asked(root)) == ["s1", "s14", "s27"]
    after = table(root)
    assert {name for name in after if after[name] != before[name]} == {"s1", "s14", "s27"}
    write_prompts(root, "Rare.")
    answer(root, "m", "d")
    assert asked(root) == [], "an answer of the same digest was given before"
    assert table(root) == before


def test_ten_samples_appended_then_deleted(root: Path) -> None:
    before = table(root)
    write_source(root, SAMPLES + 10)
    answer(root, "m", "d")
    assert sorted(asked(root)) == sorted(f"s{index}" for index in range(SAMPLES, SAMPLES + 10))
    write_source(root)
    answer(root, "m", "d")
    assert asked(root) == []
    assert table(root) == before
    log = root / "data/answers/m/d/worker.log"
    log.unlink()
    write_source(root, SAMPLES - 1)
    answer(root, "m", "d")
    assert not log.exists(), "no worker was started"
    assert len(table(root)) == SAMPLES - 1


def test_one_metric_of_five(root: Path) -> None:
    write_yaml(root, "metrics/mine", "plugin: exact_match\nnormalize: [casefold]\n")
    plan = make_plan(bench_of(root), [CELL])
    assert plan.cells[0].judged.stages == ["metrics", "aggregates", "report"]
    assert plan.cells[0].judged.to_ask == 0
    facts = score(root, "m", "d").facts
    assert (facts["scored"], facts["rows"]) == (SAMPLES, SAMPLES * len(METRICS))
    facts = score(root, "m", "d").facts
    assert facts["scored"] == 0
    log = root / "data/answers/m/d/worker.log"
    log.unlink()
    answer(root, "m", "d")
    assert asked(root) == []
    assert not log.exists(), "no worker was started"


def test_a_metric_added_and_one_removed(root: Path) -> None:
    for names, scored in (((*METRICS, "levenshtein_similarity"), SAMPLES), (METRICS[1:], 0)):
        write_yaml(root, "benchmarks/b", f"models: [m]\ndatasets: [d]\nmetrics: [{', '.join(names)}]\n")
        facts = score(root, "m", "d").facts
        assert (facts["scored"], facts["rows"]) == (scored, SAMPLES * len(names))


def test_one_reference_of_forty(root: Path) -> None:
    lines = root / "source/samples.jsonl"
    lines.write_text(lines.read_text(encoding="utf-8").replace("often 7", "rare 7"), encoding="utf-8")
    (planned,) = make_plan(bench_of(root), [CELL]).to_do
    assert (planned.judged.to_ask, planned.judged.reasons) == (0, ["references changed"])
    assert score(root, "m", "d").facts["scored"] == len(METRICS)


def test_answers_that_changed_are_scored_and_no_others(root: Path) -> None:
    write_source(root, SAMPLES + 10)
    answer(root, "m", "d")
    assert score(root, "m", "d").facts["scored"] == 10 * len(METRICS)


def test_a_limit_never_drops_what_is_answered(root: Path) -> None:
    before = table(root)
    answer(root, "m", "d", Asking(limit=5))
    assert table(root) == before
    assert asked(root) == []
    write_model(root, ", batch_size: 2")
    answer(root, "m", "d", Asking(limit=5))
    assert asked(root) == [], "batch_size is without effect"


def test_failed_rows_are_asked_again_and_may_be_kept(root: Path) -> None:
    write_model(root, ", fail_load: '', raise_on: [s3, s5]")
    answer(root, "m", "d")
    asked(root)
    assert {name for name, row in table(root).items() if row["status"] == "error"} == {"s3", "s5"}
    answer(root, "m", "d", Asking(keep_errors=True))
    assert asked(root) == []
    kept = table(root)
    answer(root, "m", "d")
    # The echo model raises before it logs, so what it was asked shows in the time of the row.
    assert {name for name, row in table(root).items() if row != kept[name]} == {"s3", "s5"}


def test_passing_trouble_is_retried_in_the_same_run(root: Path) -> None:
    write_yaml(
        root,
        "models/m",
        "plugin: echo\nprompts: p\noptions: {answer: '{field}', busy: {s2: 2, s7: 9}}\n"
        "retry: {attempts: 3, first_s: 0, longest_s: 0}\n",
    )
    answer(root, "m", "d")
    rows = table(root)
    assert [rows[name]["attempts"] for name in ("s1", "s2", "s7")] == ["1", "3", "3"]
    assert [rows[name]["status"] for name in ("s2", "s7")] == ["ok", "error"]
    assert rows["s7"]["error"] == "sample s7: busy"


def test_asking_everything_again_goes_on_after_an_interruption(root: Path) -> None:
    before = table(root)
    write_model(root, ", exit_on: ''")
    work = root / "data/answers/m/d/work"
    answer(root, "m", "d", Asking(again=True))
    assert len(asked(root)) == SAMPLES
    again = table(root)
    assert all(again[name]["answered_at"] > before[name]["answered_at"] for name in before)
    lines = (work / "journal.jsonl").read_bytes().splitlines(keepends=True)
    start = sum(map(len, lines[:SAMPLES]))
    # As a kill half-way leaves it: the mark of the new beginning, and half of the new answers.
    (work.with_name("again.json")).write_text(json.dumps({"journal_bytes": start}), encoding="utf-8")
    (work / "journal.jsonl").write_bytes(b"".join(lines[: SAMPLES + 15]))
    answer(root, "m", "d")
    assert len(asked(root)) == SAMPLES - 15
    assert not (work.with_name("again.json")).exists()


def test_a_journal_that_was_thrown_away_costs_nothing_that_is_published(root: Path) -> None:
    before = table(root)
    journal_of(root, "m", "d").unlink()
    write_source(root, SAMPLES + 2)
    assert make_plan(bench_of(root), [CELL]).cells[0].judged.to_ask == 2
    answer(root, "m", "d")
    assert len(asked(root)) == 2
    assert {name: table(root)[name] for name in before} == before
