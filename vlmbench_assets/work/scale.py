"""The scale on which an interval is made, by what is known of the range of a score."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Kind = Literal["logit", "log", "plain"]
"""The scale of scores between two ends, 0 and 1; beyond one, 0; and between none."""
TINY = 1e-12


def forth(kind: Kind, place: Floats) -> Floats:
    """A place in the range on the scale."""
    if kind == "plain":
        return place
    inside = np.clip(place, TINY, None if kind == "log" else 1 - TINY)
    return np.asarray(np.log(inside / (1 - inside) if kind == "logit" else inside), dtype=np.float64)


def back(kind: Kind, place: Floats) -> Floats:
    """The place in the range of one on the scale."""
    if kind == "plain":
        return place
    grown = np.exp(np.clip(place, -700, 700))
    return np.asarray(grown / (1 + grown) if kind == "logit" else grown, dtype=np.float64)


def slope(kind: Kind, place: Floats) -> Floats:
    """How much the scale moves per move of a place in the range."""
    if kind == "plain":
        return np.ones_like(place)
    inside = np.clip(place, TINY, None if kind == "log" else 1 - TINY)
    return np.asarray(1 / (inside * (1 - inside)) if kind == "logit" else 1 / inside, dtype=np.float64)
