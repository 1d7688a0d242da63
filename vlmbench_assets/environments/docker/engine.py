"""The Docker engine of this machine, and its errors in words."""

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from vlmbench_sdk import EnvironmentUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

NO_GPU_RUNTIME = ("could not select device driver", "Unknown runtime specified nvidia", "nvidia-container-cli")
"""What the engine says when the NVIDIA container toolkit is missing: facts of engine versions 20.10 to 28."""
NO_PROGRAM = ("executable file not found", "no such file or directory", "exec format error")


@cache
def docker_client() -> "DockerClient":
    """The engine that `DOCKER_HOST` names, or the local one.

    Raises:
        EnvironmentUnavailableError: When none answers.
    """
    import docker

    with explained("docker"):
        # A worker may be silent for hours; only the connection itself must not hang.
        return docker.from_env(timeout=60)


@contextmanager
def explained(where: str, image: str = "") -> "Iterator[None]":
    """Turn the engine's errors into ours.

    Raises:
        EnvironmentUnavailableError: In place of any error of docker-py.
    """
    import docker.errors
    import requests.exceptions

    try:
        yield
    except docker.errors.ImageNotFound as error:
        raise EnvironmentUnavailableError(
            f"the image {image} is not on this machine",
            where=where,
            fix=f"Get it with `docker pull {image}`, or make it with `vlmbench env build`",
        ) from error
    except docker.errors.APIError as error:
        raise _explain(str(error.explanation or error), where) from error
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        docker_client.cache_clear()
        if "Permission denied" in str(error):
            raise EnvironmentUnavailableError(
                "the Docker engine refuses this user", where=where, fix="Join the group `docker` and log in again"
            ) from error
        raise EnvironmentUnavailableError(
            "the Docker engine does not answer",
            where=where,
            fix="Start it (`systemctl start docker`), or set DOCKER_HOST to one that runs",
        ) from error


def is_here(name: str) -> bool:
    """Whether an image is on this machine.

    Raises:
        EnvironmentUnavailableError: When the engine does not answer.
    """
    import docker.errors

    client = docker_client()
    with explained("docker", name):
        try:
            client.images.get(name)
        except docker.errors.ImageNotFound:
            return False
        return True


def image_digest(name: str, where: str) -> str:
    """What pins an image's contents: the digest in its name, else its own id, which no registry changes.

    A name with `@sha256:…` says it itself, on machines that do not have the image, too.
    """
    if "@sha256:" in name:
        return name.rpartition("@")[2]
    client = docker_client()
    with explained(where, name):
        return str(client.images.get(name).id)


def _explain(said: str, where: str) -> EnvironmentUnavailableError:
    if any(each in said for each in NO_GPU_RUNTIME):
        return EnvironmentUnavailableError(
            "Docker cannot hand over GPUs: the NVIDIA runtime is missing",
            where=where,
            fix="Install the NVIDIA container toolkit and restart Docker; `vlmbench doctor` checks it",
        )
    if any(each in said for each in NO_PROGRAM):
        return EnvironmentUnavailableError(
            f"the image cannot run the worker's Python ({said.strip()})",
            where=where,
            fix="Name the interpreter of the image in `python`",
        )
    return EnvironmentUnavailableError(f"Docker refused: {said.strip()}", where=where)
