"""A local server that speaks RunPod's REST interface, with containers of this machine as pods."""

import json
import os
import re
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

KEY = "rpa_only_for_tests_0123456789"
IMAGE = "vlmbench/test-pod:1"
UV_CACHE = "vlmbench-test-pod-uv"


class PodOrder(BaseModel):
    """The documented body of POST /pods; anything else in it is refused, as the real service does."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(default="my pod", max_length=191)
    imageName: str  # noqa: N815
    allowedCudaVersions: list[str] | None = None  # noqa: N815
    cloudType: Literal["SECURE", "COMMUNITY"] = "SECURE"  # noqa: N815
    computeType: Literal["GPU", "CPU"] = "GPU"  # noqa: N815
    containerDiskInGb: int | None = 50  # noqa: N815
    containerRegistryAuthId: str | None = None  # noqa: N815
    countryCodes: list[str] | None = None  # noqa: N815
    cpuFlavorIds: list[str] | None = None  # noqa: N815
    cpuFlavorPriority: Literal["availability", "custom"] = "availability"  # noqa: N815
    dataCenterIds: list[str] | None = None  # noqa: N815
    dataCenterPriority: Literal["availability", "custom"] = "availability"  # noqa: N815
    dockerEntrypoint: list[str] = Field(default_factory=list)  # noqa: N815
    dockerStartCmd: list[str] = Field(default_factory=list)  # noqa: N815
    env: dict[str, str] = Field(default_factory=dict)
    globalNetworking: bool = False  # noqa: N815
    gpuCount: int = Field(default=1, ge=1)  # noqa: N815
    gpuTypeIds: list[str] | None = None  # noqa: N815
    gpuTypePriority: Literal["availability", "custom"] = "availability"  # noqa: N815
    interruptible: bool = False
    locked: bool = False
    minDiskBandwidthMBps: float | None = None  # noqa: N815
    minDownloadMbps: float | None = None  # noqa: N815
    minRAMPerGPU: int = 8  # noqa: N815
    minUploadMbps: float | None = None  # noqa: N815
    minVCPUPerGPU: int = 2  # noqa: N815
    networkVolumeId: str | None = None  # noqa: N815
    ports: list[str] = Field(default_factory=lambda: ["8888/http", "22/tcp"])
    supportPublicIp: bool | None = None  # noqa: N815
    templateId: str | None = None  # noqa: N815
    vcpuCount: int = 2  # noqa: N815
    volumeInGb: int | None = 20  # noqa: N815
    volumeMountPath: str = "/workspace"  # noqa: N815


@dataclass
class Fault:
    """What becomes of one request instead of, or after, what it asks for."""

    status: int
    """HTTP status; 0 closes the connection without an answer."""
    text: str = "asked to fail"
    headers: dict[str, str] = field(default_factory=dict)
    after: bool = False
    """Do what is asked first, and fail only then."""


@dataclass
class Rented:
    """One pod."""

    order: PodOrder
    pod_id: str
    key: str
    """The pod's own key, which may end this pod only."""
    container: str = ""
    port: int = 0
    status: str = "RUNNING"


