"""The way into a pod: the system's own `ssh`, with keys made for this pod only."""

import base64
import gzip
import os
import shlex
import subprocess
import tarfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from vlmbench_runpod.scripts import BASE, PULL, PULSE_SCRIPT
from vlmbench_sdk import EnvironmentUnavailableError

QUICK_S = 60.0
"""Longest time of a short command inside the pod."""
UPLOAD_S = 6 * 3600.0


class LinkError(Exception):
    """The pod did not answer, or a command in it failed; with the end of what was said."""


class Keys:
    """Two key pairs: ours to get in, and the pod's own to be known by."""

    def __init__(self, folder: Path) -> None:
        """Make them in a folder that only this user may read."""
        self.folder = folder
        self.client, self._host = folder / "client", folder / "host"
        for path in (self.client, self._host):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "vlmbench", "-f", str(path)]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
            if done.returncode:
                raise EnvironmentUnavailableError("`ssh-keygen` failed: " + done.stderr.strip(), where=str(folder))

    @property
    def public(self) -> str:
        """What the pod lets in."""
        return self.client.with_suffix(".pub").read_text(encoding="ascii").strip()

    @property
    def host_private(self) -> str:
        """What the pod shows for itself, in base64."""
        return base64.b64encode(self._host.read_bytes()).decode()

    def known_hosts(self, address: str, port: int) -> Path:
        """A file that knows this pod and nothing else."""
        path = self.folder / "known_hosts"
        key = self._host.with_suffix(".pub").read_text(encoding="ascii").strip()
        name = f"[{address}]:{port}" if port != 22 else address
        path.write_text(f"{name} {key}\n", encoding="ascii")
        return path


class Link:
    """Commands in one pod, over one shared connection."""

    def __init__(self, keys: Keys, address: str, port: int) -> None:
        """Remember where the pod is."""
        self._master: subprocess.Popen[bytes] | None = None
        self._socket = keys.folder / "c"
        options = {
            "IdentityFile": keys.client,
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": keys.known_hosts(address, port),
            "GlobalKnownHostsFile": "/dev/null",
            "HostKeyAlgorithms": "ssh-ed25519",
            "ConnectTimeout": 10,
            "ServerAliveInterval": 10,
            "ServerAliveCountMax": 3,
            "LogLevel": "ERROR",
            "ControlPath": self._socket,
        }
        # Nothing of the user's own configuration: it may name other keys, proxies or a shared connection.
        self._ssh = ["ssh", "-F", "none", "-p", str(port), "-l", "root"]
        self._ssh += [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        self._address = address

    def answers(self) -> str:
        """Try to get in once; return what went wrong, or nothing."""
        try:
            self.run(["true"])
        except LinkError as error:
            return str(error)
        return ""

    def share(self) -> None:
        """Open the connection that further commands use; without it each would make its own, which also works.

        Its own command ends with this process, whose end closes the pipe: nothing holds the pod then.
        """
        self.close()
        self._master = self._start(
            ["bash", "-c", PULSE_SCRIPT], ["-o", "ControlMaster=yes"], subprocess.DEVNULL, subprocess.DEVNULL
        )
        until = time.monotonic() + 10
        while not self._socket.exists() and self._master.poll() is None and time.monotonic() < until:
            time.sleep(0.05)

    def close(self) -> None:
        """Give the shared connection back."""
        if self._master is not None:
            self._master.kill()
            self._master.wait()
            if self._master.stdin is not None:
                self._master.stdin.close()
            self._master = None
        self._socket.unlink(missing_ok=True)

    def run(self, command: Sequence[str], timeout_s: float = QUICK_S) -> bytes:
        """Run a command to its end and return what it printed.

        Raises:
            LinkError: When it fails, takes too long, or the pod does not answer.
        """
        try:
            done = subprocess.run(
                self._argv(command),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout_s,
                check=False,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            raise LinkError(f"`{command[0]}` in the pod took longer than {timeout_s:g} s") from None
        if done.returncode:
            raise LinkError(_end_of(done.stderr or done.stdout) or f"exit status {done.returncode}")
        return done.stdout

    def start(self, command: Sequence[str], output: IO[bytes]) -> "subprocess.Popen[bytes]":
        """Start a command whose standard input is held open; its output and errors go to a file."""
        return self._start(command, [], output, subprocess.STDOUT)

    def pull(self, wanted: Sequence[tuple[PurePosixPath, int, int]]) -> list[bytes]:
        """Fetch parts of files: path, first byte, at most how many bytes. A file that is not there is empty."""
        words = [str(word) for each in wanted for word in each]
        said = self.run(["bash", str(PULL), *words])
        parts = []
        for _ in wanted:
            count, _, said = said.partition(b"\n")
            if not count.isdigit() or len(said) < int(count):
                raise LinkError("the pod's answer was cut off")
            parts.append(said[: int(count)])
            said = said[int(count) :]
        return parts

    def push(self, files: Iterable[tuple[PurePosixPath, Path | bytes]]) -> None:
        """Put files into the pod, as root's own; paths are those inside.

        Raises:
            LinkError: When they did not all arrive.
        """
        with self._start(["tar", "-xzf", "-", "-C", "/", "--no-same-owner"]) as tar, suppress(BrokenPipeError):
            if tar.stdin is None or tar.stdout is None:
                raise LinkError("no pipe to the pod")
            try:
                with tar.stdin as pipe:
                    _write_tar(pipe, files)
                said = tar.stdout.read()
            except BrokenPipeError:
                said = tar.stdout.read()
            except BaseException:
                tar.kill()
                raise
        if tar.wait():
            raise LinkError(_end_of(said) or "the files did not arrive")

    def _start(
        self,
        command: Sequence[str],
        options: Sequence[str] = (),
        output: IO[bytes] | int = subprocess.PIPE,
        errors: IO[bytes] | int = subprocess.STDOUT,
    ) -> "subprocess.Popen[bytes]":
        # A session of its own: Ctrl-C in a terminal must not cut the connection before the last answers came.
        return subprocess.Popen(
            self._argv(command, options),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )

    def _argv(self, command: Sequence[str], options: Sequence[str] = ()) -> list[str]:
        return [*self._ssh, *options, self._address, shlex.join(command)]


def _write_tar(pipe: BinaryIO | IO[bytes], files: Iterable[tuple[PurePosixPath, Path | bytes]]) -> None:
    # Pictures do not shrink, wheels hardly: the fastest level serves for the programs and the text.
    with (
        gzip.GzipFile(fileobj=pipe, mode="wb", compresslevel=1) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
    ):
        for inside, content in files:
            entry = tarfile.TarInfo(str(inside).lstrip("/"))
            entry.mtime = int(time.time())
            if isinstance(content, bytes):
                entry.size, entry.mode = len(content), 0o644
                tar.addfile(entry, BytesIO(content))
                continue
            with content.open("rb") as source:
                found = os.fstat(source.fileno())
                entry.size, entry.mode = found.st_size, 0o755 if found.st_mode & 0o100 else 0o644
                tar.addfile(entry, source)


def _end_of(output: bytes, lines: int = 15) -> str:
    return "\n".join(output.decode("utf-8", "replace").strip().splitlines()[-lines:])


def in_base(name: str) -> PurePosixPath:
    """A path in the pod's own folder."""
    return BASE / name
