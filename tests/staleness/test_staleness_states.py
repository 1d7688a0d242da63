"""States that are not a change of what is declared: damage, failures, parts, environments."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cells import answer, bench_of, score
from tests.staleness.made import PLAIN, SAMPLES, write_dataset
from tests.support import write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.cli.plan import _notes
from vlmbench_assets.environments.venv import VenvEnvironment
from vlmbench_assets.hold import cell_held
from vlmbench_assets.made_from import MadeFrom
from vlmbench_assets.make.answers import Asking
from vlmbench_assets.plan import make_plan
from vlmbench_assets.reasons import lineage_changes
from vlmbench_assets.staleness import Judge
from vlmbench_assets.store import CELL_ASSETS, AssetName
from vlmbench_sdk import ContractError, EnvironmentUnavailableError, WorkerError


def judged(root: Path, model: str, dataset: str, **how: bool) -> dict[str, tuple[str, list[str]]]:
    found = Judge(bench_of(root), **how).cell(Cell(model, dataset))
    return {asset: (each.state, list(each.reasons)) for asset, each in found.assets.items() if each.state != "fresh"}


def interrupt(folder: Path) -> None:
    """As a kill leaves it between the first file and the manifest."""
    shutil.copy(folder / "manifest.json", folder / "manifest.next.json")


def cell_folder(root: Path, asset: str) -> Path:
    return root / "data" / asset / "plain/tiny"


def test_an_environment_of_another_kind_makes_answers_stale(copy: Path) -> None:
    write_yaml(copy, "environments/own", "kind: venv\noptions: {requirements: [six==1.17.0]}\n")
    write_yaml(copy, "models/plain", PLAIN + "environment: own\n")
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
    write_yaml(copy, "models/plain", PLAIN + "environment: own\n")
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


def test_an_environment_that_cannot_be_known_blocks_its_models_only(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(_environment: VenvEnvironment, _distribution: str) -> str:
        raise EnvironmentUnavailableError("the engine does not answer", where="environment own", fix="Start it")

    monkeypatch.setattr(VenvEnvironment, "identity", unknown)
    write_yaml(copy, "environments/own", "kind: venv\n")
    write_yaml(copy, "models/plain", PLAIN + "environment: own\n")
    plan = make_plan(bench_of(copy), [Cell("plain", "tiny"), Cell("asking", "tiny")])
    (blocked,) = plan.to_do
    assert blocked.judged.cell == Cell("plain", "tiny")
    assert (blocked.judged.state, blocked.judged.to_ask) == ("stale", SAMPLES["tiny"])
    assert blocked.blocked == ("environment own: the engine does not answer. Start it",)
    assert blocked.judged.reasons == list(blocked.blocked)


@pytest.mark.parametrize("asset", ["answers", "metrics", "aggregates", "report"])
def test_an_interrupted_publication_is_seen(copy: Path, asset: AssetName) -> None:
    interrupt(cell_folder(copy, asset))
    found = judged(copy, "plain", "tiny")
    assert found[asset] == ("stale", ["its publication was interrupted"])
    assert list(found) == list(CELL_ASSETS[CELL_ASSETS.index(asset) :]), "what follows, and nothing before"
    assert judged(copy, "plain", "big") == {}
    answer(copy, "plain", "tiny")
    score(copy, "plain", "tiny")
    assert judged(copy, "plain", "tiny") == {}


def test_an_interrupted_reading_is_done_again_and_changes_nothing(copy: Path) -> None:
    interrupt(copy / "data/samples/tiny")
    cells = [Cell(model, "tiny") for model in ("asking", "plain")]
    plan = make_plan(bench_of(copy), cells)
    assert (plan.read, plan.to_do) == ({"tiny": ("not finished",)}, [])
    assert make_plan(bench_of(copy), cells).read == {}


def test_an_interrupted_leaderboard_is_seen(copy: Path) -> None:
    interrupt(copy / "data/leaderboard/tiny")
    found = Judge(bench_of(copy)).leaderboard("tiny", ["asking", "plain"])
    assert (found.state, found.reasons) == ("stale", ("its publication was interrupted",))


@pytest.mark.parametrize("asset", ["answers", "metrics", "aggregates", "report"])
def test_a_file_that_is_gone_is_seen(copy: Path, asset: AssetName) -> None:
    table = "report.md" if asset == "report" else f"{asset}.csv"
    (cell_folder(copy, asset) / table).unlink()
    assert judged(copy, "plain", "tiny")[asset] == ("stale", [f"{table} is gone"])


@pytest.mark.parametrize("asset", ["metrics", "aggregates", "report", "answers"])
def test_an_asset_that_is_gone_was_never_made(copy: Path, asset: AssetName) -> None:
    shutil.rmtree(cell_folder(copy, asset))
    expected = ["never run"] if asset == "answers" else ["never made"]
    assert judged(copy, "plain", "tiny")[asset] == ("missing", expected)


def test_an_edited_table_is_not_scored_and_is_published_again_without_asking(copy: Path) -> None:
    table, log = cell_folder(copy, "answers") / "answers.csv", cell_folder(copy, "answers") / "worker.log"
    published = table.read_bytes()
    table.write_bytes(published.replace(b"s2,ok,f2,", b"s2,ok,f9,"))
    assert table.read_bytes() != published
    log.unlink()
    with pytest.raises(ContractError, match=r"answers\.csv: it is not what was published"):
        score(copy, "plain", "tiny")
    answer(copy, "plain", "tiny")
    assert table.read_bytes() == published
    assert not log.exists(), "no worker was started"
    score(copy, "plain", "tiny")
    assert judged(copy, "plain", "tiny") == {}


def test_no_path_of_the_workspace_is_in_what_was_published(made: Path) -> None:
    files = [path for path in (made / "data").rglob("*") if path.is_file() and path.parent.name != "work"]
    assert len(files) > len(CELL_ASSETS)
    assert [path.name for path in files if str(made).encode() in path.read_bytes()] == []


@pytest.mark.parametrize("asset", ["answers", "metrics", "aggregates", "report"])
def test_an_old_manifest_loads_and_is_stale(copy: Path, asset: AssetName) -> None:
    manifest = cell_folder(copy, asset) / "manifest.json"
    content = json.loads(manifest.read_bytes())
    old = {name: value for name, value in content.items() if name not in ("files", "digests")} | {"schema_version": 1}
    manifest.write_text(json.dumps(old), encoding="utf-8")
    found = judged(copy, "plain", "tiny")
    assert found[asset] == ("stale", ["made by a version of vlmbench that kept no full lineage"])
    answer(copy, "plain", "tiny")
    score(copy, "plain", "tiny")
    assert judged(copy, "plain", "tiny") == {}


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
    write_yaml(copy, "models/plain", PLAIN)
    answer(copy, "plain", "tiny")
    assert judged(copy, "plain", "tiny") == {}


def test_only_a_part_was_asked(copy: Path) -> None:
    write_yaml(copy, "models/new", PLAIN)
    answer(copy, "new", "big", Asking(limit=5))
    plan = make_plan(bench_of(copy), [Cell("new", "big")])
    assert (plan.to_do[0].judged.to_ask, plan.to_do[0].judged.reasons) == (7, ["7 of 12 samples were never asked"])
    found = make_plan(bench_of(copy), [Cell("new", "big")], limit=5).to_do[0].judged
    assert (found.to_ask, found.assets["answers"].state) == (0, "fresh")


def test_a_metric_that_fits_no_sample_is_named_once_per_dataset(copy: Path) -> None:
    write_yaml(copy, "metrics/typo", "plugin: anls\napplies_to: {answer_type: [txt]}\n")
    write_yaml(copy, "metrics/mixed", "plugin: anls\napplies_to: {field: [f0], doc_type: [nothing, receipt]}\n")
    write_yaml(copy, "benchmarks/x", "models: [plain, asking]\ndatasets: [tiny]\nmetrics: [typo, mixed, bleu]\n")
    plan = make_plan(bench_of(copy), [Cell("plain", "tiny"), Cell("asking", "tiny"), Cell("plain", "big")])
    assert plan.never_scoring == {"tiny": ("typo", "bleu")}
    notes = [line for line in _notes(plan) if line.startswith("metric ")]
    assert [line.partition(";")[0] for line in notes] == [
        "metric typo applies to no sample of tiny",
        "metric bleu applies to no sample of tiny",
    ]
    table = copy / "data/samples/tiny/samples.csv"
    for spoilt in (b"", b"a,b\n", table.read_bytes() + b"s9\n", table.read_bytes() + b"\xff\n"):
        table.write_bytes(spoilt)
        assert make_plan(bench_of(copy), [Cell("plain", "tiny")]).never_scoring == {}


@pytest.mark.parametrize("stage", ["metrics", "aggregates", "report"])
def test_a_stage_that_failed_is_failed(copy: Path, stage: AssetName) -> None:
    def fail() -> None:
        with cell_held(bench_of(copy).store, stage, "tiny", "plain"):
            raise ContractError("it does not fit", where="a table")

    with pytest.raises(ContractError):
        fail()
    assert judged(copy, "plain", "tiny")[stage] == ("failed", ["a table: it does not fit"])
    assert "answers" not in judged(copy, "plain", "tiny")
    assert judged(copy, "asking", "tiny") == {}


def no_source(root: Path) -> None:
    shutil.rmtree(root / "source/tiny")


def no_picture(root: Path) -> None:
    (root / "source/tiny/p0.png").unlink()


def broken_line(root: Path) -> None:
    with (root / "source/tiny/samples.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"id": "s9"}\n')


def same_id_twice(root: Path) -> None:
    write_dataset(root, "tiny", {3: {"id": "s0"}})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (no_source, "does not exist"),
        (no_picture, "p0.png"),
        (broken_line, "line 5, key 'messages': field required"),
        (same_id_twice, "line 4: it has the id 's0' of line 1"),
    ],
)
def test_what_cannot_be_read_blocks_its_cells_and_no_others(
    copy: Path, change: Callable[[Path], None], says: str
) -> None:
    change(copy)
    plan = make_plan(bench_of(copy), [Cell("plain", "tiny"), Cell("plain", "big")])
    assert list(plan.unreadable) == ["tiny"]
    assert says in plan.unreadable["tiny"]
    (blocked,) = plan.to_do
    assert blocked.judged.cell == Cell("plain", "tiny")
    assert blocked.blocked == (plan.unreadable["tiny"],)
    assert (blocked.judged.state, blocked.judged.reasons) == ("stale", ["its dataset cannot be read"])
    write_dataset(copy, "tiny")
    assert make_plan(bench_of(copy), [Cell("plain", "tiny")]).to_do == [], "put right, it is as it was"
