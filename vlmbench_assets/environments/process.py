"""`process`: a worker with the host's own interpreter."""

import platform
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import ClassVar

from vlmbench_assets.environments.installed import PYTHON, needed_by
from vlmbench_assets.environments.local import launch_local
from vlmbench_assets.lineage import digest_json
from vlmbench_sdk import Check, Environment, Handle, Launch, NoOptions, Prepared


class ProcessEnvironment(Environment[NoOptions]):
    """No isolation: whatever the host has installed is what the model gets."""

    makes: ClassVar[bool] = False

    def identity(self, distribution: str) -> str:
        """The interpreter, and the installed versions of all that the plugin needs."""
        return f"process {digest_json({'python': PYTHON, 'packages': needed_by(distribution)})[:16]}"

    def prepare(self, distributions: tuple[str, ...], say: Callable[[str], None]) -> Prepared:  # noqa: ARG002
        """Nothing to make; the distributions are the host's."""
        return Prepared(digest="", python=sys.executable, packages={name: version(name) for name in distributions})

    def check(self, *, gpus: bool) -> list[Check]:  # noqa: ARG002
        """Name the interpreter; it runs this very code, so it is there."""
        return [Check(what=f"Python {platform.python_version()} ({sys.executable})", ok=True)]

    def launch(self, prepared: Prepared, launch: Launch) -> Handle:
        """Start the worker."""
        return launch_local(prepared.python, launch)
