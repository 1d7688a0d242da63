"""Weighted means and their intervals where samples of one document depend on each other.

A series is what one metric says of one group of samples: per document the sum of weight times score and the sum of
weights. Its value is the ratio of both totals. Which interval covers what it says, and which do not:
`benchmarks/coverage.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlmbench_assets.work.resample import RESAMPLES, resamples
from vlmbench_assets.work.scale import TINY, Kind, back, forth, slope

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
LEVEL = 0.95
POWER = 0.8
FEWEST_DOCUMENTS = 5
"""Fewer documents give no interval: two draws of three are often alike, and t quantiles grow past any use."""
FEW_DOCUMENTS = 20
"""Below this no method reached 93 % in every simulation; `ci_method` says so."""
MOST_DOCUMENTS = 50_000
"""Above this the analytic interval stands: both agree to far less than what 1,000 draws leave open."""
Z = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""
BOOTSTRAP, JACKKNIFE, WILSON, ERROR = "bootstrap_t", "jackknife_t", "wilson_documents", "bootstrap_error"
TOO_FEW, FEW = "too_few_documents", "_few"
TAIL = (RESAMPLES + 1) // 40 - 1
"""Position, from 0, of the 2.5 % quantile among sorted resamples; the 97.5 % one is as far from the other end."""
ALIKE = 1e-18
FARTHEST = 4.571643390938898
"""How many standard errors an end may be away where the range is open: as many as the exact end for a Poisson rate of
which one event was seen, χ²₄(0.975) / 2 - 1 (Garwood, Biometrika 28, 1936). Where one document holds nearly all of the
error, the quantiles of resamples that lack it know no limit."""
UNSEEN = 0.5
"""How many documents like the farthest few others stand for, besides it: the upper end of a rate counts one more of the
heaviest events, Fay & Feuer, Statistics in Medicine 16 (1997), or half of one, Fay & Kim, Biometrical J. 59 (2017)."""
FLAT = 1e-4
"""A resample whose variance is less than this share of what it could be has drawn documents that are all alike."""
COLUMNS = 2000
"""Series worked on at once."""
DIGITS = 6
"""Significant digits of an interval's ends: machines differ in the last ones, resamples far before."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A weighted mean and its 95 % interval; None where there is none."""

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""
    error: float | None = None
    """Standard error."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Estimates of some series, each in the place of its range; NaN where there is no interval."""

    value: FloatArray
    low: FloatArray
    high: FloatArray
    error: FloatArray
    method: NDArray[np.str_]

    def part(self, which: slice) -> "Intervals":
        """Some of them."""
        return Intervals(self.value[which], self.low[which], self.high[which], self.error[which], self.method[which])


@dataclass(frozen=True, slots=True)
class Range:
    """A metric's range, and the place of a score in it: (score - offset) / factor."""

    offset: float
    factor: float
    kind: Kind

    @classmethod
    def of(cls, lower: float | None, upper: float | None) -> "Range":
        """The range from the smallest to the largest possible score; None where it is unbounded."""
        if lower is not None and upper is not None and upper > lower:
            return cls(lower, upper - lower, "logit")
        if lower is not None:
            return cls(lower, 1.0, "log")
        return cls(upper, -1.0, "log") if upper is not None else cls(0.0, 1.0, "plain")

    def placed(self, tops: FloatArray, bottoms: FloatArray) -> FloatArray:
        """Sums of weight times score as sums of weight times place."""
        return (tops - self.offset * bottoms) / self.factor

    def ends(self, found: Intervals) -> tuple[FloatArray, FloatArray]:
        """Ends of intervals as scores, lower ones first."""
        low, high = (rounded(self.offset + self.factor * each) for each in (found.low, found.high))
        return (low, high) if self.factor > 0 else (high, low)


