"""Documents drawn with replacement: how often each is in each resample.

Which draws are made depends on the number of documents alone. So the same data give the same bytes, and series with
equally many documents, such as the metrics of a group, share one matrix.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.uint8]
SEED = 20240501
RESAMPLES = 1000
BATCH = 4_000_000
"""Numbers held at once while drawing and multiplying."""
REMEMBERED = 96_000_000
"""Bytes of draws that are kept, one a document and resample, while series with as many documents may follow."""
_kept: dict[int, tuple[Counts, ...]] = {}


def batches(total: int, width: int) -> Iterator[int]:
    """Numbers of rows that together make `total`, each of a matrix of some width that stays small."""
    rows = max(1, BATCH // max(1, width))
    for start in range(0, total, rows):
        yield min(rows, total - start)


def resamples(documents: int) -> Iterable[Counts]:
    """Counts of each document in `RESAMPLES` resamples, in blocks of shape (resamples, documents)."""
    if documents in _kept:
        return _kept[documents]
    if documents * RESAMPLES > REMEMBERED:
        return _drawn(documents)
    # Those asked for longest ago go first.
    while _kept and (sum(_kept) + documents) * RESAMPLES > REMEMBERED:
        del _kept[next(iter(_kept))]
    return _kept.setdefault(documents, tuple(_drawn(documents)))


def _drawn(documents: int) -> Iterator[Counts]:
    chance = np.random.default_rng([SEED, documents])
    for rows in batches(RESAMPLES, documents):
        drawn = chance.integers(documents, size=(rows, documents), dtype=np.int32)
        drawn += (np.arange(rows, dtype=np.int32) * documents)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * documents)
        # A document is drawn once on average; 255 times is out of reach, but must not wrap around.
        yield np.minimum(counts, 255).astype(np.uint8).reshape(rows, documents)
