"""Real vision-language models through `vlmbench-transformers`, in its own environment."""

import csv
import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from uv import find_uv_bin

from tests.support import REPOSITORY, Run, write_yaml
from vlmbench_assets.environments.options import VenvOptions
from vlmbench_assets.environments.venv import VenvEnvironment

pytestmark = pytest.mark.engine("torch")
ENTRY = REPOSITORY / "plugins/vlmbench-transformers/vlmbench_transformers/registries/environments/transformers.yaml"
ON_CPU = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
InTorch = Callable[..., "subprocess.CompletedProcess[str]"]


SERVING = ("fastapi==0.165.0", "uvicorn==0.54.0", "starlette==1.10.0", "openai==3.54.0", "rich==15.0.0")
"""What `transformers serve` needs besides the environment that the plugin ships."""


@pytest.fixture
def torch_python(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The interpreter of the environment that the plugin ships, where the run finds it made already.

    It takes a gigabyte and a minute, so the tests share one, also those of another process of pytest.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "torch"
    shared.mkdir(exist_ok=True)
    (tmp_path / "cache").symlink_to(shared)
    options = VenvOptions.model_validate(yaml.safe_load(ENTRY.read_text(encoding="utf-8"))["options"])
    environment = VenvEnvironment(options, name="transformers", cache=tmp_path / "cache")
    return environment.prepare(("vlmbench-sdk", "vlmbench-transformers"), lambda _: None).python


@pytest.fixture
def in_torch(torch_python: str) -> InTorch:
    """Run a script of `tests/vlms` with that interpreter."""

    def run(script: str, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        command = [torch_python, str(REPOSITORY / "tests/vlms" / script), *map(str, arguments)]
        env = {**ON_CPU, "PYTHONPATH": str(REPOSITORY)}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=500)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done

    return run


@contextmanager
def transformers_serve(python: str, model: Path, folder: Path) -> Iterator[str]:
    """Serve a model by Transformers' own server while the block runs; yield its `base_url`."""
    extras = folder / "serving"
    install = [find_uv_bin(), "pip", "install", "--quiet", "--python", python, "--target", str(extras), *SERVING]
    subprocess.run(install, check=True)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # Without the folder of a cache, its list of models is an error.
    (folder / "hub" / "hub").mkdir(parents=True)
    env = {**ON_CPU, "PYTHONPATH": str(extras), "HF_HOME": str(folder / "hub"), "HF_HUB_OFFLINE": "1"}
    where = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    command = [python, "-m", "transformers.cli.transformers", "serve", str(model), *where]
    log = folder / "serve.log"
    with log.open("wb") as said, subprocess.Popen(command, env=env, stdout=said, stderr=said) as process:
        try:
            deadline = time.monotonic() + 300
            while not _healthy(port):
                assert process.poll() is None, log.read_text(encoding="utf-8")
                assert time.monotonic() < deadline, log.read_text(encoding="utf-8")
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.terminate()


def _healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def answers_in(folder: Path) -> dict[str, str]:
    with (folder / "answers.csv").open(encoding="utf-8", newline="") as table:
        return {row["sample_id"]: row["answer"] for row in csv.DictReader(table)}


def test_a_model_that_learned_to_read_totals_is_scored(
    workspace: Path, tmp_path: Path, vlmbench: Run, in_torch: InTorch, torch_python: str
) -> None:
    in_torch("tiny.py", "trained", tmp_path)
    in_torch("tiny.py", "adapter", tmp_path / "model", tmp_path / "adapter")
    reader = f"plugin: transformers\nenvironment: transformers\noptions: {{model: {tmp_path}/model, batch_size: %s}}\n"
    settings = "generation: {max_new_tokens: 12, temperature: 0}\n"
    write_yaml(workspace, "models/reader", reader % 8 + settings)
    write_yaml(workspace, "models/alone", "extends: reader\noptions: {batch_size: 1}\n")
    write_yaml(workspace, "models/spoiled", f"extends: reader\noptions: {{adapter: {tmp_path}/adapter}}\n")
    write_yaml(workspace, "datasets/totals", f"reader: jsonl\nsource: {tmp_path}/totals\n")
    models = "models: [reader, alone, spoiled, served]\n"
    write_yaml(workspace, "benchmarks/reading", models + "datasets: [totals]\nmetrics: [exact_match]\n")
    with transformers_serve(torch_python, tmp_path / "model", tmp_path) as url:
        asked = f"options: {{base_url: '{url}', model: {tmp_path}/model}}\nenvironment: process\n"
        write_yaml(workspace, "models/served", f"extends: openai-compatible\n{asked}{settings}")
        vlmbench("run", "--benchmark", "reading", check=0)

    ranked = json.loads(vlmbench("leaderboard", "totals", "--json", check=0).stdout)["totals"]
    scores = {row["model"]: row["exact_match"] for row in ranked}
    assert scores["reader"] >= 0.9
    assert scores["spoiled"] < scores["reader"]
    folder = workspace / "data/answers"
    answers = answers_in(folder / "reader/totals")
    assert len(answers) == 100
    assert answers == answers_in(folder / "alone/totals")
    # The same weights behind an endpoint: what the two plugins send and read makes no difference.
    assert answers == answers_in(folder / "served/totals")
    assert answers != answers_in(folder / "spoiled/totals")

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
    for line in ("idefics3: 10 equal", "paligemma: 10 equal", "first token: once", "sampling:", "pictures:"):
        assert line in told
