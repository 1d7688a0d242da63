"""`vlmbench metrics conform`: every installed metric holds its golden vectors, and peers that differ are named."""

import json
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.support import Run
from vlmbench_assets.ask_peers import ask
from vlmbench_assets.conform import Checked, conform, read_vectors
from vlmbench_assets.peer_process import CALLS, Question
from vlmbench_assets.peers import PEERS
from vlmbench_sdk import MetricPlugin, PluginError
from vlmbench_sdk.plugins import load_plugins

PLUGINS = load_plugins()


@pytest.fixture(scope="module")
def found() -> list[Checked]:
    return [*conform(PLUGINS, [*PLUGINS.metrics], pythons=[Path(sys.executable)])]


@pytest.mark.parametrize("name", sorted(PLUGINS.metrics))
def test_a_metric_holds_its_vectors(name: str, found: list[Checked]) -> None:
    own = [each for each in found if each.metric == name and not each.peer]
    # sacrebleu is among the development requirements, so that nothing is left out here.
    assert [each for each in own if each.state != "ok"] == []
    assert all(each.source for each in own)
    values = {each.expected for each in own}
    assert len(values) > 1, "vectors of right and of wrong answers"


@pytest.mark.parametrize(
    ("metric", "peer", "case", "theirs"),
    [
        ("anls", "lmms-eval's rule", "'cd", "0.9615"),
        ("anls", "lmms-eval's rule", "'ab' against 'ac'", "0.5"),
        ("anls", "anls_star", "'ab' against 'ac'", "0.5"),
        ("anls_star", "anls_star", '"b": null', "0.5"),
        ("relaxed_accuracy", "lmms-eval's rule", "'0.0' against '0'", "0"),
        ("relaxed_accuracy", "lmms-eval's rule", "'1,000' against '1000'", "0"),
        ("cer", "jiwer", "'ab ' against 'ab'", "0"),
        ("rouge", "rouge-score's rule", "'Итого 100' against 'Сумма 100'", "1"),
        ("bleu", "sacrebleu", "'' against ''", "0"),
        ("teds", "table_recognition_metric", "<th>a</th>", "0.8"),
        ("teds", "OCRBench v2's rule", "<table>\\n\\n<tr>", "0.8"),
    ],
)
def test_where_peers_differ_is_named(metric: str, peer: str, case: str, theirs: str, found: list[Checked]) -> None:
    differ = [each for each in found if each.metric == metric and each.peer.startswith(peer) and each.state == "failed"]
    assert theirs in [each.found for each in differ if case in each.case]


@pytest.mark.parametrize("peer", ["jiwer wer", "rapidfuzz normalized_similarity", "rapidfuzz normalized_distance"])
def test_peers_that_measure_the_same_agree(peer: str, found: list[Checked]) -> None:
    assert {each.state for each in found if each.peer == peer} == {"ok"}


def test_the_reason_and_the_version_stand_beside_what_differs(found: list[Checked]) -> None:
    differ = [each for each in found if each.peer and each.state == "failed"]
    assert [each for each in differ if not each.says] == []
    assert {each.version for each in differ if each.peer == "jiwer cer"} == {version("jiwer")}
    for peer in PEERS:
        vectors = read_vectors(PLUGINS.metrics[peer.metric])
        known = {(each.answer, each.references[0]) for each in vectors if each.answer is not None and each.references}
        assert set(peer.reasons) <= known, "a reason is of a vector that there is"
        assert peer.call.__name__ in CALLS


def asking(function: str, distribution: str = "rapidfuzz", call: str = "highest") -> Question:
    return {
        "distribution": distribution,
        "function": function,
        "call": call,
        "answer": "ab\ud800",
        "references": ["ab"],
        "options": {},
    }


SIMILARITY = "rapidfuzz.distance.Levenshtein:normalized_similarity"


