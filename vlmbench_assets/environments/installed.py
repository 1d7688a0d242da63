"""What is installed beside this project, as far as it matters to a model."""

import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""Python without its patch level, which changes security fixes and not answers."""
SDK = "vlmbench-sdk"


@cache
def needed_by(name: str) -> dict[str, str]:
    """Installed versions of everything a distribution needs, by name; itself and the SDK's side left out."""
    found: dict[str, str] = {}
    waiting = [name]
    while waiting:
        for line in distribution(waiting.pop()).requires or ():
            requirement = Requirement(line)
            needed = requirement.name.lower().replace("_", "-")
            if needed in found or needed == SDK or not _applies(requirement):
                continue
            try:
                found[needed] = distribution(needed).version
            except PackageNotFoundError:
                continue
            waiting.append(needed)
    return dict(sorted(found.items()))


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})
