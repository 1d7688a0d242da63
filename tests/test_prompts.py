"""Prompts end to end: examples reach the model, contracts fail answers without asking again, and show tells all."""

import json
from pathlib import Path

import pytest

from tests.cells import answer, bench_of, score
from tests.support import Run, write_source, write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import ANSWERS, METRICS
from vlmbench_assets.make.answered import read_answered
from vlmbench_assets.make.leaderboard import make_leaderboard
from vlmbench_assets.plan import make_plan
from vlmbench_assets.shown import answer_figures
from vlmbench_assets.staleness import CellJudgement
from vlmbench_assets.tables import read_table
from vlmbench_sdk import CatalogError
from vlmbench_sdk.thinking import without_thinking

EXAMPLES = "examples:\n- {images: [shots/one.png], user: 'What is f9?', assistant: f9}\n"
CELL = Cell(model="echo", dataset="tiny")


def judged(root: Path) -> CellJudgement:
    return make_plan(bench_of(root), [CELL]).cells[0].judged


def asked(root: Path) -> list[str]:
    log = root / "asked.log"
    return log.read_text(encoding="utf-8").split() if log.exists() else []


@pytest.fixture
def prompted(workspace: Path) -> Path:
    log = json.dumps(str(workspace / "asked.log"))
    write_yaml(
        workspace, "models/echo", f"plugin: echo\nprompts: p\noptions: {{answer: '{{prompt}}', asked_log: {log}}}\n"
    )
    write_yaml(workspace, "prompts/p", "user: '{{ field }}'\n")
    (workspace / "shots").mkdir()
    (workspace / "shots/one.png").write_bytes(b"an image")
    return workspace


def test_examples_reach_the_model_and_their_change_asks_again(prompted: Path) -> None:
    root = prompted
    write_yaml(root, "models/echo", "plugin: echo\nprompts: p\noptions: {answer: '{examples}'}\n")
    answer(root, "echo", "tiny")
    before = judged(root)
    write_yaml(root, "prompts/p", "user: '{{ field }}'\n" + EXAMPLES)
    assert (judged(root).to_ask, judged(root).reasons) == (4, ["prompt p changed (4 of 4 samples)"])
    answer(root, "echo", "tiny")
    table = read_table(root / "data/answers/echo/tiny/answers.csv", ANSWERS)
    assert set(table["answer"]) == {"1 images: What is f9? > f9"}
    assert before.assets["answers"].state == judged(root).assets["answers"].state == "fresh"
    (root / "shots/one.png").rename(root / "shots/two.png")
    write_yaml(root, "prompts/p", "user: '{{ field }}'\n" + EXAMPLES.replace("one", "two"))
    assert judged(root).assets["answers"].state == "fresh"
    (root / "shots/two.png").write_bytes(b"another image")
    assert judged(root).to_ask == 4


def test_an_image_that_changes_after_the_prompts_were_read_is_not_shown(prompted: Path) -> None:
    from vlmbench_assets.make.answers import Asking, make_answers
    from vlmbench_assets.work.watch import QUIET

    write_yaml(prompted, "prompts/p", EXAMPLES)
    bench = bench_of(prompted)
    (prompted / "shots/one.png").write_bytes(b"another image")
    with pytest.raises(CatalogError, match="changed since the registries were read"):
        make_answers(bench, CELL, Asking(), QUIET)


def test_another_contract_scores_again_and_asks_nobody(prompted: Path) -> None:
    root = prompted
    write_yaml(root, "prompts/p", "user: 'The value is {{ field }}.'\n")
    answer(root, "echo", "tiny")
    score(root, "echo", "tiny")
    assert len(asked(root)) == 4
    contract = "expects: {type: choice, choices: [f0, other]}\n"
    write_yaml(root, "prompts/p", "user: 'The value is {{ field }}.'\n" + contract)
    now = judged(root)
    assert (now.to_ask, now.stages) == (0, ["metrics", "aggregates", "report"])
    assert now.reasons == ["output contracts of the prompts changed"]
    score(root, "echo", "tiny")
    _, answers = read_answered(bench_of(root), CELL)
    said = answers[["sample_id", "status", "answer"]].values.tolist()
    assert said[0] == ["s0", "ok", "The value is f0."]
    assert said[1] == ["s1", "parse_failed", "The value is f1."]
    published = read_table(root / "data/answers/echo/tiny/answers.csv", ANSWERS)
    assert set(published["status"]) == {"ok"}
    rows = read_table(root / "data/metrics/echo/tiny/metrics.csv", METRICS).set_index(["sample_id", "metric"])
    assert rows.loc[("s0", "exact_match"), "value"] == 1
    assert rows.loc[("s1", "exact_match"), "category"] == "unparsed"
    report = (root / "data/report/echo/tiny/report.md").read_text(encoding="utf-8")
    assert "output contract: there is no choice in it" in report
    assert "2 of 4 answers failed" in report
    text, _ = make_leaderboard(bench_of(root), "tiny")
    assert "| 2 |" in text
    assert (judged(root).state, len(asked(root))) == ("fresh", 4)


