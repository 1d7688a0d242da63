"""What a worker does with a failure at its process entry: it is reported in the result, never raised."""

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from vlmbench_sdk.errors import VlmBenchError


@dataclass(slots=True)
class Failure:
    """Why a job did not finish; empty while nothing failed."""

    error: str = ""
    """One message for people."""
    traceback: str = ""
    """Where a plugin's own code failed; empty for an error that says what to do."""


@contextmanager
def reported() -> Iterator[Failure]:
    """Turn whatever is raised inside into the failure handed out."""
    failure = Failure()
    try:
        yield failure
    except VlmBenchError as error:
        failure.error = str(error)
    except Exception as error:  # noqa: BLE001 - boundary: the process entry of a worker; reported, exit status 1
        failure.error, failure.traceback = f"{type(error).__name__}: {error}", traceback.format_exc()
        print(failure.traceback, file=sys.stderr)
