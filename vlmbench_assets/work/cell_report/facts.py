"""What the page of a cell says besides its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from vlmbench_assets.work.compare import Difference
from vlmbench_assets.work.cost import Cost


@dataclass(frozen=True, slots=True)
class Since:
    """What changed since the cell was scored before."""

    reasons: Sequence[str]
    """What was declared or said differently."""
    metric: str
    difference: Difference
    flips: pd.DataFrame
    """`Comparison.flips`: samples whose score differs."""
    left_out: int
    """Samples that only one of both states has."""


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """What the page says besides the tables."""

    model: str
    dataset: str
    description: str
    dataset_description: str
    parameters: Mapping[str, str]
    environment: Mapping[str, str]
    dataset_facts: Mapping[str, str]
    limit: int | None
    tuned: bool
    """Whether the prompts were tuned on the very split that is scored."""
    asked: int
    """Samples that were asked in `answer_s`; the others were answered before."""
    answer_s: float | None
    load_s: float | None
    resources: Mapping[str, str]
    """What the last run that asked took of the machine."""
    finished_at: str
    lineage: Mapping[str, str]
    command: str
    imported: str = ""
    """The file and format that the answers were imported from; empty where the model was asked."""
    stale: Sequence[str] = ()
    """Why what the page shows is not what would be made now."""
    cost: Cost | None = None
    drops: Sequence[tuple[str, Difference]] = ()
    """The change of the headline from clean images to each other subset."""
    since: Since | None = None
    """None where the cell was scored for the first time."""
    gone: str = ""
    """Why there is nothing to say of the state before, although there was one."""
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)
    """Small pictures of samples that are shown, by sample."""