def test_contracts_of_fields_and_answer_types(prompted: Path) -> None:
    contracts = (
        "expects: {type: text}\nexpects_of: {text: {type: number}}\n"
        "rules:\n- {field: [f0], expects: {type: choice, choices: [f0]}}\n"
    )
    write_yaml(prompted, "prompts/p", contracts)
    collection = bench_of(prompted).catalog.collections["p"]
    sample = {"sample_id": "s", "doc_type": "", "field": "f1", "language": "", "answer_type": "text"}
    kinds = [
        collection.expects({**sample, **changes}, "tiny") for changes in ({}, {"field": "f0"}, {"answer_type": "date"})
    ]
    assert [each.type if each else "" for each in kinds] == ["number", "choice", "text"]


def test_an_adapter_is_in_the_lineage(prompted: Path) -> None:
    write_yaml(prompted, "prompts/p", "system: S\nuser: '{{ field }}'\n")
    answer(prompted, "echo", "tiny")
    write_yaml(prompted, "prompts/p", "system: S\nuser: '{{ field }}'\nadapter: system_in_user\n")
    now = judged(prompted)
    assert (now.to_ask, now.reasons) == (4, ["prompt adapter (none) → system_in_user@1 (4 of 4 samples)"])
    answer(prompted, "echo", "tiny")
    write_yaml(prompted, "prompts/p", "adapter: no_such\n")
    with pytest.raises(CatalogError, match="prompt adapter installed named"):
        bench_of(prompted)


def test_scores_on_the_split_of_tuning_are_flagged(prompted: Path) -> None:
    answer(prompted, "echo", "tiny")
    score(prompted, "echo", "tiny")
    make_leaderboard(bench_of(prompted), "tiny")
    write_yaml(prompted, "prompts/p", "user: '{{ field }}'\ntuned_on: ['tiny:test']\n")
    assert (judged(prompted).stages, judged(prompted).to_ask) == (["report"], 0)
    score(prompted, "echo", "tiny")
    text, _ = make_leaderboard(bench_of(prompted), "tiny")
    assert "its prompts were tuned on this split" in text
    report = (prompted / "data/report/echo/tiny/report.md").read_text(encoding="utf-8")
    assert "tuned on this very split" in report


def test_show_prints_what_is_sent(prompted: Path, vlmbench: Run) -> None:
    rule = "rules:\n- {field: [f1], user: 'One {{ question }}', system: Brief.}\n"
    write_yaml(prompted, "prompts/p", EXAMPLES + rule + "expects: {type: number}\ntuned_on: ['tiny:test']\n")
    done = vlmbench("prompts", "show", "echo", "tiny", "s1", check=0).stdout
    for said in ("rules[0]", "field is f1", "One What is f1?", "Brief.", "f9", "one.png", "8 bytes", "tuned on"):
        assert said in done
    found = json.loads(vlmbench("prompts", "show", "echo", "tiny", "--json", check=0).stdout)
    assert found["rule"] == "p: the collection's own"
    assert found["request"]["prompt"] == "What is f0?"
    assert "references" not in found["request"]
    assert "there is no sample 'x'" in vlmbench("prompts", "show", "echo", "tiny", "x", check=1).stderr
    assert not (prompted / "data/answers").exists()
    listed = json.loads(vlmbench("prompts", "list", "--json", check=0).stdout)
    assert (listed[0]["name"], listed[0]["files"], listed[0]["models"]) == ("p", "shots/one.png", "echo")
    answer(prompted, "echo", "tiny")
    table = read_table(prompted / "data/answers/echo/tiny/answers.csv", ANSWERS)
    assert table["prompt_sha256"][0] == found["prompt_sha256"]


def test_thinking_is_kept_in_the_table_and_not_scored(prompted: Path) -> None:
    root = prompted
    write_yaml(root, "prompts/p", "user: '<think>is it {{ field }}, or other?</think>\n\n  {{ field }}'\n")
    answer(root, "echo", "tiny")
    score(root, "echo", "tiny")
    table = read_table(root / "data/answers/echo/tiny/answers.csv", ANSWERS)
    assert all("or other?</think>" in text for text in table["answer"])
    read = read_answered(bench_of(root), CELL)[1]
    assert list(read["answer"]) == ["f0", "f1", "f0", "f1"]
    scores = read_table(root / "data/metrics/echo/tiny/metrics.csv", METRICS)
    exact = scores[scores["metric"] == "exact_match"]
    assert list(exact["value"].astype(float)) == [1, 1, 0, 1]
    model = (root / "registries/models/echo.yaml").read_text(encoding="utf-8")
    write_yaml(root, "models/echo", model + "thinking: keep\n")
    assert judged(root).to_ask == 0
    assert judged(root).assets["metrics"].state == "stale"
    score(root, "echo", "tiny")
    scores = read_table(root / "data/metrics/echo/tiny/metrics.csv", METRICS)
    assert set(scores[scores["metric"] == "exact_match"]["value"].astype(float)) == {0.0}
    assert judged(root).assets["metrics"].state == "fresh"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12.00", "12.00"),
        ("<think>a</think>\n12.00\n", "12.00\n"),
        ("a, as the template opened it</think>12.00", "12.00"),
        ("<think>a</think><think>b</think>12.00", "12.00"),
        (" <think>never ended", ""),
        ("<think>a</think><think>b", ""),
        ("<thinking>a</thinking>12.00", "12.00"),
        ("<thinking>never ended", ""),
        ("◁think▷a◁/think▷12.00", "12.00"),
        ("◁think▷never ended", ""),
        ("say <think> aloud", "say <think> aloud"),
        ("", ""),
    ],
)
def test_what_follows_thinking_is_the_answer(text: str, said: str) -> None:
    assert without_thinking(text) == said
    if "think" in text and not text.startswith("say"):
        assert without_thinking(text, opened=True) == said


