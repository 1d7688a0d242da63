"""What a job is submitted as: a folder beside the worker's with the script, the host's heartbeat, and secrets."""

import fcntl
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vlmbench_assets.environments.apptainer import CommandLine
from vlmbench_assets.environments.slurm_options import SlurmOptions
from vlmbench_sdk import EnvironmentUnavailableError, Launch

ANSWER_S = 30.0
"""How long a command of Slurm may take; it tries by itself for a while to reach the controller."""
NOT_THERE = 127
"""Exit status of a task whose files are not on its node."""
_PREFIX = ".slurm-"
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TMPDIR", "TZ", "SLURM_JOB_ID", "SLURM_CPUS_ON_NODE")
_DEVICES = (
    *("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"),
    *("GPU_DEVICE_ORDINAL", "ZE_AFFINITY_MASK"),
)
_SCRIPT = """\
#!/bin/bash
# Written by vlmbench; secrets stand elsewhere. Of the user's environment on the node the worker gets these:
given=()
for name in {kept} {devices}; do
    if [ -n "${{!name+x}}" ]; then given+=("$name=${{!name}}"); fi
done
for name in {devices}; do
    if [ -n "${{!name+x}}" ] && [ -n {prefix} ]; then given+=({prefix}"$name=${{!name}}"); fi
done
case "${{SLURM_ARRAY_TASK_ID:-0}}" in
{tasks}esac
"""
_TASK = """\
{number})
    cd {work} || exit {not_there}
    exec >>{log} 2>&1
    exec env -i "${{given[@]}}" {env} {argv}
    ;;
"""


@dataclass(frozen=True, slots=True)
class Task:
    """One worker of a job."""

    launch: Launch
    line: CommandLine


