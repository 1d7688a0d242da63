"""`runpod`: every worker in a rented pod of its own."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from vlmbench_runpod.api import RunPodApi
from vlmbench_runpod.kit import Kit, digest, known_digest, make_kit
from vlmbench_runpod.ledger import reap
from vlmbench_runpod.plugin import RunPodOptions
from vlmbench_runpod.scripts import PYTHON
from vlmbench_runpod.tenancy import Tenancy
from vlmbench_sdk import Check, Environment, EnvironmentUnavailableError, Handle, Launch, Outcome, Prepared
from vlmbench_sdk.plain_files import last_lines

OPENSSH = "Install the OpenSSH client (apt-get install openssh-client)"


def _missing() -> list[str]:
    """Programs that are needed and not here."""
    return [program for program in ("ssh", "ssh-keygen") if shutil.which(program) is None]


class RunPodHandle(Handle):
    """A worker in a pod, looked after by a thread."""

    def __init__(self, tenancy: Tenancy, log: Path) -> None:
        """Start to rent."""
        self._tenancy, self._log = tenancy, log
        self._outcome = Outcome(kind="worker_error", detail="the RunPod plugin failed; the traceback is above")
        self._thread = threading.Thread(target=self._live, name=tenancy.name, daemon=True)
        self._thread.start()

    def _live(self) -> None:
        self._outcome = self._tenancy.live()

    def wait(self, timeout_s: float) -> Outcome | None:
        """Wait at most `timeout_s` seconds; return None while the pod is there."""
        self._thread.join(timeout_s)
        return None if self._thread.is_alive() else self._outcome

    def cancel(self) -> None:
        """Stop the worker, bring what it answered, end the pod."""
        self._tenancy.stop.set()
        self._thread.join()

    def line(self) -> str:
        """Where the pod is now."""
        return self._tenancy.line

    def facts(self) -> dict[str, str | float]:
        """What the pod cost."""
        return self._tenancy.facts()

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of the installer's and the worker's output."""
        return last_lines(self._log, lines)


class RunPodEnvironment(Environment[RunPodOptions]):
    """Isolation on somebody else's machine, by the hour."""

    leases_gpus: ClassVar[bool] = False
    scores: ClassVar[bool] = False
    _kit: Kit | None = None

    def identity(self, distribution: str) -> str:  # noqa: ARG002 - its version stands in the lineage by itself
        """The image, the entry's requirements in any order, and the Python version."""
        options = self.options
        wanted = [options.image, sorted(set(options.requirements)), options.python, options.image_packages]
        return f"runpod {digest(*wanted)}"

    def lock(self, distributions: tuple[str, ...]) -> str:
        """Digest of the resolved requirements, where they were resolved before."""
        return known_digest(self.cache, self.options, distributions)

    def prepare(self, distributions: tuple[str, ...], say: Callable[[str], None]) -> Prepared:
        """Check key and programs, end pods that a killed run left, resolve requirements; nothing is rented yet."""
        where = f"environment {self.name}"
        for program in _missing():
            raise EnvironmentUnavailableError(f"the program `{program}` is not installed", where=where, fix=OPENSSH)
        RunPodApi(self.options.api_url, where=where).check()
        try:
            for line in self.reap(self.cache):
                say(line)
        except EnvironmentUnavailableError as error:
            say(str(error))  # another run's pod must not keep this one from running, only be heard of
        kit = self._kit = make_kit(self.cache, self.options, distributions, where)
        return Prepared(digest=kit.digest, python=str(PYTHON), packages=kit.packages)

    def launch(self, prepared: Prepared, launch: Launch) -> Handle:  # noqa: ARG002 - the pod installs `self._kit`
        """Order a pod and return at once; the handle says how far it is."""
        where = f"environment {self.name}"
        if self._kit is None:
            raise EnvironmentUnavailableError("it was not prepared in this process", where=where)
        if launch.gpus_wanted and not self.options.gpu_types:
            raise EnvironmentUnavailableError(
                f"the model wants {launch.gpus_wanted} GPU(s), and `gpu_types` names none",
                where=where,
                fix="Name acceptable ones under `options`, such as gpu_types: [NVIDIA GeForce RTX 4090]",
            )
        return RunPodHandle(Tenancy(self.options, self._kit, launch, self.cache, where), launch.log)

    def check(self, *, gpus: bool) -> list[Check]:
        """Look for ssh, for the key, which is never shown, and whether the service takes it; nothing is rented."""
        checks = [Check(what=f"the program `{each}` is not installed", ok=False, fix=OPENSSH) for each in _missing()]
        try:
            RunPodApi(self.options.api_url, where="").check()
            checks.append(Check(what="RunPod takes the key in RUNPOD_API_KEY", ok=True))
        except EnvironmentUnavailableError as error:
            checks.append(Check(what=error.what, ok=False, fix=error.fix))
        if gpus and not self.options.gpu_types:
            fix = "Name acceptable ones under `options`, such as gpu_types: [NVIDIA GeForce RTX 4090]"
            checks.append(Check(what="a model wants GPUs, and `gpu_types` names none", ok=False, fix=fix))
        return checks

    @classmethod
    def reap(cls, cache: Path) -> list[str]:
        """End pods whose owner on this machine is gone."""
        return reap(cache)
