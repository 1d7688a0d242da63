"""Make an image from a Dockerfile."""

from collections.abc import Callable, Mapping
from pathlib import Path

from vlmbench_assets.environments.docker.engine import docker_client, explained
from vlmbench_sdk import EnvironmentUnavailableError

LOG_LINES = 15


def build_image(tag: str, dockerfile: Path, arguments: Mapping[str, str], say: Callable[[str], None]) -> str:
    """Build an image; its folder is all that the build sees.

    Args:
        tag: The image's name.
        dockerfile: Its Dockerfile.
        arguments: Values of the Dockerfile's `ARG`s.
        say: Called with every step.

    Returns:
        The image's id.

    Raises:
        EnvironmentUnavailableError: When a step fails, with the end of what it printed.
    """
    if not dockerfile.is_file():
        raise EnvironmentUnavailableError(
            "there is no such Dockerfile", where=str(dockerfile), fix="Correct `dockerfile`, relative to the workspace"
        )
    tail: list[str] = []
    with explained(str(dockerfile)):
        events = docker_client().api.build(
            path=str(dockerfile.parent),
            dockerfile=dockerfile.name,
            tag=tag,
            buildargs=dict(arguments),
            rm=True,
            forcerm=True,
            decode=True,
        )
        for event in events:
            for line in str(event.get("stream", "")).splitlines():
                tail = [*tail, line][-LOG_LINES:]
                if line.startswith("Step "):
                    say(line)
            if "error" in event:
                said = "\n".join([*tail, str(event["error"])])
                raise EnvironmentUnavailableError(
                    f"the image {tag} cannot be built:\n{said}\n", where=str(dockerfile), fix="Correct the Dockerfile"
                )
        return str(docker_client().images.get(tag).id)
