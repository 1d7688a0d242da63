"""The `slurm` environment on a real cluster of three nodes: answers, ends, queues, and every way a host can go."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from tests.cells import answer
from tests.engines.mini_slurm import MiniSlurm
from tests.engines.support import (
    IMAGE,
    answered_as_in_process,
    answers_of,
    ended,
    launch_of,
    start_cli,
    start_host,
    until,
)
from tests.support import journal_of, write_source, write_yaml
from vlmbench_assets.environments.slurm import SlurmEnvironment, SlurmHandle
from vlmbench_assets.environments.slurm_job import JobFolder, remove_abandoned
from vlmbench_assets.environments.slurm_ledger import write_down
from vlmbench_assets.environments.slurm_options import SlurmOptions
from vlmbench_assets.environments.slurm_watch import State, classify, numbers
from vlmbench_sdk import EnvironmentUnavailableError, Launch, Prepared

pytestmark = [pytest.mark.engine("slurm"), pytest.mark.usefixtures("slurm")]
HERE = Prepared(digest="", python=sys.executable)
"""The tests' own interpreter, which every node of this cluster has."""
OPTIONS = "{memory: 500M, silence_s: 2}"
WAITS = "Path(work, 'ready').touch(); time.sleep(600)"


def start(options: SlurmOptions, *launches: Launch) -> list[SlurmHandle]:
    environment = SlurmEnvironment(options, name="own", cache=launches[0].work.parent / "cache")
    handles = environment.launch_all(HERE, launches)
    assert all(isinstance(handle, SlurmHandle) for handle in handles)
    return [handle for handle in handles if isinstance(handle, SlurmHandle)]


def left_in(folder: Path) -> list[Path]:
    """Files of jobs beside a worker's folder."""
    return list(folder.rglob(".slurm-*"))


def slow_cell(root: Path) -> None:
    """A cell of which a few answers come soon, and the last ones not before a minute."""
    write_yaml(root, "environments/own", f"kind: slurm\noptions: {OPTIONS}\n")
    write_yaml(root, "models/echo", "plugin: echo\nenvironment: own\noptions: {answer: '{field}', latency_ms: 300}\n")
    write_source(root, 200)


def answered(root: Path) -> int:
    journal = journal_of(root, "echo")
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def test_a_cell_is_answered_as_in_process(slurm: MiniSlurm, workspace: Path, shared: Path) -> None:
    answered_as_in_process(workspace, shared, f"kind: slurm\noptions: {OPTIONS}\n")
    assert not left_in(workspace)
    assert not slurm.jobs()


