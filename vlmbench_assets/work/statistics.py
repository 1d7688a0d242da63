"""Means and their intervals where samples of one document depend on each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
LEVEL = 0.95
FEWEST_DOCUMENTS = 2
Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A weighted mean and its 95 % interval; None where there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""


def estimate(
    values: FloatArray,
    weights: FloatArray,
    clusters: IntArray,
    *,
    lower: float | None,
    upper: float | None,
) -> Estimate:
    """Estimate a weighted mean with a cluster-robust interval.

    Formula: m = Σ w·x / Σ w; var(m) = G/(G-1) · Σ_g (Σ_{i∈g} w_i (x_i - m))² / (Σ w)², with G documents;
    m ± t(0.975, G-1)·√var. Source: the ratio estimator of cluster sampling, Cochran, Sampling Techniques,
    3rd ed., §9A; as a sandwich estimator, Liang & Zeger, Biometrika 73 (1986).

    When every document scores the same, this interval has no width, which says too much. Then the score
    interval of a proportion is given, with documents as trials and the metric's range as 0 to 1 (Wilson,
    JASA 22 (1927)); for a metric without bounds there is none.

    Args:
        values: Scores, shape (n,).
        weights: Weights, at least 0, shape (n,).
        clusters: Number of each score's document, from 0, shape (n,).
        lower: Smallest possible score; None when unbounded.
        upper: Largest possible score; None when unbounded.
    """
    total = float(weights.sum())
    if len(values) == 0 or total <= 0:
        return Estimate(None)
    mean = float((values * weights).sum() / total)
    present, numbers = np.unique(clusters, return_inverse=True)
    documents = len(present)
    if documents < FEWEST_DOCUMENTS:
        return Estimate(mean)
    residuals = np.bincount(numbers, weights=weights * (values - mean), minlength=documents)
    variance = documents / (documents - 1) * float((residuals**2).sum()) / total**2
    if variance <= 1e-18 * max(1.0, mean**2):
        return _all_alike(mean, documents, lower, upper)
    half = _t_quantile(documents - 1) * variance**0.5
    low, high = mean - half, mean + half
    if lower is not None:
        low = max(low, lower)
    if upper is not None:
        high = min(high, upper)
    return Estimate(mean, low, high, "cluster_t")


def _all_alike(mean: float, documents: int, lower: float | None, upper: float | None) -> Estimate:
    if lower is None or upper is None or upper <= lower:
        return Estimate(mean)
    # A score outside of its metric's range must not turn the root below imaginary.
    share = min(1.0, max(0.0, (mean - lower) / (upper - lower)))
    z2 = Z**2
    centre = (share + z2 / (2 * documents)) / (1 + z2 / documents)
    half = Z / (1 + z2 / documents) * (share * (1 - share) / documents + z2 / (4 * documents**2)) ** 0.5
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    scale = upper - lower
    return Estimate(mean, lower + min(low, share) * scale, lower + max(high, share) * scale, "wilson_documents")


def _t_quantile(degrees: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + LEVEL / 2))
