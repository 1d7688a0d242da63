"""`apptainer`: a worker in a container image without a daemon and without privileges; runs on clusters too."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vlmbench_assets.environments.apptainer_checks import apptainer_checks
from vlmbench_assets.environments.apptainer_image import Image, program
from vlmbench_assets.environments.apptainer_options import ApptainerOptions
from vlmbench_assets.environments.boxed import INSIDE, Bind, Box, BoxCommand, PreparedBox, made_from
from vlmbench_assets.environments.local import LocalHandle, start_held
from vlmbench_sdk import (
    Check,
    Environment,
    EnvironmentUnavailableError,
    Handle,
    Launch,
    Outcome,
    Prepared,
    worker_base_env,
)
from vlmbench_sdk.supervisor import SUPERVISE, Supervision

_REFUSED = 255
"""Apptainer's own exit status, when it could not start the worker."""
_KILLED = 137
_WHY_REFUSED = (
    ("/dev/fuse", "this user may not open /dev/fuse", "Ask the administrator: it should have mode 0666"),
    ("cgroups", "`memory` cannot be enforced by cgroups here", "Leave it out, or set `memory` of `slurm`"),
    ("user namespace", "this user may not make user namespaces", "Ask the administrator to allow them"),
    ("subuid", "this user has no line in /etc/subuid", "Ask the administrator for one"),
)
"""What stands in Apptainer's log, what it means, and what to do."""


@dataclass(frozen=True, slots=True)
class CommandLine:
    """How to start a worker: arguments, and variables that anybody may see."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    prefix: str = ""
    """What stands before the names of variables that are meant for the inside of a container."""


class PreparedImage(PreparedBox):
    """An image, and what was installed for it."""

    sif: str


class ApptainerEnvironment(Environment[ApptainerOptions]):
    """Isolation of files, processes, packages and network, with the rights of the calling user."""

    def identity(self, distribution: str) -> str:  # noqa: ARG002 - its version stands in the lineage by itself
        """The image's contents, the entry's requirements, in any order, and the Python version."""
        options = self.options
        made = made_from(base=self._image.digest(), requirements=options.requirements, python=options.python)
        return f"apptainer {made}"

    def lock(self, distributions: tuple[str, ...]) -> str:
        """Digest of what is installed, where it was made before."""
        return self._box(distributions).lock()

    def prepare(self, distributions: tuple[str, ...], say: Callable[[str], None]) -> Prepared:
        """Convert the image and install into a folder beside it, each once for equal contents."""
        box = self._box(distributions)
        sif = self._image.sif(box.base, say)
        engine = program(self._where)

        def run(command: BoxCommand) -> "subprocess.CompletedProcess[str]":
            argv = [engine, *_FLAGS, *_privileges(), *_bound(command.binds), str(sif), *command.argv]
            env = {**worker_base_env(), **_inside(engine, command.env)}
            done = subprocess.run(
                argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
            )
            refused = explain(Outcome(kind="worker_error", exit_code=done.returncode), done.stderr)
            if refused.kind == "environment_missing":
                raise EnvironmentUnavailableError(refused.detail, where=self._where)
            return done

        made = box.prepare(run, say)
        return PreparedImage(**made.model_dump(), sif=str(sif))

    def check(self, *, gpus: bool) -> list[Check]:  # noqa: ARG002 - the worker asserts its device itself
        """Look for the program, for what it needs of the kernel, and for the image."""
        return apptainer_checks(self._image, self._where)

    def launch(self, prepared: Prepared, launch: Launch) -> Handle:
        """Start the worker in the image; it ends with this process."""
        supervision = Supervision(stdin=True, secrets="stdin", locks=tuple(map(str, launch.locks)))
        line = self.command(prepared, launch, supervision)
        process = start_held(line.argv, line.env, launch, where=self._where)
        if process.stdin is not None:
            # Where Apptainer has ended already, its log and exit status say why.
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps(dict(launch.secrets)).encode() + b"\n")
                process.stdin.flush()
        return ApptainerHandle(process, launch.log, memory=self.options.memory)

    def command(
        self, prepared: Prepared, launch: Launch, supervision: Supervision, binds: Sequence[Bind] = ()
    ) -> CommandLine:
        """How to start a worker in the image, on this machine or in a job on another one.

        Args:
            prepared: What `prepare` gave.
            launch: The worker.
            supervision: What its supervisor watches for.
            binds: Further folders for the supervisor.
        """
        if not isinstance(prepared, PreparedImage):
            message = f"{prepared!r} was not prepared by Apptainer"
            raise TypeError(message)
        engine = program(self._where)
        options = self.options
        readable = {*launch.readable, *(Path(each).expanduser() for each in options.readable)}
        readable |= {path.parent for path in launch.locks}
        mounts = [Bind(Path(prepared.folder), INSIDE)]
        mounts += [Bind(path, str(path)) for path in sorted(readable)]
        mounts += [Bind(launch.work, str(launch.work), writable=True), *binds]
        argv = [engine, *_FLAGS, *_privileges(), "--pwd", str(launch.work), *_bound(mounts)]
        if options.network == "none":
            argv += ["--net", "--network", "none"]
        if launch.gpus or launch.gpus_wanted:
            # Succeeds without a driver too: the worker asserts its device itself.
            argv += ["--nv"]
        if options.memory:
            argv += ["--memory", options.memory]
        # `--nv` shows every GPU of the machine; those of others are hidden by this only.
        devices = {"CUDA_VISIBLE_DEVICES": ",".join(launch.gpus)} if launch.gpus else {}
        env = {"LANG": "C.UTF-8", **devices, **launch.env, SUPERVISE: supervision.model_dump_json()}
        argv += [prepared.sif, prepared.python, *launch.arguments]
        return CommandLine(tuple(argv), _inside(engine, env), _prefix(engine))

    @property
    def _where(self) -> str:
        return f"environment {self.name}"

    @property
    def _image(self) -> Image:
        return Image(self.options.image, environment=self.name, cache=self.cache)

    def _box(self, distributions: tuple[str, ...]) -> Box:
        return Box(
            name=self.name,
            cache=self.cache,
            base=self._image.digest(),
            requirements=self.options.requirements,
            distributions=distributions,
            python=self.options.python,
        )


class ApptainerHandle(LocalHandle):
    """A worker in an image; Apptainer's own failures are told from the worker's."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, *, memory: str) -> None:
        """Take over a started Apptainer that writes to `log`."""
        super().__init__(process, log)
        self._memory = memory

    def wait(self, timeout_s: float) -> Outcome | None:
        """Wait at most `timeout_s` seconds; return None while the worker runs."""
        outcome = super().wait(timeout_s)
        return None if outcome is None else explain(outcome, self.log_tail(), memory=self._memory)


