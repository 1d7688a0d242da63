"""`docker`: a worker in a locked-down container; its software installed once on top of a pinned image."""

import json
import os
import socket
import subprocess
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vlmbench_assets.environments.boxed import INSIDE, Box, BoxCommand, PreparedBox, made_from
from vlmbench_assets.environments.docker.container import (
    HOME,
    Bound,
    Order,
    create,
    labels,
    memory_limit,
    mounts,
    user,
)
from vlmbench_assets.environments.docker.engine import docker_client, explained, image_digest, is_here
from vlmbench_assets.environments.docker.handle import Attached, DockerHandle, give_back
from vlmbench_assets.environments.options import DockerOptions
from vlmbench_sdk import Check, Environment, EnvironmentUnavailableError, Handle, Launch, Prepared
from vlmbench_sdk.job import PIPES
from vlmbench_sdk.processes import process_identity
from vlmbench_sdk.supervisor import SUPERVISE, Supervision

if TYPE_CHECKING:
    from docker import DockerClient


class PreparedContainer(PreparedBox):
    """The software of a box, and the image it was installed on."""

    image: str
    """The image's id: what a name means may change while a cell runs."""


class DockerEnvironment(Environment[DockerOptions]):
    """Isolation of everything: files, network, processes, memory, and the software down to the C library."""

    def identity(self, distribution: str) -> str:  # noqa: ARG002 - its version stands in the lineage by itself
        """The image's digest, the entry's requirements, in any order, and the interpreter."""
        options = self.options
        base = image_digest(options.image, self._where)
        python = f"{options.python}{' and the image' if options.image_packages else ''}"
        return f"docker {made_from(base=base, requirements=options.requirements, python=python)}"

    def lock(self, distributions: tuple[str, ...]) -> str:
        """Digest of the installed versions, where they were installed before."""
        return self._box(distributions).lock()

    def prepare(self, distributions: tuple[str, ...], say: Callable[[str], None]) -> Prepared:
        """Get a pinned image that is not here yet, and install on top of it what was not installed before."""
        remove_abandoned()
        self._get_image(say)
        box = self._box(distributions).prepare(self._run_in_image, say)
        with explained(self._where, self.options.image):
            image = docker_client().images.get(self.options.image)
        return PreparedContainer(**box.model_dump(), image=str(image.id))

    def launch(self, prepared: Prepared, launch: Launch) -> Handle:
        """Start the container and return at once."""
        if not isinstance(prepared, PreparedContainer):
            raise TypeError("launch takes what prepare of the same environment made")
        uid, gid = user()
        for path in (launch.work, *launch.work.iterdir()):
            if path.name != PIPES:
                os.chown(path, uid, gid, follow_symlinks=False)
        client = docker_client()
        with explained(self._where):
            order = Order(
                name=f"vlmbench-{uuid.uuid4().hex[:12]}",
                command=(prepared.python, *launch.arguments),
                launch=launch,
                binds=_binds(launch, Path(prepared.folder), self.options.readable),
                variables=_variables(launch),
                memory=memory_limit(client, self.options),
                image=prepared.image,
            )
        return self._start(client, order)

    def check(self, *, gpus: bool) -> list[Check]:
        """Whether the engine answers, has the image, and can hand over GPUs if they are asked for."""
        try:
            client = docker_client()
            with explained("docker"):
                about = client.info()
        except EnvironmentUnavailableError as error:
            return [Check(what=error.what, ok=False, fix=error.fix)]
        checks = [Check(what=f"Docker engine {about['ServerVersion']}", ok=True)]
        try:
            digest = image_digest(self.options.image, self._where)
            checks.append(Check(what=f"image {self.options.image} ({digest[:19]})", ok=True))
        except EnvironmentUnavailableError as error:
            checks.append(Check(what=error.what, ok=False, fix=error.fix))
        if gpus:
            # The engine lists the runtime; with CDI alone it would not, and 28 and newer can do without.
            found = "nvidia" in about.get("Runtimes", {}) or bool(about.get("DiscoveredDevices"))
            fix = "Install the NVIDIA container toolkit and restart Docker"
            checks.append(Check(what=f"NVIDIA runtime of Docker{'' if found else ' is missing'}", ok=found, fix=fix))
        return checks

    @classmethod
    def reap(cls, cache: Path) -> list[str]:  # noqa: ARG003 - containers are the engine's, not the cache's
        """Remove containers whose host on this machine is gone."""
        return [f"docker: removed the container {name}" for name in remove_abandoned()]

    @property
    def _where(self) -> str:
        return f"environment {self.name}"

    def _box(self, distributions: tuple[str, ...]) -> Box:
        return Box(
            name=self.name,
            cache=self.cache,
            base=image_digest(self.options.image, self._where),
            requirements=self.options.requirements,
            distributions=distributions,
            python=self.options.python,
            image_packages=self.options.image_packages,
        )

    def _get_image(self, say: Callable[[str], None]) -> None:
        """Pull an image that its name pins; which other one a name means now is for a person to decide."""
        if "@sha256:" in self.options.image and not is_here(self.options.image):
            say(f"environment {self.name}: pulling {self.options.image}")
            with explained(self._where, self.options.image):
                docker_client().images.pull(self.options.image)

    def _run_in_image(self, command: BoxCommand) -> "subprocess.CompletedProcess[str]":
        client = docker_client()
        with explained(self._where, self.options.image):
            container = client.containers.create(
                self.options.image,
                list(command.argv),
                entrypoint=[],
                environment=dict(command.env),
                mounts=mounts([(each.source, each.inside, each.writable) for each in command.binds]),
                labels=labels("prepare"),
                user=f"{os.getuid()}:{os.getgid()}",
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
                init=True,
            )
            try:
                container.start()
                code = int(container.wait()["StatusCode"])
                output, errors = (
                    container.logs(stdout=out, stderr=not out).decode("utf-8", "replace") for out in (True, False)
                )
            finally:
                container.remove(force=True, v=True)
        return subprocess.CompletedProcess(command.argv, code, output, errors)

    def _start(self, client: "DockerClient", order: Order) -> Handle:
        launch = order.launch
        stream: Attached | None = None
        try:
            with explained(self._where, self.options.image):
                container = create(client, self.options, order)
                streams = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
                stream = Attached(client.api.attach_socket(container.attrs["Id"], params=streams))
                container.start()
                stream.send(json.dumps(dict(launch.secrets)).encode() + b"\n")
        except BaseException:
            if stream is not None:
                stream.close()
            # By name, because an interrupt may come after the engine made it and before we were told its id.
            _remove(order.name)
            raise
        return DockerHandle(container, stream, launch.log, order.memory, lambda: give_back(launch.work))


