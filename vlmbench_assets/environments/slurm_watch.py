"""Watch a job: beat for it, ask Slurm how it does, and say how each of its tasks ended."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from vlmbench_assets.environments.slurm_job import NOT_THERE, JobFolder, command
from vlmbench_sdk import EnvironmentUnavailableError, Outcome

PATIENCE_S = 300.0
"""How long Slurm's controller may be away, as while it is updated."""
ENDED = {
    "COMPLETED": "ok",
    "FAILED": "worker_error",
    "OUT_OF_MEMORY": "out_of_memory",
    "TIMEOUT": "timeout",
    "DEADLINE": "timeout",
    "NODE_FAIL": "node_lost",
    "PREEMPTED": "node_lost",
    "BOOT_FAIL": "node_lost",
    "LAUNCH_FAILED": "node_lost",
    "REVOKED": "node_lost",
    "CANCELLED": "cancelled",
}
"""States of a job that has ended, and what they mean here."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 2.0
_NO_LOG = 53
"""The signal in a job's exit code when slurmstepd could not open the output file."""
_TAIL = 64 << 10
_AFTER_SILENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class State:
    """What Slurm says of a task."""

    name: str
    code: int = 0
    signal: int = 0
    reason: str = ""
    node: str = ""

    @property
    def line(self) -> str:
        """For people."""
        if self.node and self.name != "PENDING":
            return f"{self.name} on {self.node}"
        return self.name if self.reason in ("", "None") else f"{self.name} ({self.reason})"


@dataclass(slots=True)
class Watched:
    """One task, until its end is known."""

    number: int
    log: Path
    state: State = field(default_factory=lambda: State("PENDING"))
    outcome: Outcome | None = None
    over: threading.Event = field(default_factory=threading.Event)
    cancelled: bool = False


class SlurmJob:
    """A submitted job; one thread beats, so that a slow answer of Slurm stops no worker, and another asks."""

    def __init__(
        self, job: str, folder: JobFolder, logs: Sequence[Path], *, silence_s: float, patience_s: float = PATIENCE_S
    ) -> None:
        """Begin to watch."""
        self.job = job
        self.silence_s = silence_s
        self.tasks = [Watched(number, log) for number, log in enumerate(logs)]
        self._folder = folder
        self._patience_s = patience_s
        self._silent = threading.Event()
        self._hurry = threading.Event()
        self._beating = threading.Thread(target=self._beat, name=f"heartbeat of job {job}", daemon=True)
        self._beating.start()
        threading.Thread(target=self._watch, name=f"watch of job {job}", daemon=True).start()

    def cancel(self, task: Watched) -> None:
        """Cancel a task and wait until Slurm has ended it, or its own supervisor must have."""
        task.cancelled = True
        deadline = time.monotonic() + self.silence_s + _AFTER_SILENCE_S
        while not task.over.is_set() and time.monotonic() < deadline:
            try:
                command("scancel", self.job if len(self.tasks) == 1 else f"{self.job}_{task.number}")
            except EnvironmentUnavailableError:
                # The controller is away; without heartbeats the worker ends itself.
                self._stop_beating()
            self._hurry.set()
            task.over.wait(10.0)

    def _beat(self) -> None:
        count = 0
        while not self._silent.wait(min(10.0, self.silence_s / 6)):
            count += 1
            # A full disk must not end the beating; the next one may find room.
            with suppress(OSError):
                self._folder.beat(count)

    def _stop_beating(self) -> None:
        if all(task.cancelled or task.over.is_set() for task in self.tasks):
            self._silent.set()

    def _watch(self) -> None:
        try:
            self._until_all_ended()
        finally:
            # Nobody must wait for ever, whatever went wrong here.
            for task in self.tasks:
                if not task.over.is_set():
                    self._end(task, Outcome(kind="node_lost", detail=f"Slurm job {self.job} is watched no longer"))

    def _until_all_ended(self) -> None:
        pause, heard = _FIRST_PAUSE_S, time.monotonic()
        while open_ := [task for task in self.tasks if not task.over.is_set()]:
            try:
                found = states_of(self.job)
            except EnvironmentUnavailableError as error:
                if time.monotonic() - heard > self._patience_s:
                    for task in open_:
                        self._end(task, Outcome(kind="node_lost", detail=f"Slurm no longer answers: {error}"))
                found = None
            else:
                heard = time.monotonic()
            changed = found is not None and self._take(open_, found)
            pause = _FIRST_PAUSE_S if changed else min(pause * 1.5, _LONGEST_PAUSE_S)
            if self._hurry.wait(pause):
                self._hurry.clear()
                pause = _FIRST_PAUSE_S

    def _take(self, open_: list[Watched], found: dict[int, State]) -> bool:
        """Note what Slurm says; whether anything changed."""
        changed = False
        for task in open_:
            state = found.get(task.number)
            if state is None:
                detail = f"Slurm has forgotten job {self.job}; its end was not seen"
                self._end(task, Outcome(kind="node_lost", detail=detail))
                continue
            changed = changed or state != task.state
            task.state = state
            if state.name in ENDED:
                printed = self._keep_what_slurm_said(task)
                self._end(task, classify(self.job, state, printed, cancelled=task.cancelled))
        return changed

    def _keep_what_slurm_said(self, task: Watched) -> str:
        """Add it to the worker's log, which is what people read."""
        try:
            said = self._folder.printed(task.number).read_bytes()[-_TAIL:]
            if said:
                with task.log.open("ab") as log:
                    log.write(said)
        except OSError:
            return ""
        return said.decode("utf-8", "replace")

    def _end(self, task: Watched, outcome: Outcome) -> None:
        task.outcome = outcome
        if all(each.outcome is not None for each in self.tasks):
            self._silent.set()
            self._beating.join()
            self._folder.remove()
        task.over.set()


