"""Imported cells: scored and compared like any other, never asked, in step with their dataset, all or nothing."""

import csv
import json
from pathlib import Path

import pytest

from tests.cells import QUIET, answer, bench_of
from tests.exchange.files import MAKE, lmms_eval, vlmevalkit
from tests.support import Run, journal_of, write_source, write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.cli.status import cell_state
from vlmbench_assets.make.answers import Asking, make_answers
from vlmbench_assets.make.imported import LACKING, Import, Outcome, import_answers
from vlmbench_assets.plan import make_plan, read_if_needed
from vlmbench_assets.prune import prune
from vlmbench_assets.staleness import CellJudgement, Judge
from vlmbench_sdk import CatalogError, ExchangeError

SAID = {"s0": "f0", "s1": "=cmd()", "s2": 'f0\nи ещё "кавычки"', "s3": ""}
CELL = Cell(model="theirs", dataset="tiny")


def taken_in(root: Path, name: str, file: Path, **how: object) -> Outcome:
    bench = bench_of(root)
    return import_answers(bench, Import(bench.plugins.importers[name], {}, file, CELL, **how))  # type: ignore[arg-type]


def rows(root: Path, model: str = "theirs") -> list[dict[str, str]]:
    with Path(root, "data/answers", model, "tiny/answers.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def judged(root: Path) -> CellJudgement:
    bench = bench_of(root)
    read_if_needed(bench, "tiny")
    return Judge(bench).cell(CELL)


def test_a_shifted_file_without_gold_is_seen_by_its_questions(workspace: Path, tmp_path: Path) -> None:
    file = MAKE["evalscope"](tmp_path, SAID)
    file.write_text(file.read_text(encoding="utf-8").replace('"index": 0', '"index": 5'), encoding="utf-8")
    text = file.read_text(encoding="utf-8").replace('"index": 1', '"index": 0').replace('"index": 5', '"index": 1')
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ExchangeError, match="questions or images than the sample at their place: line 1"):
        taken_in(workspace, "evalscope", file)


def test_ids_that_no_terminal_can_show_are_refused_all_the_same(workspace: Path, tmp_path: Path) -> None:
    file = MAKE["inspect_ai"](tmp_path, SAID)
    file.write_text(file.read_text(encoding="utf-8").replace('"s0"', r'"\ud800\u001b[2J"'), encoding="utf-8")
    with pytest.raises(ExchangeError) as raised:
        taken_in(workspace, "inspect_ai", file)
    str(raised.value).encode()
    assert "\x1b" not in str(raised.value)
    done = taken_in(workspace, "inspect_ai", file, allow_unmatched=True)
    assert done.manifest.facts["unmatched"] == 1


@pytest.mark.parametrize("name", MAKE)
def test_answers_of_every_tool_become_a_cell(name: str, workspace: Path, tmp_path: Path) -> None:
    done = taken_in(workspace, name, MAKE[name](tmp_path, SAID))
    assert (done.answers, done.lacking, done.unmatched) == (4, 0, ())
    found = rows(workspace)
    assert {row["sample_id"]: row["answer"] for row in found} == SAID
    assert [row["status"] for row in found] == ["ok", "ok", "ok", "empty"]
    lineage = done.manifest.lineage
    assert lineage["imported"].startswith(f"{name} vlmbench-exchange==")
    assert lineage["file"]
    assert len(lineage["file sha256"]) == 64


def test_an_imported_model_is_scored_ranked_and_reported(workspace: Path, tmp_path: Path, vlmbench: Run) -> None:
    file = vlmevalkit(tmp_path, SAID)
    vlmbench("import", "vlmevalkit", str(file), "--model", "theirs", "--dataset", "tiny", check=0)
    text = "models: [echo, theirs]\ndatasets: [tiny]\nmetrics: [exact_match]\n"
    write_yaml(workspace, "benchmarks/b", text)
    before = rows(workspace)
    vlmbench("run", check=0)
    assert rows(workspace) == before
    plan = vlmbench("plan", check=0).stdout
    assert "imported: theirs × tiny: from some-model_tiny.tsv (vlmevalkit), never asked" in plan
    assert cell_state(Judge(bench_of(workspace)), CELL)["reason"] == "imported from some-model_tiny.tsv (vlmevalkit)"
    report = (workspace / "data/report/theirs/tiny/report.md").read_text(encoding="utf-8")
    assert "some-model_tiny.tsv (vlmevalkit)" in report
    # Asked for everything again, the other model is asked and this one is not.
    vlmbench("run", "--all", check=0)
    assert rows(workspace) == before


