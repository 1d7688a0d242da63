"""A metric that scores in an environment of its own says what it says in the host, and its cells know where."""

import json
from pathlib import Path

import pytest

from tests.cells import answer, bench_of, score
from tests.support import Run, write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.make.metrics import make_metrics
from vlmbench_assets.staleness import Judge
from vlmbench_assets.worker import prepare_scorer
from vlmbench_sdk import CatalogError, EnvironmentUnavailableError

OWN = "plugin: anls\nnormalize: [casefold]\n"


@pytest.fixture
def both(workspace: Path) -> Path:
    """One metric twice: in the host, and in a virtual environment of its own."""
    write_yaml(workspace, "environments/own", "kind: venv\noptions: {requirements: [packaging==24.0]}\n")
    write_yaml(workspace, "metrics/here", OWN)
    write_yaml(workspace, "metrics/there", f"{OWN}environment: own\n")
    write_yaml(workspace, "benchmarks/b", "models: [echo]\ndatasets: [tiny]\nmetrics: [here, there]\n")
    return workspace


def test_it_says_the_same_and_its_environment_is_in_the_lineage(both: Path) -> None:
    answer(both, "echo", "tiny")
    made = score(both, "echo", "tiny")
    bench = bench_of(both)
    rows = make_metrics(bench, Cell("echo", "tiny"), again=True)[0]
    here, there = (
        rows[rows["metric"] == name].drop(columns="metric").reset_index(drop=True) for name in ("here", "there")
    )
    assert len(here) == 4
    assert here.reset_index(drop=True).equals(there.reset_index(drop=True))
    assert made.lineage["metric there environment"].startswith("venv ")
    assert "metric here environment" not in made.lineage
    # Another environment scores that metric again, and no other.
    write_yaml(both, "environments/own", "kind: venv\noptions: {requirements: [packaging==25.0]}\n")
    found = Judge(bench_of(both)).cell(Cell("echo", "tiny")).assets
    assert found["answers"].state == "fresh"
    assert found["metrics"].reasons[0].startswith("metric there: environment venv ")
    assert make_metrics(bench_of(both), Cell("echo", "tiny"))[1].facts["scored"] == 4


def test_what_fails_there_is_said_here(both: Path) -> None:
    answer(both, "echo", "tiny")
    write_yaml(both, "environments/own", "kind: venv\noptions: {requirements: [packaging==0.0.0.1]}\n")
    with pytest.raises(EnvironmentUnavailableError, match="packaging"):
        score(both, "echo", "tiny")


def test_a_models_own_options_of_its_environment(workspace: Path, vlmbench: Run) -> None:
    write_yaml(workspace, "environments/own", "kind: venv\noptions: {requirements: [packaging==24.0]}\n")
    more = "environment_options: {requirements: [packaging==25.0]}\n"
    write_yaml(workspace, "models/echo", f"plugin: echo\nenvironment: own\noptions: {{answer: '{{field}}'}}\n{more}")
    answer(workspace, "echo", "tiny")
    manifest = json.loads((workspace / "data/answers/echo/tiny/manifest.json").read_bytes())
    assert manifest["facts"]["environment"]["packages"]["packaging"] == "25.0"
    write_yaml(workspace, "models/echo", "plugin: echo\nenvironment: own\nenvironment_options: {requirement: []}\n")
    with pytest.raises(CatalogError, match="environment_options"):
        bench_of(workspace)
    assert "requirement" in vlmbench("check", check=1).stdout


def test_env_list_names_metrics_too(both: Path, vlmbench: Run) -> None:
    rows = json.loads(vlmbench("env", "list", "--json", check=0, cwd=both).stdout)
    assert [row["used by"] for row in rows if row["environment"] == "own"] == ["metric there"]


def test_where_metrics_cannot_score_that_is_said(workspace: Path) -> None:
    write_yaml(workspace, "environments/pod", "kind: runpod\noptions: {image: any}\n")
    write_yaml(workspace, "metrics/there", f"{OWN}environment: pod\n")
    with pytest.raises(EnvironmentUnavailableError, match=r"metric there, environment pod: .* of kind runpod"):
        prepare_scorer(bench_of(workspace), "there", workspace / "unused", lambda _: None)
