"""Options of the built-in environments; light, because every command loads them."""

from typing import Annotated, Literal

from pydantic import Field

from vlmbench_sdk import Options

Size = Annotated[str, Field(pattern=r"^[1-9][0-9]*[mg]$")]
"""An amount of memory: `512m`, `8g`."""
Folder = Annotated[str, Field(pattern=r"^~?/[^:,]+$")]
"""An absolute path, or one in the home folder."""


class VenvOptions(Options):
    """Options of `kind: venv`."""

    requirements: tuple[str, ...] = Field(default=())
    """Requirement lines, pinned, besides the SDK and the model's plugin."""
    python: str = ""
    """Python version such as `3.11`, or the path of an interpreter; empty takes the host's."""


class DockerOptions(Options):
    """Options of `kind: docker`."""

    image: Annotated[str, Field(min_length=1, pattern=r"^[^\s-]\S*$")]
    """Name of the image, such as `vlmbench/cpu:1`; with `@sha256:…` it is pinned for everybody."""
    dockerfile: str = ""
    """A Dockerfile that `vlmbench env build` makes the image from, relative to the workspace."""
    requirements: tuple[str, ...] = ()
    """Requirement lines, pinned, besides the SDK and the model's plugin; installed once, on top of the image."""
    python: str = "python3"
    """The interpreter in the image."""
    image_packages: bool = False
    """Whether the worker also sees the packages of the image's interpreter, such as its torch or vllm."""
    network: Literal["none", "bridge", "host"] = "none"
    """The worker's network; `none` unless the model asks a server."""
    memory: Size | None = None
    """Memory limit, swap included; null takes nine tenths of the machine's."""
    cpus: float | None = Field(default=None, gt=0)
    """Cores it may use; null sets no limit."""
    pids: int = Field(default=1024, ge=16)
    """Processes and threads it may have."""
    shm: Size = "1g"
    """Shared memory, which torch's data loaders use."""
    tmp: Size = "4g"
    """Scratch space in `/tmp`; it lies in memory."""
    readable: tuple[Folder, ...] = ()
    """Further folders of this machine to read, such as one with weights; at the same paths inside."""