def test_what_the_file_lacks_is_a_row(workspace: Path, tmp_path: Path) -> None:
    done = taken_in(workspace, "lmms_eval", lmms_eval(tmp_path, {"s0": "f0"}))
    assert (done.answers, done.lacking) == (1, 3)
    assert [(row["status"], row["error"]) for row in rows(workspace)[1:]] == [("error", LACKING)] * 3
    assert judged(workspace).assets["answers"].state == "fresh"


def test_a_changed_dataset_refits_what_was_imported(workspace: Path, tmp_path: Path) -> None:
    taken_in(workspace, "vlmevalkit", vlmevalkit(tmp_path, SAID))
    before = rows(workspace)
    write_source(workspace, 6)
    found = judged(workspace)
    answers = found.assets["answers"]
    assert (answers.state, found.to_ask, answers.reasons) == ("stale", 0, ("2 samples added",))
    answer(workspace, "theirs", "tiny")
    assert rows(workspace)[:4] == before
    assert [row["error"] for row in rows(workspace)[4:]] == [LACKING] * 2
    # Other pictures: what was said of the old ones does not count, and comes back with them.
    (workspace / "source/page.png").write_bytes(b"another")
    assert judged(workspace).to_ask == 0
    with pytest.raises(Exception, match="none of 6 samples"):
        answer(workspace, "theirs", "tiny")
    write_source(workspace, 4)
    answer(workspace, "theirs", "tiny")
    assert rows(workspace) == before
    assert judged(workspace).assets["answers"].state == "fresh"


def test_what_is_declared_here_changes_nothing_of_what_was_said_elsewhere(workspace: Path, tmp_path: Path) -> None:
    taken_in(workspace, "vlmevalkit", vlmevalkit(tmp_path, SAID))
    before = rows(workspace)
    write_yaml(workspace, "prompts/p", "user: 'Read: {{ question }}'\nsystem: Be brief.\n")
    write_yaml(workspace, "models/theirs", "plugin: imported\nprompts: p\n")
    source = workspace / "source/samples.jsonl"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("receipt", "card"), encoding="utf-8")
    assert source.read_text(encoding="utf-8") != text
    found = judged(workspace).assets["answers"]
    assert (found.state, found.reasons) == ("fresh", ())
    answer(workspace, "theirs", "tiny")
    assert rows(workspace) == before
    source.write_text(text.replace("What is f0?", "Which is f0?"), encoding="utf-8")
    assert judged(workspace).assets["answers"].reasons == ("question changed (2 of 4 samples)",)
    answer(workspace, "theirs", "tiny")
    assert [row["error"] for row in rows(workspace)] == [LACKING, "", LACKING, ""]


def test_what_was_imported_survives_the_journal_and_gc(workspace: Path, tmp_path: Path) -> None:
    taken_in(workspace, "vlmevalkit", vlmevalkit(tmp_path, SAID))
    before = rows(workspace)
    prune(bench_of(workspace).store, 1, dry_run=False)
    answer(workspace, "theirs", "tiny")
    assert rows(workspace) == before
    journal_of(workspace, "theirs").unlink()
    answer(workspace, "theirs", "tiny")
    assert rows(workspace) == before


def test_a_second_import_replaces_the_first(workspace: Path, tmp_path: Path) -> None:
    taken_in(workspace, "vlmevalkit", vlmevalkit(tmp_path, SAID))
    done = taken_in(workspace, "vlmevalkit", vlmevalkit(tmp_path, {"s0": "new"}))
    assert [row["answer"] for row in rows(workspace)] == ["new", "", "", ""]
    assert done.lacking == 3
    assert len(bench_of(workspace).store.history("answers", "tiny", "theirs")) == 2


