"""Where a worker runs: one interface; engines differ only in how they prepare and launch."""

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Generic, Literal, TypeVar

from pydantic import Field

from vlmbench_sdk.plugin_specs import Options
from vlmbench_sdk.records import Record

OptionsT = TypeVar("OptionsT", bound=Options)

OutcomeKind = Literal[
    "ok",
    "worker_error",
    "out_of_memory",
    "timeout",
    "node_lost",
    "cancelled",
    "environment_missing",
]
"""How a worker ended.

A shard that ends as `node_lost`, or dies without a word, is started again once for what it did not answer. A worker
that is alone is not: its answers are kept, another run asks the rest, and a person decides on what costs money.
"""


class Outcome(Record):
    """How a worker ended."""

    kind: OutcomeKind
    exit_code: int | None = None
    """Exit status; negative for a signal; null when the engine does not tell."""
    detail: str = ""
    """One sentence for people."""


class Prepared(Record):
    """A prepared environment."""

    digest: str
    """Digest of the resolved software, the same as `Environment.lock` gives from now on."""
    python: str
    """The interpreter inside the environment."""
    packages: dict[str, str] = Field(default_factory=dict)
    """Installed distributions and versions, as resolved."""


class Check(Record):
    """One thing that an environment needs of this machine."""

    what: str
    """What was looked at, and what was found."""
    ok: bool
    fix: str = ""
    """What to do where it is not."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One worker to start."""

    arguments: tuple[str, ...]
    """Arguments of the environment's Python interpreter."""
    work: Path
    """The only folder the worker writes to."""
    log: Path
    """Where the engine writes what the worker prints; not in its folder, so that it cannot put a link there."""
    readable: tuple[Path, ...] = ()
    """Folders the worker reads, such as the dataset's; at the same paths inside."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Environment variables of the worker that anybody may see."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Environment variables taken from the host's environment because an entry asks for them. They must stand in
    no command line, no description of a container or job, and no file that stays. Nothing else is handed over."""
    gpus: tuple[str, ...] = ()
    """Ids of the GPUs of this machine that the worker has leased; empty where it has none or a scheduler leases."""
    locks: tuple[Path, ...] = ()
    """Files of these GPUs that the worker's supervisor locks for as long as it lives; all in one folder, to be reached
    by the same names inside. Reading them suffices."""
    gpus_wanted: int = 0
    """How many GPUs the model asks for; engines with a scheduler of their own ask it for as many."""


class Handle(ABC):
    """A running worker."""

    @abstractmethod
    def wait(self, timeout_s: float) -> Outcome | None:
        """Wait at most `timeout_s` seconds; return None while the worker runs."""

    @abstractmethod
    def cancel(self) -> None:
        """Stop the worker: politely first, then by force. Returns when it is gone."""

    def line(self) -> str:
        """One line about where the worker is now, such as a queue; empty when there is nothing to say."""
        return ""

    def facts(self) -> dict[str, str | float]:
        """What the manifest tells of this run under `engine`, such as its cost; asked once the worker has ended."""
        return {}

    @abstractmethod
    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of what the worker printed."""


class Environment(ABC, Generic[OptionsT]):
    """One kind of environment. Subclass it in a plugin and name it in `vlmbench_environments`."""

    leases_gpus: ClassVar[bool] = True
    """Whether its workers use this machine's GPUs, which the host leases for them. False where a scheduler of its own
    gives GPUs out: `Launch.gpus` is then empty and `Launch.gpus_wanted` says how many the model asks for."""
    scores: ClassVar[bool] = True
    """Whether metrics may score here. False where only what answering leaves in the work folder comes back."""
    makes: ClassVar[bool] = True
    """Whether `prepare` makes anything; False where workers take what is there."""

    def __init__(self, options: OptionsT, *, name: str, cache: Path) -> None:
        """Keep the settings.

        Args:
            options: The entry's options.
            name: The registry entry's name, for messages.
            cache: A folder on this machine for what `prepare` makes; shared by all workspaces.
        """
        self.options = options
        self.name = name
        self.cache = cache

    @abstractmethod
    def identity(self, distribution: str) -> str:
        """Say what the worker's software is made from, without making it; quick, because every plan asks.

        Equal on any machine for equal contents: no paths, no times. The model plugin's own version and the
        SDK's are not part of it: the first stands in the lineage by itself, the second changes no answer.

        Args:
            distribution: The distribution of the model's plugin.

        Returns:
            One word for people and a digest, such as `venv 3f2a…`.

        Raises:
            EnvironmentUnavailableError: When that cannot be known on this machine now.
        """

    def lock(self, distributions: tuple[str, ...]) -> str:  # noqa: ARG002
        """Digest of the resolved software where it is prepared already; empty where that is not known yet."""
        return ""

    @abstractmethod
    def prepare(self, distributions: tuple[str, ...], say: Callable[[str], None]) -> Prepared:
        """Make the environment ready; may use the network, is done once for equal contents.

        Args:
            distributions: What the worker imports besides the entry's own requirements: the SDK and
                the distribution of the model's plugin.
            say: Called with one line for people when something takes time.

        Raises:
            EnvironmentUnavailableError: When it cannot be made, with the end of the installer's log.
        """

    @abstractmethod
    def launch(self, prepared: Prepared, launch: Launch) -> Handle:
        """Start the worker and return at once.

        Raises:
            EnvironmentUnavailableError: When the worker cannot be started.
        """

    def launch_all(self, prepared: Prepared, launches: Sequence[Launch]) -> list[Handle]:
        """Start the workers of a cell's shards; override it where one order to a scheduler is better than several.

        Raises:
            EnvironmentUnavailableError: When one cannot be started; none is left running then.
        """
        handles: list[Handle] = []
        try:
            for launch in launches:
                handles.append(self.launch(prepared, launch))  # noqa: PERF401 - those started must be known on an error
        except BaseException:
            for handle in handles:
                handle.cancel()
            raise
        return handles

    def check(self, *, gpus: bool) -> list[Check]:  # noqa: ARG002
        """Look at what the engine needs of this machine, for `vlmbench doctor`; starts nothing that stays.

        Args:
            gpus: Whether a model that uses this environment asks for GPUs.
        """
        return []

    @classmethod
    def reap(cls, cache: Path) -> list[str]:  # noqa: ARG003
        """End what hosts that were killed left running, such as containers or rented machines.

        Args:
            cache: The folder that environments of this user share.

        Returns:
            A line for people for each thing that was ended, or is left alone on purpose.

        Raises:
            EnvironmentUnavailableError: When something may be left and cannot be ended.
        """
        return []


def worker_base_env() -> dict[str, str]:
    """The variables every worker on this machine gets: where programs, home and scratch space are."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")
    return {name: os.environ[name] for name in names if name in os.environ}
