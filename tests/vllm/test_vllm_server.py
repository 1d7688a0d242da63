"""Server mode with real processes: a program `vllm` that checks its flags and then is `vlmbench mock-endpoint`."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from pydantic import JsonValue

from tests.support import REPOSITORY, Run, write_yaml
from tests.vllm.recorded_vllm import FLAGS, RECORD, ask
from vlmbench_sdk import Generation, ModelError, ModelSettings, Request
from vlmbench_sdk.processes import process_identity
from vlmbench_vllm.backend import VllmModel
from vlmbench_vllm.plugin import VllmOptions
from vlmbench_vllm.served import _fields
from vlmbench_vllm.settings import sampling_of

PROGRAM = """#!{python}
import json, os, subprocess, sys
from pathlib import Path
argv, here = sys.argv[1:], Path({here!r})
flags = {{each.removeprefix("--").removeprefix("no-") for each in argv if each.startswith("--")}}
unknown = flags - set({flags!r})
if unknown:
    sys.exit(f"vllm: error: unrecognized arguments: {{sorted(unknown)}}")
print("loading with the key", os.environ["VLLM_API_KEY"], flush=True)
{extra}
# As vLLM does, it has processes of its own.
child = subprocess.Popen(["sleep", "600"])
told = {{"argv": argv, "pids": [os.getpid(), child.pid], "offline": os.environ.get("HF_HUB_OFFLINE")}}
(here / "seen.new").write_text(json.dumps(told))
(here / "seen.new").rename(here / "seen.json")
port = argv[argv.index("--port") + 1]
os.execv({python!r}, [{python!r}, "-m", "vlmbench_assets.cli", "mock-endpoint", "--port", port, "--ttft-ms", "5",
                      "--key-env", "VLLM_API_KEY", *{mock!r}])
