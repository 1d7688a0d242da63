"""Which GPUs this machine has, or which of them this process may use."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache

from vlmbench_sdk import EnvironmentUnavailableError

GPUS_VARIABLE = "VLMBENCH_GPUS"
"""Environment variable that names the GPUs to use by index or UUID, such as `0,1`; others are left alone. Where
there is no `nvidia-smi`, the names stand for simulated GPUs, to try leases and shards out."""
CUDA_VARIABLE = "CUDA_VISIBLE_DEVICES"
QUERY = ("--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits")
PATIENCE_S = 60.0
"""The first `nvidia-smi` after a start of the machine loads the driver, which takes many seconds."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU."""

    id: str
    """What programs call it by: its index in the order of the PCI bus."""
    key: str
    """What it is called in locks: its UUID, which stays the same in every process, or its id."""
    name: str = ""
    memory_mib: int | None = None


def find_gpus() -> tuple[Gpu, ...]:
    """The GPUs that workers of this process may be given.

    Raises:
        EnvironmentUnavailableError: When one is named that does not exist.
    """
    installed = _installed()
    for variable in (GPUS_VARIABLE, CUDA_VARIABLE):
        if variable in os.environ:
            # Who started this process chose for it, as a batch system does with the second variable.
            names = dict.fromkeys(name.strip() for name in os.environ[variable].split(",") if name.strip())
            simulated = variable == GPUS_VARIABLE and not installed
            return tuple(dict.fromkeys(_named(name, installed, variable, simulated=simulated) for name in names))
    return installed


def enough_gpus(count: int, where: str) -> tuple[Gpu, ...]:
    """The GPUs that one worker's may be chosen from.

    Raises:
        EnvironmentUnavailableError: When there are fewer than it asks for.
    """
    found = find_gpus()
    if len(found) < count:
        there = f"only {len(found)} of them" if found else "none"
        raise EnvironmentUnavailableError(
            f"the model asks for {count} GPU{'s' if count > 1 else ''}, and there is {there} here",
            where=where,
            fix=f"Run it where `nvidia-smi` shows enough, look at {GPUS_VARIABLE} and {CUDA_VARIABLE}, "
            "or lower `gpus` in the model's entry",
        )
    return found


@cache
def _installed() -> tuple[Gpu, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        done = subprocess.run([program, *QUERY], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentUnavailableError(f"`nvidia-smi` does not answer ({error})", where="GPUs") from error
    if done.returncode != 0:
        # Also where the program is installed and there is no GPU or driver.
        return ()
    return gpus_of(done.stdout)


def gpus_of(listing: str) -> tuple[Gpu, ...]:
    """Read what `nvidia-smi` says: index, UUID, name and memory of one GPU a line."""
    found = []
    for line in listing.splitlines():
        index, _, rest = line.partition(",")
        uuid, _, rest = rest.partition(",")
        # A name may hold a comma; memory is `[N/A]` where the GPU shares the machine's.
        name, _, memory = rest.rpartition(",")
        if index.strip().isdigit() and uuid.strip():
            size = int(memory) if memory.strip().isdigit() else None
            found.append(Gpu(index.strip(), uuid.strip(), name.strip(), size))
    return tuple(found)


def _named(name: str, installed: tuple[Gpu, ...], variable: str, *, simulated: bool) -> Gpu:
    for gpu in installed:
        # CUDA takes the beginning of a UUID for the whole.
        if name == gpu.id or (name.startswith("GPU-") and gpu.key.startswith(name)):
            return gpu
    if simulated and _NAME.fullmatch(name):
        return Gpu(name, name)
    known = ", ".join(gpu.id for gpu in installed) or "none"
    raise EnvironmentUnavailableError(
        f"there is no GPU {name!r}; there are: {known}", where=variable, fix="Correct or unset the variable"
    )
