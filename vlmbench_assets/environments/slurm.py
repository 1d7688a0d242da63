"""`slurm`: a worker in a job of a cluster; the shards of a cell are one array job."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from vlmbench_assets.environments.apptainer import ApptainerEnvironment, CommandLine, explain
from vlmbench_assets.environments.boxed import Bind
from vlmbench_assets.environments.slurm_job import JobFolder, Task, command, remove_abandoned, submit, write_script
from vlmbench_assets.environments.slurm_ledger import reap, write_down
from vlmbench_assets.environments.slurm_options import ApptainerInside, SlurmOptions
from vlmbench_assets.environments.slurm_watch import SlurmJob, Watched
from vlmbench_assets.environments.venv import VenvEnvironment
from vlmbench_sdk import Check, Environment, EnvironmentUnavailableError, Handle, Launch, Outcome, Prepared
from vlmbench_sdk.plain_files import last_lines
from vlmbench_sdk.supervisor import SUPERVISE, Supervision


class SlurmEnvironment(Environment[SlurmOptions]):
    """Jobs of a cluster, each with its own resources; what they import is made on the submitting machine."""

    leases_gpus: ClassVar[bool] = False

    def identity(self, distribution: str) -> str:
        """What the job's worker runs in; where and with how much memory changes no answer."""
        return f"slurm {self._inner.identity(distribution)}"

    def lock(self, distributions: tuple[str, ...]) -> str:
        """Digest of what the worker runs in, where it was made before."""
        return self._inner.lock(distributions)

    def prepare(self, distributions: tuple[str, ...], say: Callable[[str], None]) -> Prepared:
        """Make what the worker runs in, in the cache, which the nodes must see at the same path."""
        if shutil.which("sbatch") is None:
            raise EnvironmentUnavailableError(
                "the program `sbatch` is not installed",
                where=f"environment {self.name}",
                fix="Run this on a login node of the cluster, or install Slurm's client commands",
            )
        return self._inner.prepare(distributions, say)

    def launch(self, prepared: Prepared, launch: Launch) -> Handle:
        """Submit one job."""
        return self.launch_all(prepared, [launch])[0]

    def launch_all(self, prepared: Prepared, launches: Sequence[Launch]) -> list[Handle]:
        """Submit one job for all, an array where they are several."""
        beside = launches[0].work.parent
        remove_abandoned(beside)
        folder = JobFolder(beside)
        try:
            write_down(self.cache, folder)
            tasks = [self._task(prepared, launch, folder, number) for number, launch in enumerate(launches)]
            write_script(folder, tasks)
            for launch in launches:
                launch.log.write_bytes(b"")
            job = submit(folder, tasks, self.options, f"environment {self.name}")
        except BaseException:
            folder.remove()
            raise
        logs = [launch.log for launch in launches]
        watched = SlurmJob(job, folder, logs, silence_s=self.options.silence_s)
        boxed = isinstance(self.options.inside, ApptainerInside)
        return [SlurmHandle(watched, task, boxed=boxed) for task in watched.tasks]

    def check(self, *, gpus: bool) -> list[Check]:  # noqa: ARG002 - GPUs are the nodes', not this machine's
        """Look for Slurm's commands, its controller and the partition, and at what the worker runs in."""
        fix = "Run this on a login node of the cluster, or install Slurm's client commands"
        for name in ("sbatch", "scancel", "scontrol"):
            if shutil.which(name) is None:
                return [Check(what=f"the program `{name}` is not installed", ok=False, fix=fix)]
        try:
            told = command("sinfo", "--noheader", "--format=%R")
        except EnvironmentUnavailableError as error:
            return [Check(what=error.what, ok=False, fix=error.fix)]
        if told.returncode != 0:
            fix = "Look whether Slurm's controller runs: `scontrol ping`"
            return [Check(what=f"Slurm does not answer ({told.stderr.strip()})", ok=False, fix=fix)]
        known = sorted(set(told.stdout.split()))
        checks = [Check(what=f"Slurm answers; its partitions are {', '.join(known)}", ok=True)]
        for name in self.options.partition.split(","):
            if name and name not in known:
                fix = "Correct `partition` of the environment"
                checks.append(Check(what=f"there is no partition {name!r}", ok=False, fix=fix))
        return [*checks, *self._inner.check(gpus=False)]

    @classmethod
    def reap(cls, cache: Path) -> list[str]:
        """Cancel jobs whose host on this machine is gone, and remove their files."""
        return reap(cache)

    @property
    def _inner(self) -> VenvEnvironment | ApptainerEnvironment:
        inside = self.options.inside
        if isinstance(inside, ApptainerInside):
            return ApptainerEnvironment(inside, name=self.name, cache=self.cache)
        return VenvEnvironment(inside, name=self.name, cache=self.cache)

    def _task(self, prepared: Prepared, launch: Launch, folder: JobFolder, number: int) -> Task:
        secrets = folder.secrets(number, launch.secrets) if launch.secrets else None
        supervision = Supervision(
            secrets=str(secrets or ""), heartbeat=str(folder.heartbeat), silence_s=self.options.silence_s
        )
        inner = self._inner
        if isinstance(inner, VenvEnvironment):
            env = {**launch.env, SUPERVISE: supervision.model_dump_json()}
            return Task(launch, CommandLine((prepared.python, *launch.arguments), env))
        # The worker can neither beat for its host nor read another one's secrets.
        binds = [Bind(folder.heartbeat, str(folder.heartbeat))]
        if secrets is not None:
            binds.append(Bind(secrets.parent, str(secrets.parent), writable=True))
        return Task(launch, inner.command(prepared, launch, supervision, binds))


class SlurmHandle(Handle):
    """One task of a job."""

    def __init__(self, job: SlurmJob, task: Watched, *, boxed: bool) -> None:
        """Take over a submitted task.

        Args:
            job: The job it belongs to.
            task: The task.
            boxed: Whether its worker runs in Apptainer.
        """
        self._job = job
        self._task = task
        self._boxed = boxed

    def wait(self, timeout_s: float) -> Outcome | None:
        """Wait at most `timeout_s` seconds; return None while the task has not ended."""
        if not self._task.over.wait(timeout_s):
            return None
        outcome = self._task.outcome
        return explain(outcome, self.log_tail()) if self._boxed and outcome is not None else outcome

    def cancel(self) -> None:
        """Cancel the task and wait until it is gone."""
        self._job.cancel(self._task)

    def line(self) -> str:
        """Where it is in Slurm's queue."""
        return f"Slurm job {self._job.job}: {self._task.state.line}"

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of what the worker and Slurm printed."""
        return last_lines(self._task.log, lines)
