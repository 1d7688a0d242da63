"""The hostile model's hooks."""

from vlmbench_sdk import ModelPlugin, Options, hookimpl


class HostileOptions(Options):
    """What to try."""

    attack: str
    """Name of a function of `attacks`."""
    target: str = ""
    """A path or address of the host."""


@hookimpl
def vlmbench_models() -> list[ModelPlugin]:
    """Offer the hostile model."""
    return [ModelPlugin(name="hostile", backend="vlmbench_hostile.backend:Hostile", options=HostileOptions)]
