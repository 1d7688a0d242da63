"""What importers give and exporters are given: results that travel between this project and other tools."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Generic, TypeVar

from pydantic import Field, JsonValue

from vlmbench_sdk.entries import EntryName, Kind
from vlmbench_sdk.errors import ExchangeError
from vlmbench_sdk.plugin_specs import Match, Options
from vlmbench_sdk.records import Record, Status

OptionsT = TypeVar("OptionsT", bound=Options)

Count = Annotated[int, Field(ge=0, le=1 << 53)]
"""A number of things, as every format can hold it."""

Row = Mapping[str, str | float | int | None]
"""A row of a table: text columns are text, number columns a number or null."""


class Prediction(Record):
    """One answer as another tool wrote it down. What the tool does not say stays at its default."""

    where: str = Field(min_length=1)
    """Its place in the file, for people: `row 3`, `line 3`, `sample s1`."""
    sample_id: str = ""
    """The tool's own id of the sample."""
    position: Count | None = None
    """Which sample of the dataset, counted from 0 in the dataset's order."""
    images: tuple[str, ...] = ()
    """Paths as the tool has them; their last parts are held against the sample's."""
    question: str = ""
    field: str = ""
    doc_type: str = ""
    gold: tuple[str, ...] = ()
    """References as the tool has them: never scored with, but held against the sample's own."""
    answer: str = ""
    status: Status = "ok"
    finish_reason: str = ""
    error: str = ""
    latency_ms: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    ttft_ms: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    attempts: int = Field(default=1, ge=1, le=1 << 53)
    answered_at: str = ""
    """UTC time in ISO 8601; empty where the tool does not say."""


class ImportedLog(Record):
    """What an importer of answers gives: all predictions of one model on one dataset."""

    predictions: tuple[Prediction, ...]
    tool: str = ""
    """The tool and its version, as far as the file says, such as `inspect_ai 0.3.285`."""
    model: str = ""
    """What the tool calls the model."""
    dataset: str = ""
    """What the tool calls the dataset or task."""
    match: Match | None = None
    """How this file is matched where the user does not say; null takes the importer's own way."""


class NewEntry(Record):
    """A registry entry that an importer writes."""

    kind: Kind
    name: EntryName
    data: dict[str, JsonValue]


class ImportedEntries(Record):
    """What an importer of entries gives."""

    entries: tuple[NewEntry, ...]
    files: dict[str, bytes] = Field(default_factory=dict)
    """Files that the entries name, by path relative to the workspace, byte for byte as they were."""
    notes: tuple[str, ...] = ()
    """What could not be carried over, and what to do next; a sentence each."""


@dataclass(frozen=True, slots=True)
class ImportJob(Generic[OptionsT]):
    """One file to import. An importer is ``def read(job: ImportJob[MyOptions]) -> ImportedLog | ImportedEntries``."""

    file: Path
    """What the user named; exists."""
    options: OptionsT
    source: Path | None = None
    """The source of the dataset that answers are imported for; null where it has none."""
    known: Mapping[Kind, frozenset[str]] | None = None
    """Names of the entries that the workspace has, for importers of entries."""


@dataclass(frozen=True, slots=True)
class ExportedDataset:
    """A dataset to export."""

    name: str
    description: str
    licence: str
    citation: str
    samples: Sequence[Row]
    """Columns as in the table `samples`."""
    image_root: Path
    """What the samples' images are relative to."""

    def image(self, name: str) -> Path:
        """The file of an image.

        Raises:
            ExchangeError: When it lies outside of the dataset's folder, or is not there.
        """
        root = self.image_root.resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            raise ExchangeError(
                f"image {name!r} is not a file inside of its dataset's folder",
                where=f"dataset {self.name}",
                fix="Read the dataset again with `vlmbench plan`",
            )
        return path


@dataclass(frozen=True, slots=True)
class ExportedCell:
    """A cell to export; columns as in the tables of the same names."""

    model: str
    dataset: str
    answers: Sequence[Row]
    metrics: Sequence[Row]
    """Empty where the cell was not scored."""
    aggregates: Sequence[Row]
    lineage: Mapping[str, str]
    """What the answers were made from."""
    facts: Mapping[str, JsonValue]
    """What the manifest of the answers tells besides."""
    headline: str = ""
    """Name of the metric entry that ranks it."""


@dataclass(frozen=True, slots=True)
class ExportedMetric:
    """A metric entry that scored something of an export."""

    name: str
    metric_id: str
    higher_is_better: bool
    best: float | None = None
    """The value that no score is better than; null where there is none."""


@dataclass(frozen=True, slots=True)
class ExportJob(Generic[OptionsT]):
    """What to export. An exporter is ``def write(job: ExportJob[MyOptions]) -> None``."""

    out: Path
    """An empty folder; it is moved into place when the exporter returns."""
    options: OptionsT
    datasets: Sequence[ExportedDataset]
    cells: Sequence[ExportedCell]
    metrics: Sequence[ExportedMetric] = ()

    def dataset(self, name: str) -> ExportedDataset:
        """The dataset of this name."""
        return next(each for each in self.datasets if each.name == name)