def intervals(tops: FloatArray, bottoms: FloatArray, kind: Kind) -> Intervals:
    """Estimate series that have equally many documents and the same kind of range.

    Formula: m = ΣA / ΣB over documents; standard error s by leaving each document out once (jackknife); with g the
    logit of m (its logarithm where only one end of the range is known, m itself where none is), T* = (g(m*) - g(m)) /
    s*(g) in resamples of documents, s* by residuals, and the interval g⁻¹(g(m) - q·s(g)) with q the 97.5 % and 2.5 %
    quantile of T*, or Student's t, as in `_Means`, where that is farther out; where the range is open, no end is more
    than `FARTHEST` errors from m. Where too many resamples have documents that are all alike, T* has no such quantile
    and Student's stands alone. Where all documents score alike, or weigh alike and are each all right or all wrong,
    Wilson's score interval with documents as trials.

    Source: bootstrap-t, Efron & Tibshirani, An Introduction to the Bootstrap (1993), ch. 12, on a transformed
    scale §12.6; documents as clusters, Davison & Hinkley, Bootstrap Methods and their Application (1997), §3.8;
    jackknife of a ratio, Cochran, Sampling Techniques, 3rd ed., §6.17; Wilson, JASA 22 (1927), and why, Brown, Cai &
    DasGupta, Statistical Science 16 (2001).

    Args:
        tops: Sums of weight times place in the range, shape (documents, series), documents in an order that the
            data give.
        bottoms: Sums of weights, same shape. A document of weight 0 is drawn and adds nothing, which is how a part
            of the documents is estimated (Cochran §2.12).
        kind: The kind of range.
    """
    steps = range(0, tops.shape[1], COLUMNS)
    parts = [_block(tops[:, each : each + COLUMNS], bottoms[:, each : each + COLUMNS], kind) for each in steps]
    names = ("value", "low", "high", "error", "method")
    return Intervals(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _block(tops: FloatArray, bottoms: FloatArray, kind: Kind) -> Intervals:
    means = _Means.of(tops, bottoms)
    place, documents = means.place, len(tops)
    alike = means.error**2 <= ALIKE * np.maximum(1.0, place**2)
    inside = (place > 0) & (place < 1) if kind == "logit" else place > 0 if kind == "log" else np.ones_like(alike)
    counted = alike | (kind == "logit") & _right_or_wrong(tops, bottoms)
    # A score outside of its metric's range is still a number, and has an interval on the plain scale.
    usual = _on_scale(kind, means, bottoms, inside & ~counted)
    plain = _on_scale("plain", means, bottoms, ~inside & ~counted)
    low, high, drawn = (np.where(inside, one, other) for one, other in zip(usual, plain, strict=True))
    method = np.where(drawn, BOOTSTRAP, JACKKNIFE).astype("<U24")
    if counted.any():
        trials = (bottoms[:, counted] > 0).sum(axis=0)
        ends = _wilson(np.clip(place[counted], 0, 1), trials) if kind == "logit" else (np.nan, np.nan)
        low[counted], high[counted] = ends
        method[counted] = WILSON if kind == "logit" else ""
    if documents < FEW_DOCUMENTS:
        method = np.where(method == "", "", np.char.add(method, FEW))
    return Intervals(place, low, high, means.error, method)


def _right_or_wrong(tops: FloatArray, bottoms: FloatArray) -> BoolArray:
    """Series whose documents weigh alike, or nothing, and score 0 or 1: they are independent trials."""
    most = bottoms.max(axis=0)
    near = 1e-9 * most
    same = (bottoms <= near) | (bottoms >= most - near)
    return np.asarray((same & ((np.abs(tops) <= near) | (np.abs(tops - bottoms) <= near))).all(axis=0))


@dataclass(frozen=True, slots=True)
class _Means:
    """What series say at first: each array of shape (series), residuals of shape (documents, series)."""

    place: FloatArray
    error: FloatArray
    """Standard error by the jackknife."""
    floor: FloatArray
    """Half of the interval by Student's t."""
    floor_open: FloatArray
    """The same with `UNSEEN` more of the document that moves the mean most."""
    residuals: FloatArray

    @classmethod
    def of(cls, tops: FloatArray, bottoms: FloatArray) -> "_Means":
        """Student's t has as many degrees as documents that weigh alike would have, (Σb)² / Σb², less one.

        Where the range has no end, few documents often lack those that err most, and spread too little. Source: Kish,
        Survey Sampling (1965), §11.7.
        """
        documents, totals = len(tops), bottoms.sum(axis=0)
        place = tops.sum(axis=0) / totals
        residuals = tops - place * bottoms
        left_out = residuals / (totals - bottoms)
        moved = (left_out - left_out.mean(axis=0)) ** 2
        error = np.sqrt((documents - 1) / documents * moved.sum(axis=0))
        t = _t_quantiles(np.maximum(totals**2 / (bottoms**2).sum(axis=0) - 1, 1.0))
        wider = np.sqrt(error**2 + UNSEEN * moved.max(axis=0)) * documents / (documents + UNSEEN)
        return cls(place, error, t * error, t * np.maximum(error, wider), residuals)


Ends = tuple[FloatArray, FloatArray, BoolArray]
"""Lower ends, upper ends, and whether they come from the resamples."""


def _on_scale(kind: Kind, means: _Means, bottoms: FloatArray, chosen: BoolArray) -> Ends:
    """Intervals of the chosen series on one scale; anything in the others."""
    nothing = np.full_like(means.place, np.nan)
    low, high, drawn = nothing, nothing.copy(), np.zeros_like(chosen)
    if not chosen.any():
        return low, high, drawn
    m, error, documents = means.place[chosen], means.error[chosen], len(bottoms)
    least, most = np.full_like(m, np.nan), np.full_like(m, np.nan)
    if documents <= MOST_DOCUMENTS:
        drawn_t = np.concatenate(list(_studentised(kind, m, means.residuals[:, chosen], bottoms[:, chosen])))
        drawn_t.partition([TAIL, RESAMPLES - 1 - TAIL], axis=0)
        least, most = drawn_t[TAIL].astype(np.float64), drawn_t[RESAMPLES - 1 - TAIL].astype(np.float64)
    told = np.isfinite(least) & np.isfinite(most)
    # Draws of few skewed documents underrate what was not seen; of both the farther one is taken.
    floor = (means.floor if kind == "logit" else means.floor_open)[chosen]
    down, up = (np.where(told, np.maximum(each * error, floor), floor) for each in (most, -least))
    middle, grown = forth(kind, m), slope(kind, m)
    lower, upper = back(kind, middle - down * grown), back(kind, middle + up * grown)
    if kind != "logit":
        lower, upper = np.maximum(lower, m - FARTHEST * error), np.minimum(upper, m + FARTHEST * error)
    low[chosen], high[chosen], drawn[chosen] = lower, upper, told
    return low, high, drawn


def symmetric(tops: FloatArray, bottoms: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Standard errors and ends of symmetric bootstrap-t intervals of ratios that may have any sign.

    m ± q·s with q the 95 % quantile of |T*|; at least Student's t with `UNSEEN` more of the farthest document, at most
    `FARTHEST`. Of differences, whose sign may be either, it covers better than two quantiles do. Source: Hall, On
    Symmetric Bootstrap Confidence Intervals, J. Royal Statistical Soc. B 50 (1988).

    Args:
        tops: Sums per document, shape (documents, series).
        bottoms: Sums of weights, above 0, same shape.
    """
    means = _Means.of(tops, bottoms)
    m = means.place
    error = np.where(means.error**2 <= ALIKE * np.maximum(1.0, m**2), np.nan, means.error)
    quantile = np.full_like(m, np.inf)
    if len(tops) <= MOST_DOCUMENTS:
        drawn = np.abs(np.concatenate(list(_studentised("plain", m, means.residuals, bottoms))))
        position = int(LEVEL * RESAMPLES)
        drawn.partition(position, axis=0)
        quantile = drawn[position].astype(np.float64)
    half = np.maximum(np.where(np.isfinite(quantile), quantile, 0.0) * error, means.floor_open)
    half = np.minimum(half, FARTHEST * error)
    return error, rounded(m - half), rounded(m + half)


def _studentised(
    kind: Kind, m: FloatArray, residuals: FloatArray, bottoms: FloatArray
) -> Iterator[NDArray[np.float32]]:
    """T* of blocks of resamples, shape (resamples, series); infinite where the documents drawn are all alike."""
    documents = len(residuals)
    # One scale for all, since sums are of 32-bit numbers: the heaviest document weighs 1.
    heaviest = bottoms.max(axis=0)
    r, b = (residuals / heaviest).astype(np.float32), (bottoms / heaviest).astype(np.float32)
    # Where all weigh the same, or nothing, products with weights are sums that are known.
    equal = bool(((b == 0) | (b > 1 - 1e-6)).all())
    columns = [r, r * r, b] if equal else [r, r * r, b, r * b, b * b]
    stacked = np.hstack(columns)
    middle, inflated = forth(kind, m), documents / (documents - 1)
    for counts in resamples(documents):
        sums = np.split((counts.astype(np.float32) @ stacked).astype(np.float64), len(columns), axis=1)
        weight = np.maximum(sums[2], TINY)
        crossed, squared = (sums[0], weight) if equal else (sums[3], sums[4])
        moved = sums[0] / weight
        variance = sums[1] - moved * (2 * crossed - moved * squared)
        drawn = m + moved
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.sqrt(variance * inflated) / weight * slope(kind, drawn)
            t = (forth(kind, drawn) - middle) / spread
            # No change of documents that are all alike is no change, whatever it is divided by.
            t = np.where(variance > FLAT * sums[1], t, np.where(moved == 0, 0, np.sign(moved) * np.inf))
        yield t.astype(np.float32)


def _wilson(share: FloatArray, documents: IntArray | int) -> tuple[FloatArray, FloatArray]:
    z2 = Z**2
    centre = (share + z2 / (2 * documents)) / (1 + z2 / documents)
    half = Z / (1 + z2 / documents) * np.sqrt(share * (1 - share) / documents + z2 / (4 * documents**2))
    return np.maximum(0.0, centre - half), np.minimum(1.0, centre + half)


def rounded(values: FloatArray) -> FloatArray:
    """To as many digits as machines agree on."""
    with np.errstate(divide="ignore", invalid="ignore"):
        exponents = np.floor(np.log10(np.abs(values)))
    digits = np.where(np.isfinite(exponents), DIGITS - 1 - exponents, 0)
    scale = 10.0 ** np.clip(digits, -300, 300)
    return np.where(values == 0, 0.0, np.round(values * scale) / scale)


def detectable(error: FloatArray, documents: int) -> FloatArray:
    """The smallest difference that a comparison of two such cells finds in 80 % of cases, were they independent.

    Formula: (t(0.975) + t(0.8)) · √2 · s with G-1 degrees of freedom; a paired comparison finds smaller ones.
    Source: Bloom, Minimum Detectable Effects, Evaluation Review 19 (1995).
    """
    factor = t_quantile(documents - 1) + t_quantile(documents - 1, POWER)
    return rounded(factor * 2**0.5 * error)


def _t_quantiles(degrees: FloatArray) -> FloatArray:
    """The 97.5 % quantiles of Student's t distributions."""
    from scipy.special import stdtrit

    return np.asarray(stdtrit(degrees, 0.5 + LEVEL / 2), dtype=np.float64)


def t_quantile(degrees: int, share: float = 0.5 + LEVEL / 2) -> float:
    """A quantile of Student's t distribution."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, share))


def by_error(value: float, error: float, documents: int, *, lower: float | None, upper: float | None) -> Estimate:
    """The interval of a value whose standard error is known: t quantiles on the scale of its range.

    Args:
        value: The value.
        error: Its standard error, such as the spread of the value in resamples of documents.
        documents: How many documents it comes from.
        lower: Smallest possible value; None when unbounded.
        upper: Largest possible value; None when unbounded.
    """
    places = Range.of(lower, upper)
    kind, place = places.kind, np.array([(value - places.offset) / places.factor])
    method = ERROR
    if error**2 <= ALIKE * max(1.0, value**2):
        if kind != "logit":
            return Estimate(value)
        ends, method = _wilson(np.clip(place, 0, 1), documents), WILSON
    else:
        kind = kind if place[0] > 0 and (kind != "logit" or place[0] < 1) else "plain"
        t, error_of_place = t_quantile(documents - 1), error / abs(places.factor)
        spread, middle = t * error_of_place * slope(kind, place), forth(kind, place)
        ends = back(kind, middle - spread), back(kind, middle + spread)
        if kind != "logit":
            farthest = FARTHEST * error_of_place
            ends = np.maximum(ends[0], place - farthest), np.minimum(ends[1], place + farthest)
    low, high = sorted(float(rounded(places.offset + places.factor * end)[0]) for end in ends)
    method += FEW if documents < FEW_DOCUMENTS else ""
    return Estimate(value, min(low, value), max(high, value), method, error)
