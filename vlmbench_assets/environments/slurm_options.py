"""Options of `kind: slurm`; light, because every command loads them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from vlmbench_assets.environments.apptainer_options import ApptainerOptions
from vlmbench_assets.environments.options import VenvOptions
from vlmbench_sdk import Options

OWN = (
    *("--account", "--array", "--chdir", "--cpus-per-task", "--error", "--export", "--export-file", "--gpus", "--gres"),
    *("--input", "--job-name", "--mem", "--no-requeue", "--nodes", "--ntasks", "--open-mode", "--output"),
    *("--parsable", "--partition", "--requeue", "--test-only", "--time", "--wait", "--wrap"),
)
"""Options of sbatch that this project sets itself."""


def _further(value: str) -> str:
    name = value.partition("=")[0]
    if not name.startswith("--") or len(name) < len("--x") or not value.isprintable():
        message = f"{value!r} is not a long option of sbatch such as '--qos=high'"
        raise ValueError(message)
    # sbatch takes any beginning of an option for the option.
    taken = [own for own in OWN if own.startswith(name)]
    if taken:
        message = f"{value!r} would override {taken[0]}, which is set from the other options"
        raise ValueError(message)
    return value


class VenvInside(VenvOptions):
    """A virtual environment in a folder that submit host and nodes share."""

    kind: Literal["venv"] = "venv"


class ApptainerInside(ApptainerOptions):
    """A container image in a folder that submit host and nodes share."""

    kind: Literal["apptainer"] = "apptainer"


class SlurmOptions(Options):
    """Options of `kind: slurm`."""

    inside: Annotated[VenvInside | ApptainerInside, Field(discriminator="kind")] = VenvInside()
    """What a job's worker runs in: `kind: venv` or `kind: apptainer`, with the options of that kind."""
    partition: str = ""
    """Empty takes the cluster's default."""
    account: str = ""
    time_limit: str = Field(default="", pattern=r"^(\d+|(\d+-)?\d+(:\d\d){1,2}|\d+-\d+)?$")
    """As sbatch takes it: minutes, `1:30:00` or `2-12`; empty takes the partition's limit."""
    cpus: int = Field(default=1, ge=1)
    """Processor cores of a job."""
    memory: str = Field(default="", pattern=r"^(\d+[KMGT]?)?$")
    """Memory of a job, such as `16G`; empty takes the cluster's default."""
    gres: str = Field(default="gpu", pattern=r"^[\w.-]+(:[\w.-]+)?$")
    """The cluster's resource that is a GPU, such as `gpu:a100`; as many are asked for as the model says."""
    extra: tuple[Annotated[str, AfterValidator(_further)], ...] = ()
    """Further long options of sbatch, such as `--qos=high`."""
    silence_s: float = Field(default=60.0, gt=0)
    """A worker that heard nothing of its host for so long stops, in seconds."""
