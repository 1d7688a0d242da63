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
from vlmbench_assets.environments.in_use import LOCK, USED, nobodys
from vlmbench_assets.environments.options import DockerOptions
from vlmbench_assets.workspace import cache_folder
from vlmbench_sdk import Check, Environment, EnvironmentUnavailableError, Options
from vlmbench_sdk.plugin_specs import resolve

MADE = ("environments", "boxes", "boxes/uv", "images")
"""Folders of the cache that hold what environments make."""
BESIDE = (LOCK, USED, ".log")
FOLDERS = ("uv", "digests")
"""What lies in these folders and is not made for one environment."""
UNFINISHED = (".new", ".sources")
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
    """`made`, `not made`, `1 of 2 made` where models change its options or bring different plugins, `nothing to make`,
    or why that cannot be known."""
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

    @property
    def options(self) -> str:
        """The environment's options with what the model changes, to compare."""
        return self.environment.options.model_dump_json()


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
        for use in {use.options: use for use in uses}.values():
            gpus = any(other.gpus for other in uses if other.options == use.options)
            checks += [check for check in use.environment.check(gpus=gpus) if check not in checks]
        yield EnvironmentState(name, entry.kind, tuple(use.name for use in uses), _state(uses), tuple(checks))


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
        all_options = [use.environment.options for use in uses[name]]
        built = [each for each in all_options if isinstance(each, DockerOptions) and each.dockerfile]
        for image, dockerfile in dict.fromkeys((each.image, each.dockerfile) for each in built):
            if again or not is_here(image):
                say(f"environment {name}: building {image} from {dockerfile}")
                build_image(image, bench.workspace.root / dockerfile, arguments, say)
        for use in _distinct(uses[name]):
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


@dataclass(frozen=True, slots=True)
class Pruned:
    """What `prune` did, or would do."""

    gone: tuple[Path, ...]
    kept: tuple[Path, ...]
    """What is old enough, but in use now."""
    freed: int
    """Bytes."""


def prune(days: float, *, dry_run: bool) -> Pruned:
    """Throw away what was made for environments and not used for some days; never what is made or used now."""
    gone: list[Path] = []
    kept: list[Path] = []
    freed = 0
    for path in sorted(path for name in MADE for path in (cache_folder() / name).glob("*")):
        if path.suffix in BESIDE or path.name in FOLDERS or not _is_older(path, days):
            continue
        with nobodys(path) as free:
            # Looked at again, now that nobody else can use it: somebody may have, or thrown it away.
            if not free or not _is_older(path, days):
                kept += [] if free else [path]
                continue
            gone.append(path)
            freed += _size(path)
            if not dry_run:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    return Pruned(tuple(gone), tuple(kept), freed)


def _is_older(path: Path, days: float) -> bool:
    """Whether something was not used for so long. What is being made is left alone for a day at least."""
    least = 1.0 if path.suffix in UNFINISHED else 0.0
    try:
        return time.time() - path.stat().st_mtime >= max(days, least) * DAY_S
    except FileNotFoundError:
        return False


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(each.lstat().st_size for each in files if not each.is_dir())


def _distinct(uses: Sequence[Use]) -> list[Use]:
    """One use of each software: a model may change its environment's options."""
    return list({(use.options, use.distributions): use for use in uses}.values())


def _state(uses: Sequence[Use]) -> str:
    if not uses[0].environment.makes:
        return "nothing to make"
    try:
        made = [bool(use.environment.lock(use.distributions)) for use in _distinct(uses)]
    except EnvironmentUnavailableError as error:
        return error.what
    if any(made):
        return "made" if all(made) else f"{sum(made)} of {len(made)} made"
    return "not made"
