"""What a dataset reader is given."""

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from vlmbench_sdk.errors import DatasetError
from vlmbench_sdk.plugin_specs import Options

OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True, slots=True)
class ReadJob(Generic[OptionsT]):
    """One dataset to read. A reader is ``def read(job: ReadJob[MyOptions]) -> Iterator[Sample]``."""

    dataset: str
    """The registry entry's name."""
    options: OptionsT
    split: str
    language: str
    """Language of samples that do not say their own; may be empty."""
    out: Path
    """A folder the reader may fill with images it makes; exists and is empty."""
    source: Path | None = None
    """The folder or file the entry names; null for readers that make their documents."""

    @property
    def folder(self) -> Path:
        """The folder that `Sample.images` are relative to: the source's, or `out` without a source."""
        if self.source is None:
            return self.out
        return self.source if self.source.is_dir() else self.source.parent

    def existing_source(self) -> Path:
        """Return the source.

        Raises:
            DatasetError: When the entry names none, or it does not exist.
        """
        if self.source is None or not self.source.exists():
            raise DatasetError(
                f"its source {str(self.source or '')!r} does not exist",
                where=f"dataset {self.dataset}",
                fix="Correct `source` in the dataset's entry; it is relative to the workspace",
            )
        return self.source
