"""Look after environments as a whole: check what they need, make them, and throw away what nobody uses."""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from vlmbench_assets.bench import Bench
from vlmbench_assets.environment import (
    distributions_of,
    distributions_of_metric,
    environment_named,
    environment_of,
    missing_binaries,
)
from vlmbench_assets.environments.options import DockerOptions
from vlmbench_assets.workspace import cache_folder
from vlmbench_sdk import Check, Environment, EnvironmentUnavailableError, Options
from vlmbench_sdk.plugin_specs import resolve

MADE = ("environments", "boxes", "images")
"""Folders of the cache that hold what environments make."""
DAY_S = 86400.0
ALMOST_FULL_GIB = 5.0


@dataclass(frozen=True, slots=True)
class EnvironmentState:
    """One registry entry and how it stands on this machine."""

    name: str
    kind: str
    users: tuple[str, ...]
    """Models and metrics."""
    state: str
    """`made`, `not made`, `nothing to make`, or why that cannot be known."""
    checks: tuple[Check, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether nothing is missing."""
        return all(check.ok for check in self.checks)


@dataclass(frozen=True, slots=True)
class Use:
    """A model or metric that runs in an environment."""

    name: str
    environment: Environment[Options]
    distributions: tuple[str, ...]
    gpus: bool = False


def uses_of(bench: Bench) -> dict[str, list[Use]]:
    """Environments that models and metrics use, each with its users."""
    found: dict[str, list[Use]] = {}
    for name, model in sorted(bench.catalog.models.items()):
        use = Use(name, environment_of(bench, name), distributions_of(bench, name), model.gpus > 0)
        found.setdefault(model.environment, []).append(use)
    for name, metric in sorted(bench.catalog.metrics.items()):
        if metric.environment:
            environment = environment_named(bench, metric.environment)
            use = Use(f"metric {name}", environment, distributions_of_metric(bench, name))
            found.setdefault(metric.environment, []).append(use)
    return dict(sorted(found.items()))


def look_at(bench: Bench) -> Iterator[EnvironmentState]:
    """Every environment that a model or metric uses, with what it needs."""
    for name, uses in uses_of(bench).items():
        entry = bench.catalog.environments[name]
        checks = [
            Check(what=f"the program `{program}` is not installed", ok=False, fix=f"Install it: {install}")
            for program, install in missing_binaries(entry)
        ]
        checks += uses[0].environment.check(gpus=any(use.gpus for use in uses))
        yield EnvironmentState(name, entry.kind, tuple(use.name for use in uses), _state(uses[0]), tuple(checks))


def machine_checks() -> list[Check]:
    """What every environment needs: room in the cache, and the right to write there."""
    cache = cache_folder()
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / (1 << 30)
    return [
        Check(
            what=f"{free:.0f} GiB free for environments in {cache}",
            ok=free > ALMOST_FULL_GIB,
            fix="Make room, `vlmbench env prune` helps, or move the cache with VLMBENCH_CACHE",
        ),
        Check(what=f"{existing} can be written", ok=os.access(existing, os.W_OK), fix="Give the right to write there"),
    ]


def make(
    bench: Bench, names: Sequence[str], arguments: Mapping[str, str], say: Callable[[str], None], *, again: bool
) -> None:
    """Make environments ready before anything runs: images from their Dockerfiles, and what is installed on top.

    Args:
        bench: The workspace.
        names: Which environments.
        arguments: Values of the Dockerfiles' `ARG`s.
        say: Called with lines for people.
        again: Build images again that are there.
    """
    from vlmbench_assets.environments.docker.build import build_image
    from vlmbench_assets.environments.docker.engine import is_here

    uses = uses_of(bench)
    for name in names:
        options = uses[name][0].environment.options
        if isinstance(options, DockerOptions) and options.dockerfile and (again or not is_here(options.image)):
            say(f"environment {name}: building {options.image} from {options.dockerfile}")
            build_image(options.image, bench.workspace.root / options.dockerfile, arguments, say)
        for use in {use.distributions: use for use in uses[name]}.values():
            prepared = use.environment.prepare(use.distributions, say)
            say(f"environment {name}: ready for {use.distributions[1]}, {len(prepared.packages)} packages")


def reap(bench: Bench) -> list[str]:
    """End what hosts that were killed left running, of every kind of environment."""
    kinds = {bench.catalog.environments[name].kind for name in uses_of(bench)}
    lines: list[str] = []
    for kind in sorted(kinds):
        plugin = bench.plugins.environments[kind]
        found = cast("type[Environment[Options]]", resolve(plugin.environment, owner=f"environment plugin {kind}"))
        lines += found.reap(cache_folder())
    return lines


def prune(days: float, *, dry_run: bool) -> tuple[list[Path], int]:
    """Throw away what was made for environments and not used for some days.

    Returns:
        What went, or would go, and how many bytes that is.
    """
    gone, freed = [], 0
    for folder in (cache_folder() / name for name in MADE):
        for path in sorted(folder.glob("*")):
            # The mark of use is the time of the folder or image itself; `prepare` renews it.
            if (
                path.suffix in {".lock", ".log"}
                or path.name == "uv"
                or time.time() - path.stat().st_mtime < days * DAY_S
            ):
                continue
            gone.append(path)
            freed += _size(path)
            if not dry_run:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    return gone, freed


def _age_s(path: Path) -> float:
    """Seconds since something was last prepared here; `prepare` renews the mark."""
    return time.time() - path.stat().st_mtime


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(each.lstat().st_size for each in files if not each.is_dir())


def _state(use: Use) -> str:
    try:
        return "made" if use.environment.lock(use.distributions) else "not made"
    except EnvironmentUnavailableError as error:
        return error.what
