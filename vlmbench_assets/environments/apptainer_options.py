"""Options of `kind: apptainer`; light, because every command loads them."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from vlmbench_sdk import Options

ARCHIVE = "docker-archive:"
DAEMON = "docker-daemon:"


def _absolute(value: str) -> str:
    if not Path(value).expanduser().is_absolute():
        message = f"{value!r} is not a path from the root; write it from `/` or `~`"
        raise ValueError(message)
    return value


def _image(value: str) -> str:
    if value.endswith(".sif"):
        return _absolute(value)
    if value.startswith(ARCHIVE):
        _absolute(value.removeprefix(ARCHIVE))
    return value


class ApptainerOptions(Options):
    """Options of `kind: apptainer`."""

    image: Annotated[str, AfterValidator(_image)] = Field(min_length=1)
    """A `.sif` file, the name of an image in the local Docker daemon (`docker-daemon:` before it may be left out), or
    `docker-archive:` and the path of what `docker save` wrote."""
    requirements: tuple[str, ...] = Field(default=())
    """Requirement lines, pinned, besides the SDK and the model's plugin."""
    python: str = ""
    """Python version such as `3.11`, or a path inside the image; empty takes the image's own."""
    network: Literal["none", "host"] = "none"
    """`none`: the worker has no network at all. `host`: it has this machine's."""
    readable: tuple[Annotated[str, AfterValidator(_absolute)], ...] = ()
    """Further folders the worker may read, such as weights; at the same paths inside."""
    memory: str = Field(default="", pattern=r"^(\d+[KMGkmg]?)?$")
    """Most memory of the worker, such as `8G`; needs cgroups that this user may use."""
