"""States that are not a change of what is declared: damage, failures, parts, environments."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cells import answer, bench_of, score
from tests.staleness.made import MODEL
from tests.support import write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.made_from import MadeFrom
from vlmbench_assets.make.answers import Asking
from vlmbench_assets.plan import make_plan
from vlmbench_assets.reasons import lineage_changes
from vlmbench_assets.staleness import Judge
from vlmbench_sdk import ContractError, WorkerError


def judged(root: Path, model: str, dataset: str, **how: bool) -> dict[str, tuple[str, list[str]]]:
    found = Judge(bench_of(root), **how).cell(Cell(model, dataset))
    return {asset: (each.state, list(each.reasons)) for asset, each in found.assets.items() if each.state != "fresh"}


def cell_folder(root: Path, asset: str) -> Path:
    return root / "data" / asset / "plain/tiny"


def test_an_environment_of_another_kind_makes_answers_stale(copy: Path) -> None:
    write_yaml(copy, "environments/own", "kind: venv\noptions: {requirements: [six==1.17.0]}\n")
    write_yaml(copy, "models/plain", MODEL + "environment: own\n")
    state, (reason,) = judged(copy, "plain", "tiny")["answers"]
    assert state == "stale"
    assert reason.startswith("environment process ")
    assert " → venv " in reason


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ("{requirements: [b==2, a==1]}", True),
        ("{requirements: [a==1, b==2], python: ''}", True),
        ("{requirements: [a==1, b==3]}", False),
        ("{requirements: [a==1]}", False),
        ("{requirements: [a==1, b==2], python: '3.12'}", False),
    ],
)
def test_what_makes_two_venvs_the_same(copy: Path, options: str, same: bool) -> None:  # noqa: FBT001
    write_yaml(copy, "models/plain", MODEL + "environment: own\n")
    found: list[dict[str, str]] = []
    for text in ("{requirements: [a==1, b==2]}", options):
        write_yaml(copy, "environments/own", f"kind: venv\ntimeout_s: {len(found) + 1}\noptions: {text}\n")
        found.append(MadeFrom(bench_of(copy)).model("plain"))
    assert (found[0] == found[1]) is same
    assert lineage_changes(found[0], found[1]) == ([] if same else [f"environment {shorter(*found)}"])


def shorter(*lineages: dict[str, str]) -> str:
    return " → ".join(f"venv {each['environment'].split()[1][:12]}" for each in lineages)


def test_a_known_lock_is_compared_and_an_unknown_one_is_believed(copy: Path) -> None:
    manifest = cell_folder(copy, "answers") / "manifest.json"
    content = json.loads(manifest.read_bytes())
    content["lineage"]["environment lock"] = "0123456789abcdef"
    manifest.write_text(json.dumps(content), encoding="utf-8")
    assert "answers" not in judged(copy, "plain", "tiny"), "nothing is prepared here, so nothing is known to differ"
    judge = Judge(bench_of(copy))
    judge.made_from._locks["plain"] = "fedcba9876543210"
    found = judge.cell(Cell("plain", "tiny")).assets["answers"]
    assert found.reasons == ("installed packages of the environment changed",)


def test_damage_is_seen(copy: Path) -> None:
    shutil.copy(cell_folder(copy, "answers") / "manifest.json", cell_folder(copy, "answers") / "manifest.next.json")
    (cell_folder(copy, "report") / "report.md").unlink()
    found = judged(copy, "plain", "tiny")
    assert found["answers"] == ("stale", ["its publication was interrupted"])
    assert found["report"] == ("stale", ["report.md is gone", "after aggregates"])
    assert "answers" not in judged(copy, "asking", "tiny")
    with (cell_folder(copy, "answers") / "answers.csv").open("ab") as file:
        file.write(b"s9,ok,,,,1,,,,,,,\n")
    with pytest.raises(ContractError, match=r"answers\.csv"):
        score(copy, "plain", "tiny")


def test_an_old_manifest_loads_and_is_stale(copy: Path) -> None:
    manifest = cell_folder(copy, "metrics") / "manifest.json"
    content = json.loads(manifest.read_bytes())
    old = {name: value for name, value in content.items() if name not in ("files", "digests")} | {"schema_version": 1}
    manifest.write_text(json.dumps(old), encoding="utf-8")
    assert judged(copy, "plain", "tiny")["metrics"][1] == ["made by a version of vlmbench that kept no full lineage"]


def test_failed_rows_are_asked_again_unless_they_may_stay(copy: Path) -> None:
    write_yaml(copy, "models/plain", "plugin: echo\noptions: {answer: '{field}', raise_on: [s1]}\n")
    answer(copy, "plain", "tiny")
    score(copy, "plain", "tiny")
    assert judged(copy, "plain", "tiny")["answers"] == ("stale", ["1 of 4 answers failed"])
    assert judged(copy, "plain", "tiny", keep_errors=True) == {}
    assert [each.judged.to_ask for each in make_plan(bench_of(copy), [Cell("plain", "tiny")]).to_do] == [1]


def test_a_failed_run_is_failed_until_one_succeeds(copy: Path) -> None:
    write_yaml(copy, "models/plain", "plugin: echo\noptions: {answer: '{field}', fail_load: no weights}\n")
    with pytest.raises(WorkerError):
        answer(copy, "plain", "tiny")
    state, reasons = judged(copy, "plain", "tiny")["answers"]
    assert state == "failed"
    assert reasons == ["model plain: no weights", 'option fail_load "" → no weights']
    write_yaml(copy, "models/plain", MODEL)
    answer(copy, "plain", "tiny")
    assert judged(copy, "plain", "tiny") == {}


def test_only_a_part_was_asked(copy: Path) -> None:
    write_yaml(copy, "models/new", MODEL)
    answer(copy, "new", "big", Asking(limit=5))
    plan = make_plan(bench_of(copy), [Cell("new", "big")])
    assert (plan.to_do[0].judged.to_ask, plan.to_do[0].judged.reasons) == (7, ["7 samples added"])
    found = make_plan(bench_of(copy), [Cell("new", "big")], limit=5).to_do[0].judged
    assert (found.to_ask, found.assets["answers"].state) == (0, "fresh")


def test_what_cannot_be_read_blocks_its_cells_and_no_others(copy: Path) -> None:
    (copy / "source/tiny/p0.png").unlink()
    plan = make_plan(bench_of(copy), [Cell("plain", "tiny"), Cell("plain", "big")])
    assert "p0.png" in plan.unreadable["tiny"]
    assert [each.blocked != () for each in plan.cells] == [True, False]