class Service(ThreadingHTTPServer):
    """The service and what it was asked."""

    daemon_threads = True

    def __init__(self, address: str) -> None:
        """Listen on a free port of an address that pods reach, too."""
        super().__init__((address, 0), _Handler)
        self.pods: dict[str, Rented] = {}
        self.ended: list[str] = []
        self.asked: list[tuple[str, str, float]] = []
        self.orders: list[str] = []
        self.faults: dict[str, list[Fault]] = {}
        self.with_containers = True
        self.price: JsonValue = "0.36"
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Base address."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}/v1"

    def fail(self, method: str, *faults: Fault) -> None:
        """Let the next requests of a method fail."""
        self.faults.setdefault(method, []).extend(faults)

    def vanish(self) -> None:
        """Every pod is gone, as when its machine broke."""
        for pod_id in list(self.pods):
            self.end(pod_id)
        self.ended.clear()

    def end(self, pod_id: str) -> bool:
        """End a pod."""
        pod = self.pods.pop(pod_id, None)
        if pod is None:
            return False
        if pod.container:
            docker("rm", "--force", "--volumes", pod.container)
        self.ended.append(pod_id)
        return True

    def rent(self, order: PodOrder) -> Rented:
        """Make a pod."""
        pod = Rented(order, secrets.token_hex(7), f"pod_{secrets.token_hex(8)}")
        with self.lock:
            self.pods[pod.pod_id] = pod
        if self.with_containers and order.imageName == IMAGE:
            self._start(pod)
        return pod

    def _start(self, pod: Rented) -> None:
        address = str(self.server_address[0])
        env = {**pod.order.env, "RUNPOD_POD_ID": pod.pod_id, "RUNPOD_API_KEY": pod.key, "UV_CACHE_DIR": "/uv"}
        # This machine may reach the package index through its own certificate authority only.
        authority = os.environ.get("SSL_CERT_FILE", "")
        mounts = ["--volume", f"{UV_CACHE}:/uv"]
        if authority:
            env["SSL_CERT_FILE"] = "/authority.crt"
            mounts += ["--volume", f"{authority}:/authority.crt:ro"]
        entrypoint, *rest = [*pod.order.dockerEntrypoint, *pod.order.dockerStartCmd]
        variables = [word for name, value in env.items() for word in ("--env", f"{name}={value}")]
        started = docker(
            *("run", "--detach", "--init", "--publish", f"{address}::22", *mounts, *variables),
            *("--entrypoint", entrypoint, IMAGE, *rest),
        )
        pod.container = started.strip()
        pod.port = int(docker("port", pod.container, "22/tcp").strip().rpartition(":")[2])

    def told(self, pod: Rented) -> dict[str, JsonValue]:
        """A pod in the service's words."""
        started = bool(pod.port)
        return {
            "id": pod.pod_id,
            "name": pod.order.name,
            "image": pod.order.imageName,
            "desiredStatus": pod.status,
            "costPerHr": self.price,
            "adjustedCostPerHr": 0.3,
            "publicIp": str(self.server_address[0]) if started else "",
            "portMappings": {"22": pod.port} if started else None,
            "lastStatusChange": "Rented by User: Fri Jul 12 2024 15:14:40 GMT-0400",
            "env": dict(pod.order.env),
            "machineId": "s194cr8pls2z",
        }


class _Handler(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((method, self.path, time.monotonic()))
        waiting = self.server.faults.get(method, [])
        fault = waiting.pop(0) if waiting else None
        status, answer = (0, None) if fault and not fault.after else self._do(method, body)
        headers: dict[str, str] = {}
        if fault:
            status, answer, headers = fault.status, {"error": fault.text}, fault.headers
        if not status:
            self.close_connection = True
            return
        content = b"" if answer is None else json.dumps(answer).encode()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def _do(self, method: str, body: bytes) -> tuple[int, JsonValue]:
        service, parts = self.server, urlsplit(self.path)
        pod_id = parts.path.removeprefix("/v1/pods").strip("/")
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        own = service.pods.get(pod_id)
        if key != KEY and not (own and key == own.key and method == "DELETE"):
            return 401, {"error": f"the key {key} is not known"}
        if method == "POST" and parts.path == "/v1/pods":
            service.orders.append(body.decode())
            try:
                order = PodOrder.model_validate_json(body)
            except ValidationError as error:
                return 422, {"error": str(error)}
            return 201, service.told(service.rent(order))
        if not re.fullmatch(r"/v1/pods(/\w+)?", parts.path):
            return 404, {"error": "no such path"}
        if method == "GET" and not pod_id:
            asked = parse_qs(parts.query)
            names = asked.get("name", [""])
            return 200, [service.told(pod) for pod in list(service.pods.values()) if names[0] in pod.order.name]
        if own is None:
            return 404, {"error": "pod not found"}
        if method == "GET":
            return 200, service.told(own)
        service.end(pod_id)
        return 204, None


def docker(*arguments: str) -> str:
    """Run docker and return what it printed."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {arguments[0]}: {done.stderr}"
    return done.stdout


@contextmanager
def serving(address: str) -> Iterator[Service]:
    """A service; its pods are ended with it."""
    service = Service(address)
    thread = threading.Thread(target=service.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        service.vanish()
        service.server_close()
        thread.join()


def gateway() -> str:
    """The address at which containers see this machine."""
    return docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}").strip() or bridge()


def bridge() -> str:
    """The same, where docker does not say it: the first address of its default network."""
    subnet = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Subnet}}").strip()
    return re.sub(r"\.0/\d+$", ".1", subnet)


def image_is_there(name: str) -> bool:
    """Whether docker has an image."""
    return bool(docker("images", "--quiet", name).strip())


def make_image(base: str) -> None:
    """Make the pods' image from a base with apt: what a user's image has to have, and nothing else."""
    name = f"vlmbench-test-pod-{os.getpid()}"
    install = "apt-get update -qq && apt-get install -y -qq --no-install-recommends openssh-server"
    try:
        docker("run", "--name", name, "--env", "DEBIAN_FRONTEND=noninteractive", base, "bash", "-c", install)
        docker("commit", name, IMAGE)
    finally:
        subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)
