"""Options of the built-in environments; light, because every command loads them."""

from pydantic import Field

from vlmbench_sdk import Options


class VenvOptions(Options):
    """Options of `kind: venv`."""

    requirements: tuple[str, ...] = Field(default=())
    """Requirement lines, pinned, besides the SDK and the model's plugin."""
    python: str = ""
    """Python version such as `3.11`, or the path of an interpreter; empty takes the host's."""
