"""`vlmbench diff`: what changed, which samples flipped, and whether it is more than noise."""

import json
import shutil
from pathlib import Path

import pytest

from tests.commands.forked import Commands
from tests.support import Run, journal_of, write_echo_workspace, write_source, write_yaml


@pytest.fixture(scope="module")
def scored_twice(tmp_path_factory: pytest.TempPathFactory, commands: Commands) -> Path:
    """A cell of 60 samples, scored twice: right, and with another answer option that is wrong for one field."""
    root = write_echo_workspace(tmp_path_factory.mktemp("changed") / "workspace")
    vlmbench = commands.on(root, root.parent / "cache")
    write_source(root, 60)
    vlmbench("run", check=0)
    write_yaml(root, "models/echo", "plugin: echo\noptions: {answer: 'f1'}\n")
    vlmbench("run", check=0)
    return root


@pytest.fixture
def changed(scored_twice: Path, workspace: Path) -> Path:
    """A copy of it, to be changed further."""
    shutil.rmtree(workspace)
    shutil.copytree(scored_twice, workspace)
    return workspace


@pytest.mark.usefixtures("changed")
def test_why_did_the_score_change(vlmbench: Run) -> None:
    said = vlmbench("diff", "echo", "tiny", check=0).stdout
    assert "echo × tiny #1 → echo × tiny #2" in said
    assert "option answer {field} → f1" in said
    assert "exact_match: 0.667 → 0.333, -0.333" in said
    assert ": worse (60 samples of 30 documents)" in said
    assert "20 samples flipped: 0 better, 20 worse" in said
    found = json.loads(vlmbench("diff", "echo", "tiny", "--json", check=0).stdout)
    assert found["reasons"] == ["option answer {field} → f1"]
    assert {(each["dimension"], each["group"]) for each in found["slices"]} == {
        ("field", "f0"),
        ("subset", "clean"),
        ("subset", "blur"),
    }
    flip = found["flips"][0]
    assert (flip["first"], flip["second"], flip["answer_first"], flip["answer_second"]) == (1.0, 0.0, "f0", "f1")
    back = json.loads(vlmbench("diff", "echo", "tiny", "2", "1", "--json", check=0).stdout)
    assert back["overall"]["verdict"] == "better"
    assert back["overall"]["difference"] == -found["overall"]["difference"]


def test_two_models_on_one_dataset(changed: Path, vlmbench: Run) -> None:
    write_yaml(changed, "models/other", "plugin: echo\noptions: {answer: '{field}'}\n")
    vlmbench("run", "--model", "other", "--dataset", "tiny", check=0)
    said = vlmbench("diff", "--models", "echo", "other", "--dataset", "tiny", check=0).stdout
    assert "echo × tiny #2 → other × tiny #1" in said
    assert ": better (60 samples of 30 documents)" in said


@pytest.mark.usefixtures("changed")
def test_the_history_is_listed_and_asked_for_by_number(vlmbench: Run) -> None:
    listed = vlmbench("diff", "echo", "tiny", "--list", check=0).stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == ["1", "2"]
    refused = vlmbench("diff", "echo", "tiny", "7", check=1).stderr
    assert "there is no materialisation 7" in refused
    assert "There are: 1, 2" in refused
    assert "Did you mean 'echo'" in vlmbench("diff", "ecco", "tiny", check=1).stderr
    assert "it was not scored by metric 'wer'" in vlmbench("diff", "echo", "tiny", "--metric", "wer", check=1).stderr


def test_one_materialisation_has_nothing_to_compare_with(vlmbench: Run) -> None:
    assert "never scored" in vlmbench("diff", "echo", "tiny", check=1).stderr
    vlmbench("run", check=0)
    assert "scored only once" in vlmbench("diff", "echo", "tiny", check=1).stderr


def test_what_is_no_longer_needed_goes_and_the_rest_stays(changed: Path, vlmbench: Run) -> None:
    before = vlmbench("plan", check=0).stdout
    journal = journal_of(changed, "echo")
    would = json.loads(vlmbench("gc", "--keep", "1", "--dry-run", "--json", check=0).stdout)
    assert len(journal.read_bytes().splitlines()) == 120
    done = json.loads(vlmbench("gc", "--keep", "1", "--json", check=0).stdout)
    assert done == would
    assert done["manifests"] > 0
    assert done["objects"] > 0
    assert done["answers"] == 60
    assert len(journal.read_bytes().splitlines()) == 60
    assert vlmbench("plan", check=0).stdout == before
    nothing = json.loads(vlmbench("gc", "--keep", "1", "--json", check=0).stdout)
    assert set(nothing.values()) == {0}
    assert "scored only once" in vlmbench("diff", "echo", "tiny", check=1).stderr
    # What was thrown away is asked again, no more and no less.
    write_yaml(changed, "models/echo", "plugin: echo\noptions: {answer: '{field}'}\n")
    assert json.loads(vlmbench("plan", "--json", check=3).stdout)["cells"][0]["to_ask"] == 60


def test_answers_are_compared_without_thinking(workspace: Path, vlmbench: Run) -> None:
    write_yaml(workspace, "models/echo", "plugin: echo\noptions: {answer: '<think>hm</think>{field}'}\n")
    vlmbench("run", check=0)
    write_yaml(workspace, "models/echo", "plugin: echo\noptions: {answer: '<think>hm</think>f1'}\n")
    vlmbench("run", check=0)
    flips = json.loads(vlmbench("diff", "echo", "tiny", "--json", check=0).stdout)["flips"]
    assert {(each["answer_first"], each["answer_second"]) for each in flips} == {("f0", "f1")}
