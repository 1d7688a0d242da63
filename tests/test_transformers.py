"""Real vision-language models through `vlmbench-transformers`, in its own environment."""

import csv
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.support import REPOSITORY, Run, write_yaml
from vlmbench_assets.environments.options import VenvOptions
from vlmbench_assets.environments.venv import VenvEnvironment

pytestmark = pytest.mark.engine("torch")
ENTRY = REPOSITORY / "plugins/vlmbench-transformers/vlmbench_transformers/registries/environments/transformers.yaml"
InTorch = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def in_torch(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> InTorch:
    """Run a script of `tests/vlms` in the environment that the plugin ships, where the run finds it made already.

    It takes a gigabyte and a minute, so the tests share one, also those of another process of pytest.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "torch"
    shared.mkdir(exist_ok=True)
    (tmp_path / "cache").symlink_to(shared)
    options = VenvOptions.model_validate(yaml.safe_load(ENTRY.read_text(encoding="utf-8"))["options"])
    environment = VenvEnvironment(options, name="transformers", cache=tmp_path / "cache")
    python = environment.prepare(("vlmbench-sdk", "vlmbench-transformers"), lambda _: None).python

    def run(script: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        env = {**os.environ, "PYTHONPATH": str(REPOSITORY), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
        command = [python, str(REPOSITORY / "tests/vlms" / script), *map(str, arguments)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=500)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done

    return run


def answers_in(folder: Path) -> dict[str, str]:
    with (folder / "answers.csv").open(encoding="utf-8", newline="") as table:
        return {row["sample_id"]: row["answer"] for row in csv.DictReader(table)}


def test_a_model_that_learned_to_read_totals_is_scored(
    workspace: Path, tmp_path: Path, vlmbench: Run, in_torch: InTorch
) -> None:
    in_torch("tiny.py", "trained", tmp_path)
    in_torch("tiny.py", "adapter", tmp_path / "model", tmp_path / "adapter")
    reader = f"plugin: transformers\nenvironment: transformers\noptions: {{model: {tmp_path}/model, batch_size: %s}}\n"
    settings = "generation: {max_new_tokens: 12, temperature: 0}\n"
    write_yaml(workspace, "models/reader", reader % 8 + settings)
    write_yaml(workspace, "models/alone", "extends: reader\noptions: {batch_size: 1}\n")
    write_yaml(workspace, "models/spoiled", f"extends: reader\noptions: {{adapter: {tmp_path}/adapter}}\n")
    write_yaml(workspace, "datasets/totals", f"reader: jsonl\nsource: {tmp_path}/totals\n")
    models = "models: [reader, alone, spoiled]\n"
    write_yaml(workspace, "benchmarks/reading", models + "datasets: [totals]\nmetrics: [exact_match]\n")
    vlmbench("run", "--benchmark", "reading", check=0)

    ranked = json.loads(vlmbench("leaderboard", "totals", "--json", check=0).stdout)["totals"]
    scores = {row["model"]: row["exact_match"] for row in ranked}
    assert scores["reader"] >= 0.9
    assert scores["spoiled"] < scores["reader"]
    folder = workspace / "data/answers"
    assert answers_in(folder / "reader/totals") == answers_in(folder / "alone/totals")

    facts = json.loads((folder / "reader/totals/manifest.json").read_text(encoding="utf-8"))["facts"]
    assert facts["model_facts"]["architecture"] == "LlavaForConditionalGeneration"
    assert facts["model_facts"]["device"] == "cpu"
    assert len(facts["model_facts"]["weights"]["digest"]) == 40
    generation = facts["model_facts"]["generation"]
    # Ours, those of the weights, and those that the library fills in.
    assert generation["max_new_tokens"] == 12
    assert generation["do_sample"] is False
    assert generation["eos_token_id"] is not None
    assert generation["repetition_penalty"] == 1.0
    packages = facts["environment"]["packages"]
    assert packages["torch"].startswith("2.13.0")
    assert not {"torchvision", "dagster", "pandas"} & set(packages)


def test_families_and_refusals_in_the_real_library(tmp_path: Path, in_torch: InTorch) -> None:
    told = in_torch("code_paths.py", tmp_path / "models").stdout
    for line in ("idefics3: 10 equal", "paligemma: 10 equal", "sampling:", "pictures:"):
        assert line in told
