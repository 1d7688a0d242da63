"""`process`: a worker with the host's own interpreter."""

import platform
import sys
from collections.abc import Callable
from importlib.metadata import version

from vlmbench_assets.environments.local import launch_local
from vlmbench_assets.lineage import digest_json
from vlmbench_sdk import Environment, Handle, Launch, NoOptions, Prepared


class ProcessEnvironment(Environment[NoOptions]):
    """No isolation: whatever the host has installed is what the model gets."""

    def prepare(self, distributions: tuple[str, ...], say: Callable[[str], None]) -> Prepared:  # noqa: ARG002
        """Nothing to make; the distributions are the host's."""
        packages = {name: version(name) for name in distributions}
        digest = digest_json({"python": platform.python_version(), "packages": packages})
        return Prepared(digest=digest, python=sys.executable, packages=packages)

    def launch(self, prepared: Prepared, launch: Launch) -> Handle:
        """Start the worker."""
        return launch_local(prepared.python, launch)
