"""What Apptainer needs of this machine, for `vlmbench doctor`."""

import os
import shutil
import subprocess
from pathlib import Path

from vlmbench_assets.environments.apptainer_image import Image, program
from vlmbench_sdk import Check, EnvironmentUnavailableError

FUSE = Path("/dev/fuse")


def apptainer_checks(image: Image, where: str) -> list[Check]:
    """Look for the program, for user namespaces and FUSE, for the image, and for what converts it."""
    try:
        engine = program(where)
    except EnvironmentUnavailableError as error:
        return [Check(what=error.what, ok=False, fix=error.fix)]
    version = _run(engine, "--version")
    said = version.stdout.strip() or version.stderr.strip() or "Apptainer does not start"
    checks = [Check(what=f"{said} ({engine})", ok=version.returncode == 0, fix="Install Apptainer 1.1 or newer")]
    if not _is_setuid(engine):
        # Installed with its setuid helper, it needs neither.
        checks += [_namespaces(), _fuse()]
    return [*checks, *_image_checks(image)]


def _is_setuid(engine: str) -> bool:
    folder = _run(engine, "buildcfg", "LIBEXECDIR").stdout.strip()
    return bool(folder) and (Path(folder) / Path(engine).name / "bin" / "starter-suid").is_file()


def _namespaces() -> Check:
    unshare = shutil.which("unshare")
    can = unshare is not None and _run(unshare, "--user", "true").returncode == 0
    what = "this user may make user namespaces" if can else "this user may not make user namespaces"
    return Check(what=what, ok=can, fix="Ask the administrator to allow them")


def _fuse() -> Check:
    can = os.access(FUSE, os.R_OK | os.W_OK)
    what = f"this user may open {FUSE}" if can else f"this user may not open {FUSE}"
    return Check(what=what, ok=can, fix="Ask the administrator: it should have mode 0666")


def _image_checks(image: Image) -> list[Check]:
    try:
        digest = image.digest()
    except EnvironmentUnavailableError as error:
        return [Check(what=error.what, ok=False, fix=error.fix)]
    checks = [Check(what=f"image {image.named} ({digest[:19]})", ok=True)]
    if not image.converted(digest).exists():
        found = shutil.which("mksquashfs", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin")))
        what = f"mksquashfs, which converts the image{'' if found else ', is not installed'}"
        checks.append(Check(what=what, ok=found is not None, fix="Install it: `apt-get install squashfs-tools`"))
    return checks


def _run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
    )