def explain(outcome: Outcome, log: str, *, memory: str = "") -> Outcome:
    """Say what an exit status of Apptainer means.

    Args:
        outcome: How the process ended.
        log: The end of what was printed.
        memory: The limit of memory, where there is one.
    """
    if outcome.kind != "worker_error":
        return outcome
    code = outcome.exit_code
    fatal = [line for line in log.splitlines() if line.startswith(("FATAL", "ERROR"))]
    if code == _REFUSED and fatal:
        for sign, what, fix in _WHY_REFUSED:
            if sign in "\n".join(fatal).lower():
                return Outcome(
                    kind="environment_missing", exit_code=code, detail=f"{what} ({_plain(fatal[-1])}). {fix}"
                )
        detail = f"Apptainer could not enter the image ({_plain(fatal[-1])})"
        return Outcome(kind="environment_missing", exit_code=code, detail=detail)
    if code == _KILLED and memory:
        detail = f"the worker was killed, most likely because it needed more than {memory} of memory"
        return Outcome(kind="out_of_memory", exit_code=code, detail=detail)
    if code == _KILLED:
        detail = "the worker was ended by SIGKILL; the kernel does this when memory runs out"
        return Outcome(kind="worker_error", exit_code=code, detail=detail)
    return outcome


_FLAGS = ("--quiet", "--nocolor", "exec", "--containall")


def _privileges() -> tuple[str, ...]:
    """Root of this machine must not be root of it inside; as a user, Apptainer sees to that itself."""
    return ("--userns", "--no-privs") if os.geteuid() == 0 else ()


def _bound(binds: Sequence[Bind]) -> list[str]:
    """Mount options; in the long form, because paths may hold `:` and `,`."""
    flags = []
    for each in binds:
        fields = ["type=bind", f"source={each.source}", f"destination={each.inside}"]
        quoted = [
            f'"{field.replace(chr(34), chr(34) * 2)}"' if "," in field or '"' in field else field for field in fields
        ]
        flags += ["--mount", ",".join([*quoted, *([] if each.writable else ["ro"])])]
    return flags


def _inside(engine: str, env: Mapping[str, str]) -> dict[str, str]:
    return {_prefix(engine) + name: value for name, value in env.items()}


def _prefix(engine: str) -> str:
    return f"{Path(engine).name.upper()}ENV_"


def _plain(line: str) -> str:
    return line.partition(":")[2].strip()