def states_of(job: str) -> dict[int, State]:
    """What Slurm says of each task of a job; empty when it knows the job no longer.

    Raises:
        EnvironmentUnavailableError: When it does not answer.
    """
    told = command("scontrol", "--oneliner", "show", "job", job)
    if told.returncode == 0:
        return dict(_of_controller(told.stdout))
    if "Invalid job id" not in told.stderr:
        raise EnvironmentUnavailableError(told.stderr.strip() or "scontrol says nothing")
    told = command(
        "sacct", "--noheader", "--parsable2", "--allocations", "-j", job, "-o", "JobID,State,ExitCode,NodeList"
    )
    return dict(_of_accounting(told.stdout)) if told.returncode == 0 else {}


def _of_controller(text: str) -> Iterator[tuple[int, State]]:
    for line in text.splitlines():
        facts = dict(each.split("=", 1) for each in line.split() if "=" in each)
        if "JobState" not in facts:
            continue
        code, _, signal = facts.get("ExitCode", "0:0").partition(":")
        reason = facts.get("Reason", "")
        state = State(
            facts["JobState"], int(code), int(signal), reason, facts.get("NodeList", "").replace("(null)", "")
        )
        for number in numbers(facts.get("ArrayTaskId", "0")):
            yield number, state


def _of_accounting(text: str) -> Iterator[tuple[int, State]]:
    for line in text.splitlines():
        job, name, exit_code, node = line.split("|")
        code, _, signal = exit_code.partition(":")
        number = job.partition("_")[2]
        if number == "" or number.isdecimal():
            # A state may say more, as in `CANCELLED by 1000`.
            yield int(number or 0), State(name.partition(" ")[0], int(code), int(signal), node=node)


def numbers(listed: str) -> list[int]:
    """The tasks of an array's record, such as `3`, `0-2` or `0,4-6%2`."""
    found: list[int] = []
    for part in listed.partition("%")[0].split(","):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found


def classify(job: str, state: State, printed: str, *, cancelled: bool) -> Outcome:
    """Say how a task ended.

    Args:
        job: Its id.
        state: What Slurm says; one of `ENDED`.
        printed: What Slurm itself printed about it.
        cancelled: Whether this host asked for it.
    """
    what = f"Slurm job {job} on {state.node or 'no node'}"
    code = -state.signal if state.signal else state.code
    if state.name == "COMPLETED":
        return Outcome(kind="ok", exit_code=0)
    if cancelled:
        return Outcome(kind="cancelled", exit_code=code, detail=f"{what}: cancelled")
    if state.name == "CANCELLED":
        return Outcome(kind="cancelled", exit_code=code, detail=f"{what}: somebody else cancelled it")
    if state.name == "OUT_OF_MEMORY" or "exceeded memory limit" in printed:
        # Without cgroups the job has merely FAILED, by signal 9, and only slurmstepd says why.
        detail = f"{what}: the worker needed more memory than the job has; raise `memory`"
        return Outcome(kind="out_of_memory", exit_code=code, detail=detail)
    if ENDED[state.name] == "timeout":
        return Outcome(kind="timeout", exit_code=code, detail=f"{what}: it ran longer than its time limit")
    if ENDED[state.name] == "node_lost":
        return Outcome(kind="node_lost", exit_code=code, detail=f"{what}: the node was lost ({state.name})")
    if state.code == NOT_THERE or state.signal == _NO_LOG:
        detail = f"{what}: its files are not there; workspace and cache must lie in folders that the nodes share"
        return Outcome(kind="environment_missing", exit_code=code, detail=detail)
    how = f"ended by signal {state.signal}" if state.signal else f"ended with exit status {state.code}"
    return Outcome(kind="worker_error", exit_code=code, detail=f"{what}: the worker {how}")
