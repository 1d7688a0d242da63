"""The file that says an environment was made to its end, and what is in it."""

from pathlib import Path

from vlmbench_assets.files import write_atomically
from vlmbench_sdk import Prepared

READY = "environment.json"


def read_ready(folder: Path) -> Prepared | None:
    """What an environment's folder holds; None where it was not made to its end.

    A file that cannot be read, as one that another version of this program wrote, counts as none: what can be made
    again is, and stops nobody.
    """
    try:
        return Prepared.model_validate_json((folder / READY).read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def write_ready(folder: Path, made: Prepared) -> Prepared:
    """Say that an environment is made, as the last step of making it."""
    write_atomically(folder / READY, made.model_dump_json(indent=2).encode())
    return made
