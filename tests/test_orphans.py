"""What nothing declares any more stays readable, and is told from what failed."""

import json
import shutil
from pathlib import Path

from tests.support import Run, write_yaml


def test_a_cell_that_nothing_declares_is_orphaned_and_readable(workspace: Path, vlmbench: Run) -> None:
    write_yaml(workspace, "models/still", "plugin: echo\noptions: {answer: f0}\n")
    vlmbench("run", "--model", "still", "--dataset", "tiny", "--limit", "2", check=0)
    vlmbench("run", "--model", "still", "--dataset", "tiny", check=0)
    (workspace / "registries/models/still.yaml").unlink()
    rows = {row["model"]: row for row in json.loads(vlmbench("status", "--json", check=0).stdout)}
    assert rows["still"]["state"] == "orphaned"
    assert rows["still"]["there"] == "answers, metrics, aggregates, report"
    assert "model still is not declared any more; write registries/models/still.yaml" in rows["still"]["reason"]
    assert rows["echo"]["state"] == "missing"
    assert "still × tiny #1 → still × tiny #2" in vlmbench("diff", "still", "tiny", check=0).stdout
    assert "still" in vlmbench("report", "still", "tiny", check=0).stdout
    shown = vlmbench("leaderboard", "tiny", check=0)
    assert "still" not in shown.stdout
    assert "left out of tiny: still" in shown.stderr
    vlmbench("gc", "--keep", "2", check=0)
    assert vlmbench("diff", "still", "tiny", "--list", check=0).stdout.count("\n") == 3


def test_an_entry_of_an_uninstalled_package_says_which_to_install(workspace: Path, vlmbench: Run) -> None:
    vlmbench("run", check=0)
    # As a package leaves it that is gone: the lineage names it, and neither its entry nor its plugin is there.
    shutil.copytree(workspace / "data/answers/echo", workspace / "data/answers/first-word")
    path = workspace / "data/answers/first-word/tiny/manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["lineage"]["plugin"] = "first_word vlmbench-first-word==0.1.0"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    write_yaml(workspace, "models/loud", "plugin: first_word\n")
    write_yaml(workspace, "environments/rented", "kind: rented_nowhere\n")
    write_yaml(workspace, "benchmarks/b", "models: [echo, first-word]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    said = vlmbench("check", check=1).stdout
    came = "it came with vlmbench-first-word 0.1.0, which is not installed: pip install vlmbench-first-word==0.1.0"
    lines = {line.partition(":")[0]: line for line in said.splitlines()}
    assert came in lines["registries/models/loud.yaml"]
    assert came in lines["registries/benchmarks/b.yaml"]
    assert "pip install" not in lines["registries/environments/rented.yaml"]
