"""Hooks and options of the RunPod plugin."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from vlmbench_sdk import EnvironmentPlugin, Options, hookimpl

API = "https://rest.runpod.io/v1"
"""Version 1 of RunPod's REST interface: https://docs.runpod.io/api-reference/overview."""


def _https(url: str) -> str:
    from vlmbench_runpod.addresses import may_carry_a_key

    if not may_carry_a_key(url):
        message = f"{url!r} is neither https nor an address of this machine's own network; the key would be readable"
        raise ValueError(message)
    return url.rstrip("/")


class RunPodOptions(Options):
    """What to rent, and when to give it back whatever happens."""

    image: str = Field(min_length=1)
    """Image of the pod, best pinned as `NAME@sha256:…`; it has bash, tar, and either sshd or apt."""
    requirements: tuple[str, ...] = ()
    """Requirement lines of the model, besides the SDK and the model's plugin."""
    python: str = Field(default="3.11", pattern=r"^3\.\d+$")
    """Python version; taken from the image where it has it."""
    image_packages: bool = False
    """Let the worker import what the image has installed for that Python, such as torch."""
    gpu_types: tuple[str, ...] = ()
    """RunPod's ids of acceptable GPUs, such as `NVIDIA GeForce RTX 4090`; empty rents a pod without a GPU."""
    cloud: Literal["SECURE", "COMMUNITY"] = "SECURE"
    """RunPod's own data centres, or machines of others."""
    data_centers: tuple[str, ...] = ()
    """Ids of acceptable data centres; empty takes any."""
    interruptible: bool = False
    """Take a cheaper pod that RunPod may end at any time."""
    disk_gb: int = Field(default=50, ge=5)
    """Size of the pod's disk, in GB."""
    vcpus: int = Field(default=2, ge=1)
    """Processors of a pod without a GPU."""
    registry_auth: str = ""
    """RunPod's id of the credentials for a private image."""
    max_cost_usd: float = Field(default=10.0, gt=0)
    """The pod is ended when it has cost this much, in US dollars."""
    max_hours: float = Field(default=12.0, gt=0)
    """The pod is ended after this time, also by itself."""
    start_timeout_s: float = Field(default=900.0, gt=0)
    """How long it may take until the pod answers, in seconds; large images need minutes."""
    silence_s: int = Field(default=600, ge=10)
    """The pod ends itself when it has not heard of this machine for so long, in seconds."""
    api_url: Annotated[str, AfterValidator(_https)] = API
    """Where the REST interface is."""


@hookimpl
def vlmbench_environments() -> list[EnvironmentPlugin]:
    """Offer `runpod`."""
    return [
        EnvironmentPlugin(
            name="runpod",
            environment="vlmbench_runpod.environment:RunPodEnvironment",
            options=RunPodOptions,
            description="A rented pod of RunPod for each worker; ended with the worker, by cost, by time, by silence",
        )
    ]
