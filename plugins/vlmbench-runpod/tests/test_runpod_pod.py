"""Workers in pods: containers of this machine, reached by ssh, rented from a server that speaks the interface."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.runpod_service import IMAGE, KEY, Fault, Service, docker, gateway, image_is_there, make_image, serving
from tests.support import Run, write_source, write_yaml
from vlmbench_runpod.api import RunPodApi
from vlmbench_runpod.environment import RunPodEnvironment
from vlmbench_runpod.ledger import Ledger, reap
from vlmbench_runpod.plugin import RunPodOptions
from vlmbench_sdk import EnvironmentUnavailableError, Handle, Launch, Outcome, Request
from vlmbench_sdk.job import JOB, JOURNAL, REQUESTS, RESULT, Job
from vlmbench_sdk.journal import read_journal

pytestmark = [pytest.mark.engine("docker"), pytest.mark.engine("ssh"), pytest.mark.xdist_group("runpod")]
BASE_IMAGE = "vlmbench/base:bookworm"
WORKER = ("vlmbench-sdk", "vlmbench-echo")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    if not image_is_there(IMAGE):
        make_image(BASE_IMAGE)
    monkeypatch.setenv("RUNPOD_API_KEY", KEY)
    with serving(gateway()) as found:
        yield found


class Pod:
    """An environment and one job of the model `echo` in it."""

    def __init__(self, service: Service, root: Path, **options: object) -> None:
        chosen = RunPodOptions.model_validate({"image": IMAGE, "api_url": service.url, **options})
        self.environment = RunPodEnvironment(chosen, name="pod", cache=root / "cache")
        self.cache, self.work, self.log = root / "cache", root / "a cell's work", root / "worker.log"
        self.work.mkdir(parents=True)

    def start(self, samples: int = 40, latency_ms: float = 50, answer: str = "{prompt}", **launch: object) -> Handle:
        options = {"latency_ms": latency_ms, "answer": answer}
        job = Job(model="echo", plugin="echo", options=options, digest="d")
        (self.work / JOB).write_text(job.model_dump_json(), encoding="utf-8")
        asked = [Request(sample_id=f"s{i}", images=(), prompt=f"p{i}") for i in range(samples)]
        lines = "".join(request.model_dump_json() + "\n" for request in asked)
        (self.work / REQUESTS).write_text(lines, encoding="utf-8")
        prepared = self.environment.prepare(WORKER, lambda _: None)
        arguments = ("-m", "vlmbench_sdk.runner", str(self.work / JOB))
        return self.environment.launch(prepared, Launch(arguments, self.work, self.log, **launch))  # type: ignore[arg-type]

    @property
    def answers(self) -> int:
        return len(read_journal(self.work / JOURNAL).answers)


def until(what: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def end_of(handle: Handle, seconds: float = 120) -> Outcome:
    outcome = handle.wait(seconds)
    assert outcome is not None, handle.line()
    return outcome


def test_a_benchmark_runs_in_a_pod(
    service: Service, workspace: Path, vlmbench: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "hush-hush-hush")
    write_yaml(
        workspace,
        "environments/pod",
        f"kind: runpod\noptions: {{image: '{IMAGE}', api_url: '{service.url}', requirements: [packaging==24.0]}}\n",
    )
    write_yaml(
        workspace,
        "models/echo",
        "plugin: echo\nenvironment: pod\noptions: {latency_ms: 600, answer: '${ENV:MY_TOKEN}{field}'}\n",
    )
    done = vlmbench("run", check=0)
    cell = workspace / "data/answers/echo/tiny"
    assert "hush-hush-hushf1" in (cell / "answers.csv").read_text(encoding="utf-8")
    facts = json.loads((cell / "manifest.json").read_text(encoding="utf-8"))["facts"]
    assert facts["environment"]["packages"]["packaging"] == "24.0"
    assert "dagster" not in facts["environment"]["packages"]
    assert facts["engine"]["cost_usd"] == pytest.approx(0.36 * facts["engine"]["seconds"] / 3600, abs=1e-5)
    assert facts["usage"]["samples"] > 0
    assert service.ended == [facts["engine"]["pod"]]
    assert not Ledger(tmp_path / "cache").open()
    assert "hush-hush-hush" not in "".join(service.orders)
    kept = "".join(path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file())
    assert KEY not in kept + done.stdout + done.stderr
    assert "nothing to do" in vlmbench("run", check=0).stderr


def test_answers_arrive_while_the_worker_runs_and_all_of_them_in_the_end(service: Service, tmp_path: Path) -> None:
    pod = Pod(service, tmp_path)
    picture = tmp_path / "data" / "page.png"
    picture.parent.mkdir()
    picture.write_bytes(b"x")
    handle = pod.start(60, env={"LANG": "C.UTF-8"}, readable=(picture.parent,))
    until(lambda: 0 < pod.answers < 60)
    [rented] = service.pods.values()
    assert docker("exec", rented.container, "cat", str(picture)) == "x"
    inspected = docker("inspect", rented.container)
    assert KEY not in inspected
    assert end_of(handle).kind == "ok"
    assert pod.answers == 60
    assert (pod.work / RESULT).exists()
    assert not service.pods


def test_a_secret_stands_in_no_file_and_no_description_of_the_pod(service: Service, tmp_path: Path) -> None:
    pod = Pod(service, tmp_path)
    handle = pod.start(100, answer="${ENV:WORD}", secrets={"WORD": "open-sesame-77"})
    until(lambda: pod.answers > 0)
    [rented] = service.pods.values()
    assert "open-sesame-77" not in docker("inspect", rented.container)
    found = docker("exec", rented.container, "sh", "-c", "grep -rl open-sesame-77 /opt /tmp /root || true")
    assert found.strip() in ("", str(pod.work / JOURNAL))
    handle.cancel()
    assert {answer.answer for answer in read_journal(pod.work / JOURNAL).answers} == {"open-sesame-77"}


@pytest.mark.parametrize("image", [IMAGE, "nobody/none:latest"])
def test_a_pod_that_never_starts_is_ended(service: Service, tmp_path: Path, image: str) -> None:
    service.with_containers = False
    pod = Pod(service, tmp_path, image=image, start_timeout_s=3)
    outcome = end_of(pod.start())
    assert outcome.kind == "environment_missing"
    assert "did not answer within 3 s" in outcome.detail
    assert image in outcome.detail
    assert len(service.ended) == 1
    assert not Ledger(pod.cache).open()


def test_a_pod_that_vanishes_leaves_its_answers(service: Service, tmp_path: Path) -> None:
    pod = Pod(service, tmp_path)
    handle = pod.start(400)
    until(lambda: pod.answers > 5)
    service.vanish()
    outcome = end_of(handle)
    assert outcome.kind == "node_lost"
    assert "no longer knows the pod" in outcome.detail
    assert f"its {pod.answers} answers" in outcome.detail


def test_a_broken_connection_is_a_lost_pod_that_is_ended(service: Service, tmp_path: Path) -> None:
    pod = Pod(service, tmp_path)
    handle = pod.start(400)
    until(lambda: pod.answers > 5)
    [rented] = service.pods.values()
    docker("exec", rented.container, "bash", "-c", "kill $(cat /run/sshd.pid) $(pidof sshd)")
    outcome = end_of(handle)
    assert outcome.kind == "node_lost"
    assert "connection" in outcome.detail
    assert service.ended == [rented.pod_id]


def test_cancel_ends_worker_and_pod_and_keeps_the_answers(service: Service, tmp_path: Path) -> None:
    pod = Pod(service, tmp_path)
    handle = pod.start(400)
    until(lambda: pod.answers > 0)
    handle.cancel()
    assert end_of(handle, 0).kind == "cancelled"
    assert not service.pods
    assert not Ledger(pod.cache).open()
    assert pod.answers > 0


def test_cancel_while_the_pod_is_awaited(service: Service, tmp_path: Path) -> None:
    service.with_containers = False
    pod = Pod(service, tmp_path)
    handle = pod.start()
    until(lambda: service.pods)
    handle.cancel()
    assert end_of(handle, 0).kind == "cancelled"
    assert len(service.ended) == 1


def test_a_pod_that_costs_enough_is_ended(service: Service, tmp_path: Path) -> None:
    service.price = 36  # a cent a second
    pod = Pod(service, tmp_path, max_cost_usd=0.12)
    outcome = end_of(pod.start(4000))
    assert outcome.kind == "timeout"
    assert "max_cost_usd" in outcome.detail
    assert 0 < pod.answers < 4000
    assert len(service.ended) == 1


def test_a_crash_of_the_worker_is_told_with_its_log(service: Service, tmp_path: Path) -> None:
    pod = Pod(service, tmp_path)
    handle = pod.start(answer="${ENV:NOT_THERE}")
    outcome = end_of(handle)
    assert (outcome.kind, outcome.exit_code) == ("worker_error", 1)
    assert "NOT_THERE" in handle.log_tail()
    assert not service.pods


def test_packages_of_the_image_may_be_used(service: Service, tmp_path: Path) -> None:
    pod = Pod(service, tmp_path, image_packages=True)
    handle = pod.start(60)
    until(lambda: pod.answers > 0)
    [rented] = service.pods.values()
    settings = docker("exec", rented.container, "cat", "/opt/vlmbench/venv/pyvenv.cfg")
    assert "include-system-site-packages = true" in settings
    assert end_of(handle).kind == "ok"


def test_what_the_pod_cannot_install_is_told_with_the_installers_words(service: Service, tmp_path: Path) -> None:
    pod = Pod(service, tmp_path)
    resolved = pod.environment.prepare(WORKER, lambda _: None)
    [path] = (pod.cache / "runpod" / "resolved").glob("*.txt")
    path.write_text(path.read_text("utf-8").replace("pluggy==", "pluggy==0.0."), encoding="utf-8")
    outcome = end_of(pod.start())
    assert outcome.kind == "environment_missing"
    assert "could not install" in outcome.detail
    assert "pluggy" in outcome.detail
    assert len(service.ended) == 1
    assert pod.environment.lock(WORKER) != resolved.digest


def test_a_requirement_that_does_not_exist_rents_nothing(service: Service, tmp_path: Path) -> None:
    pod = Pod(service, tmp_path, requirements=("packaging==0.0.0.1",))
    with pytest.raises(EnvironmentUnavailableError, match=r"packaging==0\.0\.0\.1"):
        pod.start()
    assert not service.orders


def test_a_refused_key_rents_nothing(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNPOD_API_KEY", "rpa_wrong")
    with pytest.raises(EnvironmentUnavailableError, match="RUNPOD_API_KEY"):
        Pod(service, tmp_path).start()
    assert not service.orders


def test_a_model_that_wants_gpus_needs_their_types(service: Service, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentUnavailableError, match="gpu_types"):
        Pod(service, tmp_path).start(gpus_wanted=2)
    service.with_containers = False
    options = {"cloud": "COMMUNITY", "data_centers": ["EU-RO-1"], "interruptible": True, "registry_auth": "clz"}
    types = ("NVIDIA GeForce RTX 4090",)
    pod = Pod(service, tmp_path / "b", gpu_types=types, start_timeout_s=1, disk_gb=80, **options)
    assert "did not answer" in end_of(pod.start(gpus_wanted=2)).detail
    [order] = [json.loads(text) for text in service.orders]
    assert (order["gpuCount"], order["gpuTypeIds"]) == (2, [*types])
    chosen = ("cloudType", "dataCenterIds", "interruptible", "containerRegistryAuthId", "containerDiskInGb")
    assert [order[name] for name in chosen] == ["COMMUNITY", ["EU-RO-1"], True, "clz", 80]


def test_a_pod_that_cannot_be_ended_stays_in_the_ledger_and_is_named(service: Service, tmp_path: Path) -> None:
    service.with_containers = False
    pod = Pod(service, tmp_path, start_timeout_s=1)
    handle = pod.start()
    until(lambda: service.pods)
    service.fail("DELETE", Fault(403, "not yours"))
    outcome = end_of(handle)
    [rented] = service.pods
    assert f"its pod {rented} may still run and cost money" in outcome.detail
    [entry] = Ledger(pod.cache).open()
    assert entry.pod == rented
    shutil.rmtree(entry.folder)


def killed_run(service: Service, workspace: Path, cache: Path, **options: float) -> None:
    """Start a run in a pod and kill -9 its host once answers arrive."""
    more = "".join(f", {name}: {value}" for name, value in options.items())
    write_yaml(
        workspace, "environments/pod", f"kind: runpod\noptions: {{image: '{IMAGE}', api_url: '{service.url}'{more}}}\n"
    )
    write_yaml(workspace, "models/echo", "plugin: echo\nenvironment: pod\noptions: {answer: x, latency_ms: 150}\n")
    write_source(workspace, 60)
    command = [sys.executable, "-m", "vlmbench_assets.cli", "run"]
    env = {**os.environ, "VLMBENCH_CACHE": str(cache)}
    host = subprocess.Popen(command, cwd=workspace, env=env, stdout=subprocess.DEVNULL, start_new_session=True)
    until(lambda: any(path.stat().st_size for path in workspace.rglob(JOURNAL)))
    os.killpg(host.pid, signal.SIGKILL)
    host.wait()


def test_after_kill_9_the_worker_ends_at_once_and_the_next_run_ends_the_pod_and_goes_on(
    service: Service, workspace: Path, vlmbench: Run, tmp_path: Path
) -> None:
    killed_run(service, workspace, tmp_path / "cache")
    [rented] = service.pods.values()
    until(lambda: "vlmbench_sdk.runner" not in docker("top", rented.container), 15)
    [journal] = workspace.rglob(JOURNAL)
    before = [answer.sample_id for answer in read_journal(journal).answers]
    assert before
    [entry] = Ledger(tmp_path / "cache").open()
    vlmbench("run", check=0)
    assert service.ended[0] == entry.pod == rented.pod_id
    assert not service.pods
    assert not Path(entry.folder).exists()
    asked = [answer.sample_id for answer in read_journal(journal).answers]
    assert asked[: len(before)] == before
    assert sorted(asked) == sorted({f"s{i}" for i in range(60)})


@pytest.mark.parametrize("limit", [{"max_hours": 0.006}, {"silence_s": 10}])
def test_a_pod_whose_host_is_gone_ends_itself(
    service: Service, workspace: Path, tmp_path: Path, limit: dict[str, float]
) -> None:
    killed_run(service, workspace, tmp_path / "cache", **limit)
    [pod_id] = service.pods
    until(lambda: service.ended, 60)
    assert service.ended == [pod_id]
    assert ("DELETE", f"/v1/pods/{pod_id}") in [(method, path) for method, path, _ in service.asked]
    assert reap(tmp_path / "cache") == []
    assert not Ledger(tmp_path / "cache").open()


def test_a_pod_whose_making_was_never_confirmed_is_found_by_name(service: Service, tmp_path: Path) -> None:
    service.with_containers = False
    keys = tmp_path / "keys"
    keys.mkdir()
    entry = Ledger(tmp_path).want("vlmbench-lost", service.url, keys)
    ghost = entry.model_copy(update={"owner_pid": 2**22 + 1})
    Ledger(tmp_path).rented(ghost, "")
    assert reap(tmp_path) == []
    assert Ledger(tmp_path).open(), "RunPod's lists lag behind: it is looked for again"
    RunPodApi(service.url, where="").create({"name": "vlmbench-lost", "imageName": IMAGE})
    [line] = reap(tmp_path)
    assert "vlmbench-lost" in line
    assert not service.pods
    assert not Ledger(tmp_path).open()
    assert not keys.exists()


def test_a_pod_that_cannot_be_reaped_is_named_and_the_others_are_ended(service: Service, tmp_path: Path) -> None:
    service.with_containers = False
    ledger = Ledger(tmp_path)
    for name in ("vlmbench-a", "vlmbench-b"):
        entry = ledger.want(name, service.url, tmp_path / name)
        pod = RunPodApi(service.url, where="").create({"name": name, "imageName": IMAGE})
        ledger.rented(entry.model_copy(update={"owner_started": "long ago"}), pod.id)
    service.fail("DELETE", Fault(403))
    with pytest.raises(EnvironmentUnavailableError, match="may still cost money"):
        reap(tmp_path)
    assert [pod.order.name for pod in service.pods.values()] == ["vlmbench-a"]
    assert [entry.name for entry in ledger.open()] == ["vlmbench-a"]


def test_reap_leaves_the_pods_of_those_who_live(service: Service, tmp_path: Path) -> None:
    service.with_containers = False
    pod = Pod(service, tmp_path)
    handle = pod.start()
    until(lambda: service.pods)
    assert RunPodEnvironment.reap(pod.cache) == []
    assert service.pods
    handle.cancel()


def test_doctor_asks_whether_the_key_is_good(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    service.with_containers = False

    def missing(*, gpus: bool = False) -> list[str]:
        options = RunPodOptions(image=IMAGE, api_url=service.url)
        checks = RunPodEnvironment(options, name="pod", cache=tmp_path).check(gpus=gpus)
        assert KEY not in "".join(check.model_dump_json() for check in checks)
        return [check.what for check in checks if not check.ok]

    assert missing() == []
    assert missing(gpus=True) == ["a model wants GPUs, and `gpu_types` names none"]
    monkeypatch.setenv("RUNPOD_API_KEY", "another-key")
    assert missing() == ["RunPod refused the key in RUNPOD_API_KEY (401)"]
    monkeypatch.delenv("RUNPOD_API_KEY")
    assert missing() == ["the environment variable RUNPOD_API_KEY is not set"]
    assert not service.pods