class JobFolder:
    """A job's files. Locked while its host lives, so that what a killed host left is known by that."""

    def __init__(self, beside: Path) -> None:
        """Make the folder; only its owner may look into it."""
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=beside))
        self._lock: BinaryIO = (self.path / "lock").open("ab")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.entry: Path | None = None
        """Where it is written down, to be removed with it."""
        self.beat(0)

    @property
    def heartbeat(self) -> Path:
        """The file that the host rewrites."""
        return self.path / "beat"

    @property
    def script(self) -> Path:
        """The job script."""
        return self.path / "job.sh"

    def printed(self, number: int) -> Path:
        """What Slurm itself says of a task, such as that it needed too much memory."""
        return self.path / f"{number}.out"

    def secrets(self, number: int, secrets: Mapping[str, str]) -> Path:
        """Write a task's secrets, for its supervisor to read and remove; its own folder, to be writable by it."""
        folder = self.path / str(number)
        folder.mkdir()
        path = folder / "secrets"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(dict(secrets), file)
        return path

    def beat(self, count: int) -> None:
        """Say that the host lives. In place, because a container sees the file and not its name."""
        self.heartbeat.write_text(str(count), encoding="ascii")

    def remember(self, job: str) -> None:
        """Keep the job's id, for whoever finds this folder after a kill -9."""
        (self.path / "job").write_text(job, encoding="ascii")

    def remove(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self.entry is not None:
            self.entry.unlink(missing_ok=True)
        self.let_go()

    def let_go(self) -> None:
        """Hold it no longer, as at the end of this process."""
        self._lock.close()


def remove_abandoned(beside: Path) -> None:
    """Cancel the jobs of killed hosts that were started from here, and remove their files."""
    for folder in beside.glob(f"{_PREFIX}*"):
        # Gone meanwhile, or Slurm does not answer: then it stays for the next time.
        with suppress(OSError, EnvironmentUnavailableError):
            remove_if_abandoned(folder)


def remove_if_abandoned(folder: Path) -> str | None:
    """Cancel the job of a host that was killed, and remove its folder; its secrets even where Slurm does not answer.

    Returns:
        The job's id, empty where none was submitted; None when the host lives.

    Raises:
        EnvironmentUnavailableError: When the job cannot be cancelled.
    """
    with (folder / "lock").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        for secrets in folder.glob("*/secrets"):
            secrets.unlink(missing_ok=True)
        remembered = folder / "job"
        job = remembered.read_text(encoding="ascii") if remembered.exists() else ""
        if job:
            told = command("scancel", job)
            if told.returncode != 0 and "Invalid job id" not in told.stderr:
                raise EnvironmentUnavailableError(
                    f"Slurm does not cancel job {job} ({_said(told.stderr)})", fix=_fix(told.stderr)
                )
        shutil.rmtree(folder, ignore_errors=True)
        return job


def write_script(folder: JobFolder, tasks: Sequence[Task]) -> None:
    """Write one script for all tasks of a job."""
    parts = [
        _TASK.format(
            number=number,
            not_there=NOT_THERE,
            log=shlex.quote(str(task.launch.log)),
            work=shlex.quote(str(task.launch.work)),
            env=shlex.join(f"{name}={value}" for name, value in task.line.env.items()),
            argv=shlex.join(task.line.argv),
        )
        for number, task in enumerate(tasks)
    ]
    text = _SCRIPT.format(
        kept=" ".join(_KEPT),
        devices=" ".join(_DEVICES),
        prefix=shlex.quote(tasks[0].line.prefix),
        tasks="".join(parts),
    )
    folder.script.write_text(text, encoding="utf-8")


def submit(folder: JobFolder, tasks: Sequence[Task], options: SlurmOptions, where: str) -> str:
    """Submit the job and return its id.

    Raises:
        EnvironmentUnavailableError: When Slurm does not take it.
    """
    work = tasks[0].launch.work
    name = re.sub(r"[^\w.-]", "_", "-".join(("vlmbench", *work.parts[-3:-1], folder.path.name.removeprefix(_PREFIX))))
    # An array of one would wait for the next round of the scheduler.
    many = len(tasks) > 1
    flags = [f"--array=0-{len(tasks) - 1}", f"--output={folder.path}/%a.out"] if many else []
    flags += [] if many else [f"--output={folder.printed(0)}"]
    flags += [f"--job-name={name}", f"--chdir={work}", f"--cpus-per-task={options.cpus}"]
    asked = {"partition": options.partition, "account": options.account, "time": options.time_limit}
    asked["mem"] = options.memory
    if gpus := tasks[0].launch.gpus_wanted:
        asked["gres"] = f"{options.gres}:{gpus}"
    flags += [f"--{option}={value}" for option, value in asked.items() if value]
    try:
        told = command(
            *("sbatch", "--parsable", "--export=NONE", "--no-requeue", "--nodes=1", "--ntasks=1"),
            *(*options.extra, *flags, str(folder.script)),
        )
    except BaseException:
        # Stopped in between: the job may be there, and nobody knows its id.
        with suppress(EnvironmentUnavailableError):
            command("scancel", f"--name={name}")
        raise
    if told.returncode != 0:
        raise EnvironmentUnavailableError(
            f"Slurm does not take the job ({_said(told.stderr)})",
            where=where,
            fix=_fix(told.stderr),
        )
    job = told.stdout.strip().partition(";")[0]
    folder.remember(job)
    return job


def command(*argv: str) -> "subprocess.CompletedProcess[str]":
    """Run one of Slurm's commands, out of reach of a terminal's Ctrl-C.

    Raises:
        EnvironmentUnavailableError: When it is not installed, or does not end.
    """
    try:
        return subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=ANSWER_S,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise EnvironmentUnavailableError(
            f"the program `{argv[0]}` is not installed",
            fix="Run this on a login node of the cluster, or install Slurm's client commands",
        ) from error
    except subprocess.TimeoutExpired as error:
        raise EnvironmentUnavailableError(
            f"`{argv[0]}` did not answer for {ANSWER_S:g} s",
            fix="Look whether Slurm's controller runs: `scontrol ping`",
        ) from error


def _fix(message: str) -> str:
    if "contact" in message and "controller" in message:
        return "Look whether Slurm's controller runs: `scontrol ping`"
    return "Correct `partition`, `account`, `time_limit`, `cpus`, `memory`, `gres` or `extra` of the environment"


def _said(message: str) -> str:
    lines = [line.removeprefix("sbatch: error: ").strip() for line in message.strip().splitlines()]
    return "; ".join(lines) or "it says nothing"