"""


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    for name in ("VLLM_NO_USAGE_STATS", "VLLM_LOGGING_LEVEL", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "")


def install(folder: Path, extra: str = "", mock: tuple[str, ...] = ()) -> None:
    """Put a program `vllm` on PATH."""
    program = folder / "vllm"
    values = {"python": sys.executable, "here": str(folder), "flags": sorted(FLAGS), "extra": extra, "mock": mock}
    program.write_text(PROGRAM.format(**values), encoding="utf-8")
    program.chmod(0o755)


def model_of(folder: Path, **options: JsonValue) -> VllmModel:
    weights = folder / "weights"
    weights.mkdir(exist_ok=True)
    chosen = VllmOptions.model_validate({"model": str(weights), "mode": "server", "concurrency": 8, **options})
    return VllmModel(chosen, ModelSettings(name="m", generation=Generation(max_new_tokens=12, temperature=0)))


def requests_of(folder: Path, count: int) -> list[Request]:
    (folder / "p.png").write_bytes(b"picture")
    return [
        Request(sample_id=f"s{each}", images=(str(folder / "p.png"),), prompt=f"say {each}") for each in range(count)
    ]


def seen(folder: Path) -> dict[str, JsonValue]:
    told: dict[str, JsonValue] = json.loads((folder / "seen.json").read_text(encoding="utf-8"))
    return told


def until_gone(folder: Path, within_s: float = 60) -> None:
    until = time.monotonic() + within_s
    pids = seen(folder)["pids"]
    assert isinstance(pids, list)
    while any(process_identity(int(str(pid))) for pid in pids):
        assert time.monotonic() < until, "the server still runs"
        time.sleep(0.05)


def test_a_server_is_started_asked_and_stopped(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    install(tmp_path)
    model, requests = model_of(tmp_path, max_model_len=4096), requests_of(tmp_path, 40)
    requests[4] = requests[4].model_copy(update={"images": (str(tmp_path / "none.png"),)})
    model.load()
    try:
        answers = {each.sample_id: each for each in ask(model, requests)}
        told, facts = seen(tmp_path), model.facts()
    finally:
        model.close()
    until_gone(tmp_path)
    assert len(answers) == 40
    assert answers["s4"].status == "error"
    good = [answers[each.sample_id] for each in requests if each.sample_id != "s4"]
    assert [each.answer for each in good] == [each.prompt for each in requests if each.sample_id != "s4"]
    assert all(each.status == "ok" and each.finish_reason == "stop" for each in good)
    assert all(0 < (each.ttft_ms or 0) <= (each.latency_ms or 0) for each in good)
    assert all(each.input_tokens and each.output_tokens for each in good)
    argv = told["argv"]
    assert isinstance(argv, list)
    assert argv[:2] == ["serve", str(tmp_path / "weights")]
    assert argv[argv.index("--max-model-len") + 1] == "4096"
    assert told["offline"] == "1"
    serve = facts["serve"]
    assert isinstance(serve, list)
    assert argv[1 : len(serve) + 1] == serve
    # The program said its key on purpose: nothing that is written down repeats it.
    assert "loading with the key [key]" in capfd.readouterr().err


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    install(tmp_path, extra='print("ValueError: No supported config format found", *range(99), sep="\\n"); sys.exit(1)')
    with pytest.raises(
        ModelError, match=r"exit status 1; ValueError: No supported config format found; its last words: "
    ) as caught:
        model_of(tmp_path).load()
    assert "\n97\n98" in str(caught.value)


def test_a_server_that_is_never_ready_is_stopped(tmp_path: Path) -> None:
    install(tmp_path, extra="import time; (here / 'pid').write_text(str(os.getpid())); time.sleep(600)")
    with pytest.raises(ModelError, match=r"was not ready in 3 s.*Raise `start_s`"):
        model_of(tmp_path, start_s=3).load()
    assert not process_identity(int((tmp_path / "pid").read_text(encoding="utf-8")))


def test_what_the_server_refuses_costs_its_own_answer(tmp_path: Path) -> None:
    install(tmp_path, mock=("--poison-rate", "0.3", "--poison", "400"))
    model = model_of(tmp_path)
    model.load()
    try:
        answers = ask(model, requests_of(tmp_path, 40))
    finally:
        model.close()
    failed = [each for each in answers if each.status == "error"]
    assert len(answers) == 40
    assert 0 < len(failed) < 40
    assert all(each.error.startswith("HTTP 400 from vllm serve: ") for each in failed)


def test_a_server_that_never_answers_one_is_not_waited_for(tmp_path: Path) -> None:
    install(tmp_path, mock=("--poison-rate", "0.2", "--poison", "hang"))
    model = model_of(tmp_path, timeout_s=2)
    model.load()
    try:
        answers = ask(model, requests_of(tmp_path, 20))
    finally:
        model.close()
    assert {each.status for each in answers} == {"ok", "timeout"}


def test_a_server_that_dies_ends_the_job(tmp_path: Path) -> None:
    install(tmp_path, mock=("--tpot-ms", "500"))
    model = model_of(tmp_path)
    model.load()
    try:
        pids = seen(tmp_path)["pids"]
        assert isinstance(pids, list)
        os.kill(int(str(pids[0])), signal.SIGKILL)
        with pytest.raises(ModelError, match="vllm serve ended with exit status 137"):
            ask(model, requests_of(tmp_path, 20))
        until_gone(tmp_path)
    finally:
        model.close()


def test_a_server_is_ended_also_when_its_keeper_was_killed(tmp_path: Path) -> None:
    install(tmp_path)
    model = model_of(tmp_path)
    model.load()
    pids = seen(tmp_path)["pids"]
    assert isinstance(pids, list)
    keeper = int(Path(f"/proc/{pids[0]}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGKILL)
    model.close()
    until_gone(tmp_path)


WORKER = """
import sys, time
from pathlib import Path
from tests.vllm.test_vllm_server import model_of
model_of(Path(sys.argv[1])).load()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_ends_with_its_worker(tmp_path: Path, how: signal.Signals) -> None:
    install(tmp_path)
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
        # The whole group, as an environment ends a worker.
        os.killpg(worker.pid, how)
        worker.wait()
        until_gone(tmp_path)
    finally:
        worker.kill()
        worker.wait()
        if worker.stdout is not None:
            worker.stdout.close()


def test_a_run_keeps_every_setting_in_its_manifest(workspace: Path, tmp_path: Path, vlmbench: Run) -> None:
    install(tmp_path)
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "generation_config.json").write_text('{"repetition_penalty": 1.05}', encoding="utf-8")
    entry = f"plugin: vllm\noptions: {{model: {weights}, mode: server}}\ngeneration: {{temperature: 0}}\n"
    write_yaml(workspace, "models/served", entry)
    write_yaml(workspace, "benchmarks/v", "models: [served]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    vlmbench("run", "--benchmark", "v", check=0)
    until_gone(tmp_path)
    facts = json.loads((workspace / "data/answers/served/tiny/manifest.json").read_text(encoding="utf-8"))["facts"]
    told = facts["model_facts"]
    assert told["mode"] == "server"
    assert len(told["weights"]["digest"]) == 40
    assert (told["generation"]["repetition_penalty"], told["generation"]["max_tokens"]) == (1.05, 512)
    assert told["engine"]["generation_config"] == "vllm"


def test_all_that_is_asked_and_where_exists_in_vllm() -> None:
    schema: dict[str, JsonValue] = {"type": "object"}
    options = VllmOptions(model="/m", json_schema=schema, template_options={"enable_thinking": False})
    fields = _fields(options, sampling_of(Generation(seed=1), {}), "model")
    assert {*fields, "messages"} <= RECORD["fields"]["ChatCompletionRequest"].keys()
    assert {"/health", "/v1/chat/completions"} <= {*RECORD["paths"]}