def test_rows_for_no_sample_are_named_and_counted(workspace: Path, tmp_path: Path) -> None:
    file = vlmevalkit(tmp_path, {**SAID, "s9": "lost", "s8": "lost too"})
    with pytest.raises(ExchangeError, match=r"2 of 6 are for no sample of tiny: row 5, row 6"):
        taken_in(workspace, "vlmevalkit", file)
    assert not (workspace / "registries/models/theirs.yaml").exists()
    assert not (workspace / "data/answers/theirs").exists()
    done = taken_in(workspace, "vlmevalkit", file, allow_unmatched=True)
    assert done.unmatched == ("row 5", "row 6")
    assert done.manifest.facts["unmatched_rows"] == ["row 5", "row 6"]
    assert done.manifest.facts["unmatched"] == 2


def test_nothing_that_fits_is_refused_even_then(workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match="1 of 1 are for no sample"):
        taken_in(workspace, "vlmevalkit", vlmevalkit(tmp_path, {"s9": "x"}), allow_unmatched=True)


def test_two_rows_for_a_sample_are_refused(workspace: Path, tmp_path: Path) -> None:
    file = lmms_eval(tmp_path, SAID)
    file.write_text(file.read_text(encoding="utf-8") * 2, encoding="utf-8")
    with pytest.raises(ExchangeError, match=r"line 1 and line 5 are both for sample 's0'"):
        taken_in(workspace, "lmms_eval", file)


def test_a_shifted_file_is_seen_by_its_gold(workspace: Path, tmp_path: Path) -> None:
    file = lmms_eval(tmp_path, SAID)
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["doc_id"] = (line["doc_id"] + 1) % 4
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    with pytest.raises(ExchangeError, match="images than the sample at their place: line 1, line 2"):
        taken_in(workspace, "lmms_eval", file)


def test_by_question_a_row_that_fits_two_samples_is_refused(workspace: Path, tmp_path: Path) -> None:
    with pytest.raises(ExchangeError, match=r"row 1 fits 2 samples: s0, s2"):
        taken_in(workspace, "vlmevalkit", vlmevalkit(tmp_path, SAID), match="question")


@pytest.mark.parametrize(
    ("name", "says"), [("echo", "there is a model 'echo'"), ("Echo", "'echo' already"), ("../x", "cannot name a model")]
)
def test_a_model_that_can_be_asked_is_not_overwritten(name: str, says: str, workspace: Path, tmp_path: Path) -> None:
    bench, file = bench_of(workspace), vlmevalkit(tmp_path, SAID)
    with pytest.raises(CatalogError, match=says):
        import_answers(bench, Import(bench.plugins.importers["vlmevalkit"], {}, file, Cell(model=name, dataset="tiny")))


def test_a_cell_that_nothing_was_imported_for_says_how(workspace: Path) -> None:
    write_yaml(workspace, "models/theirs", "plugin: imported\n")
    write_yaml(workspace, "benchmarks/b", "models: [theirs]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    (planned,) = make_plan(bench_of(workspace), [CELL]).cells
    assert (planned.judged.state, planned.judged.to_ask) == ("missing", 0)
    assert "vlmbench import FORMAT FILE --model theirs --dataset tiny" in planned.blocked[0]
    with pytest.raises(ExchangeError, match="cannot be asked"):
        make_answers(bench_of(workspace), CELL, Asking(), QUIET)


def test_a_log_without_any_answer_is_refused(workspace: Path, tmp_path: Path) -> None:
    failed = dict.fromkeys(SAID, "Failed to obtain answer via API.")
    with pytest.raises(ExchangeError, match="none of its rows that fit has an answer"):
        taken_in(workspace, "vlmevalkit", vlmevalkit(tmp_path, failed))
    assert not (workspace / "registries/models/theirs.yaml").exists()


def test_answers_of_the_original_by_ids_need_no_choice(workspace: Path, tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("sample_id;model_answer\ns0;f0\ns2;x\n", encoding="utf-8")
    done = taken_in(workspace, "original_answers", file)
    assert (done.answers, done.lacking, done.manifest.lineage["matched by"]) == (2, 2, "id")
    with pytest.raises(ExchangeError, match="row 1 has no question"):
        taken_in(workspace, "original_answers", file, match="question")
