"""One worker in one rented pod, from the order to the end of the pod."""

import json
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from vlmbench_runpod.addresses import is_address
from vlmbench_runpod.api import NothingRentedError, Pod, RunPodApi, Stopped
from vlmbench_runpod.budget import Budget
from vlmbench_runpod.courier import Courier
from vlmbench_runpod.kit import Kit
from vlmbench_runpod.ledger import Entry, Ledger
from vlmbench_runpod.link import UPLOAD_S, Keys, Link, LinkError
from vlmbench_runpod.order import pod_order
from vlmbench_runpod.plugin import RunPodOptions
from vlmbench_runpod.scripts import ENDS_AT, RUN, SETUP, run_script
from vlmbench_runpod.upload import work_files
from vlmbench_sdk import EnvironmentUnavailableError, Launch, Outcome, VlmBenchError
from vlmbench_sdk.job import JOURNAL
from vlmbench_sdk.journal import JournalWriter
from vlmbench_sdk.supervisor import SUPERVISE, Supervision

POLL_S = 2.0
BRING_EVERY_S = 1.0
STATUS_EVERY_S = 15.0
KNOWN_AFTER_S = 60.0
GRACE_S = 10.0
"""How long a worker that is to stop may take; its supervisor kills it after five seconds."""


@dataclass
class Tenancy:
    """One pod; `live` does everything, in a thread of its own."""

    options: RunPodOptions
    kit: Kit
    launch: Launch
    cache: Path
    where: str
    stop: threading.Event = field(default_factory=threading.Event)
    line: str = ""
    """Where it is now, for people."""

    def __post_init__(self) -> None:
        """Everything that costs nothing."""
        self.name = f"vlmbench-{secrets.token_hex(8)}"
        self.budget = Budget(self.options.max_cost_usd, self.options.max_hours)
        self.api = RunPodApi(self.options.api_url, where=self.where, stop=self.stop)
        self.pod: Pod | None = None
        self._refused = False
        # Below the system's folder for temporary files, because the name of a socket has little room.
        self.folder = Path(tempfile.mkdtemp(prefix="vlmbench-"))

    def live(self) -> Outcome:
        """Rent, run, and end the pod whatever happens in between."""
        ledger = Ledger(self.cache)
        try:
            entry = ledger.want(self.name, self.options.api_url, self.folder)
        except OSError as error:
            return Outcome(kind="environment_missing", detail=f"nothing was rented: {ledger.path}: {error}")
        try:
            keys = Keys(self.folder)
            self.line = f"{self.name}: renting a pod"
            self.pod = self.api.create(pod_order(self.options, self.launch, self.name, keys))
            ledger.rented(entry, self.pod.id)
            self.budget.price(self.pod.cost_per_hour)
            outcome = self._in_pod(keys)
        except Stopped:
            outcome = Outcome(kind="cancelled", detail="the worker was stopped")
        except NothingRentedError as error:
            self._refused = True
            outcome = Outcome(kind="environment_missing", detail=str(error))
        except EnvironmentUnavailableError as error:
            outcome = Outcome(kind="environment_missing", detail=str(error))
        except LinkError as error:
            outcome = self._lost(str(error))
        except (VlmBenchError, OSError) as error:
            outcome = Outcome(kind="worker_error", detail=str(error))
        finally:
            left = self._end(ledger, entry)
        return outcome.model_copy(update={"detail": f"{outcome.detail}; {left}".lstrip("; ")}) if left else outcome

    def facts(self) -> dict[str, str | float]:
        """What the run cost."""
        return {
            "pod": self.pod.id if self.pod else "",
            "image": self.options.image,
            "cost_per_hour_usd": self.budget.per_hour,
            "seconds": round(self.budget.seconds, 1),
            "cost_usd": round(self.budget.cost, 6),
        }

    def _end(self, ledger: Ledger, entry: Entry) -> str:
        """End the pod; return what is wrong when it may still be there."""
        api = RunPodApi(self.options.api_url, where=self.where)  # its waits do not end when the worker is stopped
        try:
            ended = 0 if self._refused else api.end(self.name, self.pod.id if self.pod else "")
        except EnvironmentUnavailableError as error:
            return f"its pod {self.pod.id if self.pod else self.name} may still run and cost money: {error}"
        finally:
            self.budget.stop()
        # A pod whose answer was lost may not be in RunPod's list yet; the next `reap` looks again.
        if self.pod or ended or self._refused:
            ledger.ended(entry)
            shutil.rmtree(self.folder, ignore_errors=True)
        return ""

    def _in_pod(self, keys: Keys) -> Outcome:
        link = self._reach(keys)
        try:
            link.share()
            # The pod's own cap follows the price from now on, so that it holds without this machine, too.
            ends = int(time.time() + self.budget.left_s)
            link.run(["bash", "-c", f"echo {ends} > {ENDS_AT}.part && mv {ENDS_AT}.part {ENDS_AT}"])
            self._say("sending files")
            link.push(self._unless_stopped(self._files()))
            self._say("installing")
            self._install(link)
            self._say(f"asking, at ${self.budget.per_hour:g} an hour")
            return self._work(link)
        finally:
            link.close()

    def _reach(self, keys: Keys) -> Link:
        """Wait until the pod lets us in."""
        until, why = time.monotonic() + self.options.start_timeout_s, "no machine was found"
        while time.monotonic() < until:
            pod = self.api.get(self.pod.id) if self.pod else None
            # What was just made may not be known everywhere yet.
            if pod or self.budget.seconds > KNOWN_AFTER_S:
                self._check(pod)
            if pod and pod.address and pod.ports and is_address(pod.address) and "22" in pod.ports:
                self._say(f"connecting to {pod.address}")
                link = Link(keys, pod.address, pod.ports["22"])
                if not (why := link.answers()):
                    return link
                why = f"it has an address, but {why}"
            elif pod:
                self._say(f"waiting for a machine and the image ({pod.last_change or pod.status})")
                why = f"RunPod's last word was {pod.last_change or pod.status!r}"
            self._pause(POLL_S)
        raise EnvironmentUnavailableError(
            f"the pod did not answer within {self.options.start_timeout_s:g} s: {why}",
            where=self.where,
            fix=f"Check that the image {self.options.image} exists and has bash and sshd or apt, or give it more "
            "time by `start_timeout_s`",
        )

    def _check(self, pod: Pod | None) -> None:
        """Raise when the pod is not meant to run any more, or too dear."""
        if pod is None:
            raise LinkError("RunPod no longer knows the pod")
        if pod.status in ("EXITED", "TERMINATED"):
            raise LinkError(f"RunPod made it {pod.status} ({pod.last_change or 'no reason given'})")
        if verdict := self.budget.verdict:
            raise EnvironmentUnavailableError(verdict, where=self.where)

    def _files(self) -> Iterator[tuple[PurePosixPath, Path | bytes]]:
        yield from self.kit.files()
        supervision = Supervision(stdin=True, secrets="stdin", longest_s=max(self.budget.left_s, 1))
        env = {**self.launch.env, SUPERVISE: supervision.model_dump_json()}
        yield RUN, run_script(self.launch.arguments, str(self.launch.work), env).encode()
        yield from work_files(self.launch)

    def _unless_stopped(
        self, files: Iterator[tuple[PurePosixPath, Path | bytes]]
    ) -> Iterator[tuple[PurePosixPath, Path | bytes]]:
        for each in files:
            self._pause(0)
            self._check(self.pod)
            yield each

    def _install(self, link: Link) -> None:
        with self.launch.log.open("wb") as log:
            setup = link.start(["bash", str(SETUP)], log)
        self._until(setup, time.monotonic() + min(UPLOAD_S, self.budget.left_s))
        if setup.returncode:
            tail = self.launch.log.read_bytes().decode("utf-8", "replace").strip()[-1500:]
            raise EnvironmentUnavailableError(
                f"the pod could not install what the model needs:\n{tail}\n",
                where=self.where,
                fix="Correct the environment's `requirements`, `python` or `image`",
            )

    def _until(self, process: "subprocess.Popen[bytes]", end: float) -> None:
        try:
            while process.poll() is None:
                if time.monotonic() > end:
                    raise LinkError("the installation in the pod did not end in time")
                self._pause(0.2)
        finally:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()

    def _work(self, link: Link) -> Outcome:
        with JournalWriter(self.launch.work / JOURNAL) as journal:
            courier = Courier(link, self.launch.work, self.folder, journal)
            with self.launch.log.open("ab") as log:
                worker = link.start(["bash", str(RUN)], log)
            with suppress(BrokenPipeError):
                if worker.stdin is not None:
                    worker.stdin.write(json.dumps(dict(self.launch.secrets)).encode() + b"\n")
                    worker.stdin.flush()
            try:
                ended = self._watch(worker, courier)
            finally:
                _let_go(worker)
            self._last_round(link, courier)
            return ended or self._classify(courier)

    def _watch(self, worker: "subprocess.Popen[bytes]", courier: Courier) -> Outcome | None:
        """Bring answers until the worker ends; return why, when that is not of its own doing."""
        brought = looked = time.monotonic()
        while worker.poll() is None:
            if self.stop.wait(0.1):
                return Outcome(kind="cancelled", detail="the worker was stopped")
            if verdict := self.budget.verdict:
                return Outcome(kind="timeout", detail=f"{verdict}; its {courier.answers} answers are kept")
            now = time.monotonic()
            if now - brought >= BRING_EVERY_S:
                with suppress(LinkError):  # the connection of the worker itself tells when the pod is gone
                    courier.bring()
                brought = time.monotonic()
            if now - looked >= STATUS_EVERY_S:
                looked = now
                if gone := self._gone():
                    return self._lost(gone, courier.answers)
        return None

    def _last_round(self, link: Link, courier: Courier) -> None:
        """Bring what came since the last round; the worker's own end may still be on its way."""
        until = time.monotonic() + GRACE_S
        while True:
            try:
                courier.bring()
            except LinkError:
                if self._gone():
                    return
                link.close()  # a new connection each time from now on
            if courier.exit_code is not None or time.monotonic() > until:
                return
            time.sleep(0.5)

    def _classify(self, courier: Courier) -> Outcome:
        code = courier.exit_code
        if code is None:
            return self._lost(self._gone() or "the connection to the pod broke", courier.answers)
        if code == 0:
            return Outcome(kind="ok", exit_code=0)
        hint = "; killed, as happens when memory runs out" if code == 137 else ""
        return Outcome(
            kind="worker_error", exit_code=code, detail=f"the worker in the pod ended with exit status {code}{hint}"
        )

    def _gone(self) -> str:
        """Why the pod is certainly gone; empty when it is there, or nobody can tell."""
        try:
            self._check(self.api.get(self.pod.id) if self.pod else None)
        except LinkError as error:
            return str(error)
        except (EnvironmentUnavailableError, Stopped):
            return ""
        return ""

    def _lost(self, why: str, answers: int | None = None) -> Outcome:
        kept = "" if answers is None else f"; its {answers} answers until then are kept"
        return Outcome(kind="node_lost", detail=f"the pod {self.pod.id if self.pod else ''} was lost: {why}{kept}")

    def _say(self, what: str) -> None:
        self.line = f"pod {self.pod.id if self.pod else self.name}: {what}"

    def _pause(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise Stopped


def _let_go(worker: "subprocess.Popen[bytes]") -> None:
    """End the worker's standard input, and so the worker; then its connection."""
    with suppress(BrokenPipeError):
        if worker.stdin is not None:
            worker.stdin.close()
    try:
        worker.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
