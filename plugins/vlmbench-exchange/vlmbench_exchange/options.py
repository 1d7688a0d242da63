"""Options of the formats. Light: the host loads this module."""

from typing import Literal

from pydantic import Field

from vlmbench_sdk import Options


class InspectOptions(Options):
    """How to read a log of Inspect."""

    epoch: int | None = Field(default=None, ge=1)
    """Which epoch to take; null refuses a log that has more than one."""


class VlmEvalKitExportOptions(Options):
    """How to write predictions for VLMEvalKit."""

    file: Literal["tsv", "xlsx"] = "tsv"
    """`xlsx` holds 32,766 characters a cell; longer answers are refused, not cut."""


class SqliteOptions(Options):
    """How to write SQLite."""

    images: Literal["data", "paths"] = "data"
    """`data` puts the images' bytes into the file, `paths` only where they lie."""