@pytest.mark.engine("apptainer")
def test_a_cell_in_an_image_is_answered_as_in_process(
    slurm: MiniSlurm, workspace: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLMBENCH_CACHE", str(shared))
    inside = f"{{kind: apptainer, image: '{IMAGE}'}}"
    options = f"{{memory: 1G, silence_s: 2, inside: {inside}}}"
    write_yaml(workspace, "environments/own", f"kind: slurm\noptions: {options}\n")
    write_yaml(workspace, "models/boxed", "extends: echo\nenvironment: own\n")
    for model in ("boxed", "echo"):
        answer(workspace, model, "tiny")
    assert answers_of(workspace, "boxed") == answers_of(workspace, "echo")
    manifest = json.loads((workspace / "data/answers/boxed/tiny/manifest.json").read_text(encoding="utf-8"))
    assert manifest["lineage"]["environment"].startswith("slurm apptainer ")
    assert not slurm.jobs()


def test_exit_status_and_log_come_back(tmp_path: Path) -> None:
    launch = launch_of(tmp_path, "print('last words'); sys.exit(3)")
    (handle,) = start(SlurmOptions(), launch)
    outcome = ended(handle)
    assert (outcome.kind, outcome.exit_code) == ("worker_error", 3)
    assert "last words" in handle.log_tail()
    assert not left_in(tmp_path)


def test_too_much_memory_is_named(tmp_path: Path) -> None:
    launch = launch_of(tmp_path, "block = b'1' * (600 << 20); time.sleep(600)")
    (handle,) = start(SlurmOptions(memory="300M"), launch)
    outcome = ended(handle)
    assert outcome.kind == "out_of_memory"
    assert "exceeded memory limit" in handle.log_tail()


def test_an_array_is_one_job_and_its_tasks_end_by_themselves(tmp_path: Path) -> None:
    body = "print('on', os.environ['CUDA_VISIBLE_DEVICES']); sys.exit({status})"
    launches = [
        launch_of(tmp_path / name, body.format(status=status), gpus_wanted=2) for name, status in (("a", 0), ("b", 4))
    ]
    first, second = start(SlurmOptions(), *launches)
    assert first.line().split(":")[0] == second.line().split(":")[0]
    assert (ended(first).kind, ended(second).exit_code) == ("ok", 4)
    assert [launch.log.read_text(encoding="utf-8") for launch in launches] == ["on 0,1\n", "on 0,1\n"]
    assert not left_in(tmp_path)


def test_a_job_waits_in_the_queue_and_is_cancelled(slurm: MiniSlurm, tmp_path: Path) -> None:
    alone = SlurmOptions(extra=("--nodelist=n1",))
    first_launch = launch_of(tmp_path / "a", WAITS, gpus_wanted=2)
    (first,) = start(alone, first_launch)
    until((first_launch.work / "ready").exists)
    (second,) = start(alone, launch_of(tmp_path / "b", WAITS, gpus_wanted=2))
    until(lambda: second.line().endswith(": PENDING (Resources)"), second.line())
    until(lambda: first.line().endswith(": RUNNING on n1"), first.line())
    for handle in (second, first):
        handle.cancel()
        assert ended(handle).kind == "cancelled"
    assert not slurm.jobs()
    assert not left_in(tmp_path)


def test_a_job_that_somebody_else_cancels_is_told(slurm: MiniSlurm, tmp_path: Path) -> None:
    launch = launch_of(tmp_path, WAITS)
    (handle,) = start(SlurmOptions(), launch)
    until((launch.work / "ready").exists)
    slurm.client("scancel", "--user=root")
    outcome = ended(handle)
    assert outcome.kind == "cancelled"
    assert "somebody else" in outcome.detail


def test_a_lost_node_is_worth_another_try(slurm: MiniSlurm, tmp_path: Path) -> None:
    launch = launch_of(tmp_path, WAITS)
    (handle,) = start(SlurmOptions(extra=("--nodelist=n3",)), launch)
    until((launch.work / "ready").exists)
    slurm.client("scontrol", "update", "nodename=n3", "state=down", "reason=test")
    try:
        assert ended(handle).kind == "node_lost"
    finally:
        slurm.client("scontrol", "update", "nodename=n3", "state=resume")


def test_the_controller_may_be_away_for_a_while(slurm: MiniSlurm, tmp_path: Path) -> None:
    launch = launch_of(tmp_path, "Path(work, 'ready').touch()\nwhile not Path(work, 'go').exists(): time.sleep(0.05)")
    (handle,) = start(SlurmOptions(silence_s=2), launch)
    until((launch.work / "ready").exists)
    slurm.end("slurmctld")
    # Longer than the silence: the host beats on while Slurm does not answer.
    assert handle.wait(4.0) is None
    slurm.start_controller()
    (launch.work / "go").touch()
    assert ended(handle).kind == "ok"


def test_secrets_are_seen_by_the_worker_only(slurm: MiniSlurm, tmp_path: Path) -> None:
    body = "Path(work, 'ready').write_text(os.environ['WORD'])\nwhile not Path(work, 'go').exists(): time.sleep(0.05)"
    launch = launch_of(tmp_path, body, secrets={"WORD": "hush-hush"})
    (handle,) = start(SlurmOptions(), launch)
    until((launch.work / "ready").exists)
    until(lambda: (launch.work / "ready").read_text(encoding="utf-8") == "hush-hush")
    (folder,) = left_in(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    files = [path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()]
    job = slurm.jobs()[0].split()[0]
    files += [slurm.client("scontrol", "show", "job", job), slurm.client("scontrol", "write", "batch_script", job, "-")]
    assert "vlmbench_sdk.supervisor" in files[-1]
    assert not [text for text in files if "hush-hush" in text]
    (launch.work / "go").touch()
    assert ended(handle).kind == "ok"


def test_ctrl_c_cancels_the_job(slurm: MiniSlurm, workspace: Path, shared: Path) -> None:
    slow_cell(workspace)
    command = start_cli(workspace, shared, "run")
    until(lambda: answered(workspace) > 1)
    os.killpg(command.pid, signal.SIGINT)
    output, _ = command.communicate(timeout=60)
    assert command.returncode != 0, output
    assert not slurm.jobs()
    assert not left_in(workspace)


def test_a_killed_hosts_job_ends_and_the_next_run_goes_on(
    slurm: MiniSlurm, workspace: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLMBENCH_CACHE", str(shared))
    slow_cell(workspace)
    host = start_host(workspace, "echo")
    until(lambda: answered(workspace) > 1)
    host.kill()
    host.communicate()
    until(lambda: not slurm.jobs(), "the job runs on without its host")
    assert len(left_in(workspace)) == 1
    asked_before = answered(workspace)
    write_yaml(workspace, "models/echo", "plugin: echo\nenvironment: own\noptions: {answer: '{field}'}\n")
    answer(workspace, "echo", "tiny")
    assert len(answers_of(workspace, "echo")) == 200
    assert answered(workspace) == 200 > asked_before
    assert not left_in(workspace)


def test_what_a_killed_host_left_in_the_queue_is_cancelled(slurm: MiniSlurm, tmp_path: Path) -> None:
    left, held = JobFolder(tmp_path), JobFolder(tmp_path)
    jobs = [slurm.client("sbatch", "--parsable", "--output=/dev/null", "--wrap=sleep 600").strip() for _ in range(2)]
    for folder, job in zip((left, held), jobs, strict=True):
        folder.remember(job)
    left.let_go()
    remove_abandoned(tmp_path)
    assert left_in(tmp_path) == [held.path]
    until(lambda: [line.split()[0] for line in slurm.jobs()] == jobs[1:], "the abandoned job is still there")
    slurm.client("scancel", jobs[1])
    held.remove()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (SlurmOptions(memory="900G"), "Memory specification can not be satisfied; .* is not available"),
        (SlurmOptions(partition="none"), "Invalid partition name"),
    ],
)
def test_what_slurm_refuses_is_said_in_its_words(tmp_path: Path, options: SlurmOptions, message: str) -> None:
    with pytest.raises(EnvironmentUnavailableError, match=message):
        start(options, launch_of(tmp_path, "pass"))
    assert not left_in(tmp_path)


def test_files_that_a_node_does_not_have_are_named(tmp_path: Path) -> None:
    environment = SlurmEnvironment(SlurmOptions(), name="own", cache=tmp_path / "cache")
    nowhere = Prepared(digest="", python=str(tmp_path / "not/there/python"))
    outcome = ended(environment.launch(nowhere, launch_of(tmp_path, "pass")))
    assert outcome.kind == "environment_missing"
    assert "folders that the nodes share" in outcome.detail


def test_without_slurm_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    environment = SlurmEnvironment(SlurmOptions(), name="own", cache=tmp_path)
    with pytest.raises(EnvironmentUnavailableError, match="environment own: the program `sbatch` is not installed"):
        environment.prepare(("vlmbench-sdk",), print)


@pytest.mark.parametrize("option", ["--mem=9G", "--exp=ALL", "--no", "-p main", "qos", "--qos=a\nb", "--"])
def test_further_options_neither_override_nor_hide_ours(option: str) -> None:
    with pytest.raises(ValidationError):
        SlurmOptions(extra=(option,))


@pytest.mark.parametrize(
    ("state", "printed", "kind"),
    [
        (State("OUT_OF_MEMORY", signal=125), "", "out_of_memory"),
        (State("FAILED", signal=9), "slurmstepd: error: exceeded memory limit (9 > 8)", "out_of_memory"),
        (State("FAILED", signal=9), "", "worker_error"),
        (State("TIMEOUT", signal=15), "", "timeout"),
        (State("PREEMPTED", signal=15), "", "node_lost"),
        (State("BOOT_FAIL"), "", "node_lost"),
        (State("FAILED", signal=53), "", "environment_missing"),
    ],
)
def test_states_that_a_small_cluster_does_not_show(state: State, printed: str, kind: str) -> None:
    assert classify("1", state, printed, cancelled=False).kind == kind


def test_ranges_of_an_array() -> None:
    assert numbers("0-2,5%2") == [0, 1, 2, 5]


def test_env_reap_finds_what_a_killed_host_left_anywhere(slurm: MiniSlurm, tmp_path: Path) -> None:
    cache, beside = tmp_path / "cache", tmp_path / "a cell"
    beside.mkdir()
    left, held = JobFolder(beside), JobFolder(beside)
    for folder in (left, held):
        write_down(cache, folder)
        folder.secrets(0, {"WORD": "hush-hush"})
    job = slurm.client("sbatch", "--parsable", "--output=/dev/null", "--hold", "--wrap=sleep 600").strip()
    left.remember(job)
    left.let_go()
    assert SlurmEnvironment.reap(cache) == [f"slurm: cancelled job {job}, which a killed run left behind"]
    assert left_in(beside) == [held.path]
    until(lambda: job not in " ".join(slurm.jobs()), "the abandoned job is still there")
    held.remove()
    assert not list((cache / "slurm").iterdir())
    assert SlurmEnvironment.reap(cache) == []


def test_a_secret_goes_even_where_slurm_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    left = JobFolder(tmp_path)
    write_down(tmp_path / "cache", left)
    secrets = left.secrets(0, {"WORD": "hush-hush"})
    left.remember("1")
    left.let_go()
    with pytest.raises(EnvironmentUnavailableError, match=r"may still be there: the program `scancel`"):
        SlurmEnvironment.reap(tmp_path / "cache")
    assert not secrets.exists()
    assert left_in(tmp_path) == [left.path]


def test_doctor_looks_at_the_cluster(tmp_path: Path) -> None:
    def missing(**options: str) -> list[str]:
        environment = SlurmEnvironment(SlurmOptions.model_validate(options), name="cluster", cache=tmp_path)
        return [check.what for check in environment.check(gpus=True) if not check.ok]

    assert missing() == []
    assert missing(partition="none") == ["there is no partition 'none'"]