def _binds(launch: Launch, software: Path, readable: Sequence[str]) -> list[Bound]:
    """What the worker sees of this machine."""
    binds = [(launch.work, str(launch.work), True), (software, INSIDE, False)]
    further = (Path(each).expanduser() for each in readable)
    binds += [(path, str(path), False) for path in (*launch.readable, *launch.locks, *further)]
    pipes = launch.work / PIPES
    if pipes.exists():
        # Its folder is ours, so that no link can be put in the place of the file that the host reads.
        messages = pipes / "messages.jsonl"
        messages.touch()
        os.chown(messages, *user())
        binds += [(pipes, str(pipes), False), (messages, str(messages), True)]
    return binds


def _variables(launch: Launch) -> dict[str, str]:
    supervision = Supervision(stdin=True, secrets="stdin", locks=tuple(map(str, launch.locks)))
    # Inside, the GPUs that were handed over are numbered from 0.
    gpus = ",".join(str(index) for index in range(len(launch.gpus)))
    return {**HOME, **launch.env, "CUDA_VISIBLE_DEVICES": gpus, SUPERVISE: supervision.model_dump_json()}


def _remove(name: str) -> None:
    import docker.errors

    with suppress(docker.errors.APIError):
        docker_client().containers.get(name).remove(force=True, v=True)


def remove_abandoned() -> list[str]:
    """Remove containers whose host on this machine is gone; return their names.

    Belt and braces: a worker ends by itself when its host does, and the engine keeps what has ended.
    """
    import docker.errors

    removed: list[str] = []
    with explained("docker"):
        api = docker_client().api
        # Not inspected one by one: others come and go meanwhile.
        for found in api.containers(all=True, filters={"label": f"vlmbench.host={socket.gethostname()}"}):
            if process_identity(int(found["Labels"]["vlmbench.pid"])) != found["Labels"]["vlmbench.born"]:
                # Somebody else removes it at this moment (404, 409), or it cannot be removed: no cell fails for that.
                with suppress(docker.errors.APIError):
                    api.remove_container(found["Id"], force=True, v=True)
                    removed.append(str(found["Names"][0]).lstrip("/"))
    return removed
