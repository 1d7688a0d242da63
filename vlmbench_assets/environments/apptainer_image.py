"""From what an entry calls an image to a `.sif` file, made once for equal contents."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from vlmbench_assets.environments.apptainer_options import ARCHIVE, DAEMON
from vlmbench_assets.environments.in_use import keep_in_use
from vlmbench_assets.files import locked, write_atomically
from vlmbench_assets.lineage import digest_file, digest_json
from vlmbench_sdk import EnvironmentUnavailableError

PROGRAMS = ("apptainer", "singularity")
_LOG_LINES = 10
# Three times as fast to make as the default, and 2 % larger: 8 against 25 s for 300 MB on two cores.
_SQUASH = "-comp zstd -Xcompression-level 3"


def program(where: str) -> str:
    """The path of the program; it went by another name before.

    Raises:
        EnvironmentUnavailableError: When it is not installed.
    """
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    raise EnvironmentUnavailableError(
        "the program `apptainer` is not installed, nor is `singularity`",
        where=where,
        fix="Install Apptainer 1.1 or newer, for example `apt-get install apptainer` or `dnf install apptainer`",
    )


class Image:
    """An image as an entry names it."""

    def __init__(self, named: str, *, environment: str, cache: Path) -> None:
        """Keep the names; nothing is looked up yet."""
        self.named = named
        self._where = f"environment {environment}"
        self._environment = environment
        self._folder = cache / "images"

    def digest(self) -> str:
        """Digest of its contents, without making the `.sif` file.

        Raises:
            EnvironmentUnavailableError: When it is not there, or the Docker daemon does not say.
        """
        if self._file is None:
            return self._docker_id()
        if not self._file.is_file():
            raise EnvironmentUnavailableError(
                "the image file is missing",
                where=f"{self._where}, {self._file}",
                fix="Copy it there, or correct `image`",
            )
        return self._file_digest(self._file)

    def sif(self, digest: str, say: Callable[[str], None]) -> Path:
        """The `.sif` file; converts from Docker unless that was done before.

        Two at once are safe: the second waits and finds it ready.

        Raises:
            EnvironmentUnavailableError: When it cannot be converted; the whole log is kept.
        """
        if self._file is not None and self._file.suffix == ".sif":
            return self._file
        made = self.converted(digest)
        with locked(made.with_suffix(".lock")):
            if not made.exists():
                say(f"environment {self._environment}: converting the image {self.named}; done once for its contents")
                self._convert(digest, made)
            keep_in_use(made)
        return made

    def converted(self, digest: str) -> Path:
        """Where the `.sif` file of these contents lies."""
        if self._file is not None and self._file.suffix == ".sif":
            return self._file
        return self._folder / f"{digest.removeprefix('sha256:')}.sif"

    @property
    def _file(self) -> Path | None:
        if self.named.endswith(".sif"):
            return Path(self.named).expanduser()
        if self.named.startswith(ARCHIVE):
            return Path(self.named.removeprefix(ARCHIVE)).expanduser()
        return None

    def _convert(self, digest: str, made: Path) -> None:
        aside = made.with_suffix(".new")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        try:
            archive = self._file
            if archive is None:
                archive = aside / "image.tar"
                self._docker("save", "--output", str(archive), digest)
            target = aside / "image.sif"
            command = [program(self._where), "--quiet", "--nocolor", "build", "--mksquashfs-args", _SQUASH]
            # Its own scratch space is memory on many clusters, which a large image fills.
            env = {**os.environ, "APPTAINER_TMPDIR": str(aside), "SINGULARITY_TMPDIR": str(aside)}
            done = _run([*command, str(target), f"docker-archive:{archive}"], env)
            if done.returncode != 0:
                raise self._failed("the image cannot be converted", done)
            target.rename(made)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _docker_id(self) -> str:
        return self._docker("image", "inspect", "--format", "{{.Id}}", self.named.removeprefix(DAEMON)).strip()

    def _docker(self, *arguments: str) -> str:
        found = shutil.which("docker")
        if found is None:
            raise EnvironmentUnavailableError(
                "the program `docker`, which the image is taken from, is not installed",
                where=self._where,
                fix="Install it, or give `image` as a `.sif` file or as `docker-archive:FILE`",
            )
        done = _run([found, *arguments], dict(os.environ))
        if done.returncode == 0:
            return done.stdout
        if "No such image" in done.stderr:
            raise EnvironmentUnavailableError(
                f"there is no image {self.named.removeprefix(DAEMON)!r} in the local Docker daemon",
                where=self._where,
                fix="Build or pull it, or correct `image`",
            )
        if "daemon" in done.stderr.lower():
            raise EnvironmentUnavailableError(
                f"the Docker daemon, which the image is taken from, does not answer ({_tail(done.stderr, 1)})",
                where=self._where,
                fix="Start it, or give `image` as a `.sif` file or as `docker-archive:FILE`",
            )
        raise self._failed(f"`docker {arguments[0]}` failed", done)

    def _failed(self, what: str, done: "subprocess.CompletedProcess[str]") -> EnvironmentUnavailableError:
        log = self._folder / f"{self._environment}.log"
        write_atomically(log, (done.stdout + done.stderr).encode())
        return EnvironmentUnavailableError(
            f"{what}:\n{_tail(done.stderr, _LOG_LINES)}\n", where=self._where, fix=f"The whole log is in {log}"
        )

    def _file_digest(self, path: Path) -> str:
        """Digest of a file of many gigabytes, kept for as long as the file is the same one."""
        facts = path.stat()
        key = digest_json([str(path.resolve()), facts.st_size, facts.st_mtime_ns, facts.st_ino])
        kept = self._folder / "digests" / key
        if not kept.exists():
            write_atomically(kept, f"sha256:{digest_file(path)}".encode())
        return kept.read_text(encoding="ascii")


def _run(command: list[str], env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)


def _tail(text: str, lines: int) -> str:
    return "\n".join(text.strip().splitlines()[-lines:])