def test_a_peer_that_crashes_prints_or_cannot_be_imported_costs_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = [SIMILARITY, "os:abort", "os:abort", "builtins:print", "builtins:len", "rapidfuzz:nope", SIMILARITY]
    asked = [asking(each, call="applied" if each == "os:abort" else "highest") for each in functions]
    asked[3]["answer"] = "what a peer prints is no reply"
    monkeypatch.setenv("SOME_API_KEY", "not for peers")
    asked.append({**asking("os:getenv", call="answer_first"), "answer": "SOME_API_KEY"})
    first, aborted, again, printed, raised, broken, last, key = ask(Path(sys.executable), asked)
    assert first == last == {"version": version("rapidfuzz"), "value": pytest.approx(2 / 3)}
    assert aborted == {"version": version("rapidfuzz"), "raised": "its process ended with -6"}
    assert again["broken"] == "not asked further, as it ended its process"
    assert key["raised"] == "TypeError: it gave 'ab'", "what `os.getenv` says where nothing is set"
    assert printed["raised"] == "TypeError: it gave None"
    assert raised["raised"] == "TypeError: len() takes exactly one argument (2 given)"
    assert "rapidfuzz:nope cannot be imported (AttributeError" in broken["broken"]
    assert ask(Path(sys.executable), [asking("x:y", "no-such-peer")]) == [{"absent": "no-such-peer is not installed"}]


def test_a_peer_that_hangs_is_named() -> None:
    asked = [asking(SIMILARITY), asking("signal:pause", call="applied")]
    assert ask(Path(sys.executable), asked, timeout_s=5)[1]["raised"] == "no reply within 5 s"


def test_what_is_no_python_is_said() -> None:
    with pytest.raises(PluginError, match=r"peers cannot be asked there.*bin/python"):
        ask(Path(shutil.which("true") or ""), [asking(SIMILARITY)])


def test_peers_of_another_python_are_asked(vlmbench: Run, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    empty = [*conform(PLUGINS, ["cer"], pythons=[python])]
    assert [each.says for each in empty if each.peer] == ["jiwer is not installed"]
    packages = next((tmp_path / "venv").glob("lib/python3*/site-packages"))
    (packages / "others.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    there = [each for each in conform(PLUGINS, ["cer"], pythons=[python]) if each.peer]
    assert [each.found for each in there if each.state == "failed"] == ["0"]
    shown = vlmbench("metrics", "conform", "cer", "--peers-python", str(python), cwd=tmp_path, check=0).stdout
    assert shown.count(f"cer: jiwer cer {version('jiwer')}") == 1, "the same version in two Pythons is one peer"
    assert "strips white space at the ends" in shown


def test_the_command_prints_a_table_and_fails_when_a_vector_does(vlmbench: Run, tmp_path: Path) -> None:
    done = vlmbench("metrics", "conform", "anls", "--peers", cwd=tmp_path, check=0)
    assert "Where peers disagree" in done.stdout
    assert "0.9615" in done.stdout
    rows = json.loads(vlmbench("metrics", "conform", "exact_match", "--json", cwd=tmp_path, check=0).stdout)
    assert {row["state"] for row in rows} == {"ok"}
    assert "there is no metric plugin 'anl'" in vlmbench("metrics", "conform", "anl", cwd=tmp_path, check=1).stderr


def with_vectors(folder: Path, text: str) -> MetricPlugin:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return PLUGINS.metrics["anls"].model_copy(update={"vectors": path})


def run(plugin: MetricPlugin) -> list[Checked]:
    from dataclasses import replace

    return [*conform(replace(PLUGINS, metrics={"mine": plugin}), ["mine"])]


def test_a_wrong_vector_a_wrong_category_and_none_are_said(tmp_path: Path) -> None:
    text = "vectors:\n  - {answer: ab, references: [ac], value: 1, source: a guess}\n"
    failed = run(with_vectors(tmp_path, text))[0]
    assert (failed.state, failed.expected, failed.found) == ("failed", "1", "0")
    text = "vectors:\n  - {answer: ab, references: [ab], value: 1, category: missing, source: a guess}\n"
    assert run(with_vectors(tmp_path, text))[0].says == "category (none), not missing"
    assert run(PLUGINS.metrics["anls"].model_copy(update={"vectors": None}))[0].state == "no vectors"
    text = "vectors:\n  - {answer: ab, references: [ab], options: {treshold: 1}, value: 1, source: a guess}\n"
    assert "options do not fit" in run(with_vectors(tmp_path, text))[0].says


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("vectors: []\n", "at least 1"),
        ("vectors:\n  - {answer: a, references: [b], value: 1}\n", "source"),
        ("vectors:\n  - {value: 1, source: x}\n", "either `answer` or `cases`"),
        ("vectors:\n  - {answer: 5, references: [b], value: 1, source: x}\n", "valid string"),
        ("vectors:\n  - {answer: a, references: [b], value: 1, source: x, gold: y}\n", "gold"),
        ("vectors: [\n", "line"),
    ],
)
def test_a_file_that_breaks_the_schema_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(PluginError, match=says):
        read_vectors(with_vectors(tmp_path, text))