def test_thinking_that_the_template_opened_and_nothing_ended_is_no_answer(prompted: Path) -> None:
    root = prompted
    write_yaml(root, "prompts/p", "user: 'Okay, the user wants {{ field }} or'\n")
    answer(root, "echo", "tiny")
    model = (root / "registries/models/echo.yaml").read_text(encoding="utf-8")
    write_yaml(root, "models/echo", model + "thinking: open\n")
    read = read_answered(bench_of(root), CELL)[1]
    assert set(zip(read["answer"], read["status"], strict=True)) == {("", "empty")}
    write_yaml(root, "prompts/p", "user: 'Okay, {{ field }}, or not.</think> {{ field }}'\n")
    answer(root, "echo", "tiny")
    assert list(read_answered(bench_of(root), CELL)[1]["answer"]) == ["f0", "f1", "f0", "f1"]


def test_how_often_a_contract_was_kept_is_shown_with_four_digits(prompted: Path) -> None:
    write_source(prompted, 6)
    write_yaml(prompted, "models/echo", "plugin: echo\nprompts: p\noptions: {answer: '1', answers: {s3: none}}\n")
    write_yaml(prompted, "prompts/p", "expects: {type: number}\n")
    answer(prompted, "echo", "tiny")
    table = read_table(prompted / "data/answers/echo/tiny/answers.csv", ANSWERS)
    shown = answer_figures(bench_of(prompted), CELL, table)
    assert (shown["contract_kept"].value, shown["failed"].value) == (0.8333, 1)


def test_another_rule_for_thinking_scores_again_and_asks_nobody(
    prompted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(prompted, "echo", "tiny")
    score(prompted, "echo", "tiny")
    assert judged(prompted).state == "fresh"
    monkeypatch.setattr("vlmbench_sdk.thinking.THINKING", "0")
    now = judged(prompted)
    assert (now.to_ask, now.stages) == (0, ["metrics", "aggregates", "report"])
    assert now.reasons == ["thinking strip@1 → strip@0"]


def test_gold_that_a_contract_cannot_read_is_told_before_anybody_is_asked(prompted: Path, vlmbench: Run) -> None:
    write_yaml(prompted, "prompts/p", "rules:\n- {field: [f1], expects: {type: money, currency: true}}\n")
    said = vlmbench("plan", check=3).stdout
    assert "echo × tiny: the output contract cannot read the gold of 2 samples, such as s1: 'f1' as money: " in said
    found = json.loads(vlmbench("plan", "--json", check=3).stdout)
    assert list(found["unreadable_gold"]) == ["echo × tiny"]
    assert "cannot read the gold of 2 samples" in vlmbench("prompts", "show", "echo", "tiny", check=0).stdout
    write_yaml(prompted, "prompts/p", "expects: {type: text}\n")
    assert json.loads(vlmbench("plan", "--json", check=3).stdout)["unreadable_gold"] == {}
    assert not (prompted / "asked.log").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("user: '{{ question|nofilter }}'", "not a Jinja template: No filter named 'nofilter'"),
        ("tuned_on: ['tny:test']", "no entry in datasets named `tny`; did you mean `tiny`?"),
        ("rules: [{dataset: [tny], user: a}]", "no entry in datasets named `tny`; did you mean `tiny`?"),
    ],
)
def test_a_mistake_in_a_collection_is_named(prompted: Path, vlmbench: Run, text: str, says: str) -> None:
    write_yaml(prompted, "prompts/p", text + "\n")
    said = vlmbench("check", check=1)
    assert says in said.stdout + said.stderr
    assert "prompts/p.yaml" in said.stdout + said.stderr


@pytest.mark.parametrize("text", ["{{ question|int + field }}", "{{ 1 / 0 }}", "{{ question() }}", "{% include 'a' %}"])
def test_a_template_that_fails_on_a_sample_names_it(prompted: Path, vlmbench: Run, text: str) -> None:
    write_yaml(prompted, "prompts/p", f'user: "{text}"\n')
    said = vlmbench("plan", check=1).stderr
    assert "prompts p: its template fails on sample s0 (" in said
    assert "Traceback" not in said
