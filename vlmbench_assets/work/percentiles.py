"""Percentiles of what single answers took, from the answers themselves; refused where too few support one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vlmbench_assets.work.markdown import NOTHING

SHOWN = (0.5, 0.9, 0.95, 0.99)
NAMES = {
    "latency_ms": ("latency", "ms"),
    "ttft_ms": ("time to first token", "ms"),
    "input_tokens": ("input tokens", ""),
    "output_tokens": ("output tokens", ""),
}
FEWEST = 2


def fewest(share: float) -> int:
    """How many values support a percentile: so many that one of them is expected beyond it, n (1 - share) >= 1.

    The largest of n independent values lies on average at the share n / (n + 1) of its distribution (David &
    Nagaraja, Order Statistics, 2003): of fewer values, none is as far out as the percentile, and what interpolation
    gives is their largest under another name.
    """
    # Rounded, since 1 / (1 - 0.9) is a little more than 10.
    return max(FEWEST, int(np.ceil(round(1 / (1 - share), 6))))


def percentile(values: NDArray[np.float64], share: float) -> float | None:
    """A percentile of raw values, by linear interpolation; None where they are too few."""
    return float(np.quantile(values, share)) if len(values) >= fewest(share) else None


def median(values: pd.Series) -> float | None:
    """The median of what was measured; None where nothing supports one."""
    return percentile(values.dropna().to_numpy(dtype=np.float64), 0.5)


@dataclass(frozen=True, slots=True)
class Measure:
    """Something that was measured of single answers."""

    name: str
    unit: str
    values: NDArray[np.float64]

    def shown(self) -> list[str]:
        """Number of answers, each percentile of `SHOWN` or how many answers it needs, and the largest."""
        found = [percentile(self.values, share) for share in SHOWN]
        said = [
            f"needs {fewest(share)} answers" if value is None else f"{value:.0f}"
            for share, value in zip(SHOWN, found, strict=True)
        ]
        return [str(len(self.values)), *said, f"{self.values.max():.0f}" if len(self.values) else NOTHING]


def measures(answers: pd.DataFrame, columns: Sequence[str] = tuple(NAMES)) -> Iterator[Measure]:
    """Each column that has values."""
    for column in columns:
        values = answers[column].dropna().to_numpy(dtype=np.float64)
        if len(values):
            yield Measure(*NAMES[column], values)
