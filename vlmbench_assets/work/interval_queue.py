"""Intervals of many series at once: those with equally many documents share one matrix of draws."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vlmbench_assets.work.statistics import FloatArray, IntArray, Range, detectable, intervals

MOST = 12_000_000
"""Numbers that wait at most, in two arrays: 200 MB."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Where the intervals of the groups of a metric go; filled when the queue is worked off."""

    low: FloatArray
    high: FloatArray
    mde: FloatArray
    method: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class _Waiting:
    tops: FloatArray
    bottoms: FloatArray
    places: Range
    slots: Slots
    which: IntArray


@dataclass(slots=True)
class IntervalQueue:
    """Series that wait for their intervals."""

    _waiting: dict[tuple[int, str], list[_Waiting]] = field(default_factory=dict)
    _size: int = 0

    def add(self, tops: FloatArray, bottoms: FloatArray, places: Range, slots: Slots, which: IntArray) -> None:
        """Add series of shape (documents, series); their intervals go to the places `which` of the slots."""
        waiting = _Waiting(places.placed(tops, bottoms), bottoms, places, slots, which)
        self._waiting.setdefault((len(tops), places.kind), []).append(waiting)
        self._size += tops.size
        if self._size > MOST:
            self.work()

    def work(self) -> None:
        """Fill all slots."""
        for waiting in self._waiting.values():
            tops, bottoms = (np.hstack([getattr(each, name) for each in waiting]) for name in ("tops", "bottoms"))
            found = intervals(tops, bottoms, waiting[0].places.kind)
            start = 0
            for each in waiting:
                part = found.part(slice(start, start + len(each.which)))
                start += len(each.which)
                low, high = each.places.ends(part)
                value = each.places.offset + each.places.factor * part.value
                each.slots.low[each.which] = np.minimum(low, value)
                each.slots.high[each.which] = np.maximum(high, value)
                each.slots.method[each.which] = part.method
                least = detectable(part.error * abs(each.places.factor), len(tops))
                each.slots.mde[each.which] = np.where(np.isnan(low), np.nan, least)
        self._waiting.clear()
        self._size = 0
