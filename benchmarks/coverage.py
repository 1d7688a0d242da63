"""Do 95 % intervals hold the true value in 95 % of cases? Simulated on clustered data.

Run: python benchmarks/coverage.py [--runs N] [--documents N ...]
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlmbench_assets.work.resample import resamples
from vlmbench_assets.work.statistics import Kind, intervals, symmetric, t_quantile

Floats = NDArray[np.float64]
Shape = tuple[int, int]
Drawn = tuple[Floats, Floats]
"""Sums of weight times score, and of weights, shape (documents, runs)."""
DOCUMENTS = (20, 50, 200)
RUNS = 2000


@dataclass(frozen=True)
class Scenario:
    """Documents as a benchmark has them."""

    draw: Callable[[np.random.Generator, Shape], Drawn]
    true: float
    kind: Kind
    says: str


def fields(p: float, spread: float, count: int | None) -> Callable[[np.random.Generator, Shape], Drawn]:
    """Right-or-wrong fields; a document's rate of right ones is Beta(p·c, (1-p)·c). None: 1 to 30 fields, mean 4."""

    def draw(chance: np.random.Generator, shape: Shape) -> Drawn:
        rate = chance.beta(p * spread, (1 - p) * spread, shape)
        counts = np.full(shape, count) if count else np.minimum(chance.geometric(0.25, shape), 30)
        return chance.binomial(counts, rate).astype(float), counts.astype(float)

    return draw


def harder(chance: np.random.Generator, shape: Shape) -> Drawn:
    """Documents with more than four fields are read worse: 0.7 instead of 0.9."""
    counts = np.minimum(chance.geometric(0.25, shape), 30)
    p = np.where(counts > 4, 0.7, 0.9)
    return chance.binomial(counts, chance.beta(p * 2, (1 - p) * 2)).astype(float), counts.astype(float)


def edits(mean: float, spread: float) -> Callable[[np.random.Generator, Shape], Drawn]:
    """Edits over length of four texts; a document's rate of edits is Gamma, lengths are log-normal."""

    def draw(chance: np.random.Generator, shape: Shape) -> Drawn:
        rate = chance.gamma(spread, mean / spread, shape)
        lengths = np.ceil(chance.lognormal(2.3, 0.7, (4, *shape)))
        return chance.poisson(rate * lengths).sum(axis=0).astype(float), lengths.sum(axis=0)

    return draw


def similar(chance: np.random.Generator, shape: Shape) -> Drawn:
    """Four similarities a document: 1 for most, else 0 or something between 0.5 and 0.95."""
    rate = chance.beta(1.8, 0.2, shape)
    right, none = chance.random((4, *shape)) < rate, chance.random((4, *shape)) < 0.5
    values = np.where(right, 1.0, np.where(none, 0.0, chance.uniform(0.5, 0.95, (4, *shape))))
    return values.sum(axis=0), np.full(shape, 4.0)


def gain(p: float, share: float) -> Callable[[np.random.Generator, Shape], Drawn]:
    """Two models on the same documents; the second mends a share of what the first gets wrong."""

    def draw(chance: np.random.Generator, shape: Shape) -> Drawn:
        rate = chance.beta(2 * p, 2 * (1 - p), shape)
        better = rate + (1 - rate) * share
        return chance.binomial(4, better) - chance.binomial(4, rate).astype(float), np.full(shape, 4.0)

    return draw


def _ratio(draw: Callable[[np.random.Generator, Shape], Drawn]) -> float:
    tops, bottoms = draw(np.random.default_rng(1), (4_000_000, 1))
    return float(tops.sum() / bottoms.sum())


SCENARIOS: Mapping[str, Scenario] = {
    "mean 0.5": Scenario(fields(0.5, 1, 4), 0.5, "logit", "four fields, alike within a document"),
    "mean 0.7": Scenario(fields(0.7, 1, 4), 0.7, "logit", "the same"),
    "mean 0.9": Scenario(fields(0.9, 1, 4), 0.9, "logit", "the same"),
    "mean 0.9, looser": Scenario(fields(0.9, 4, 4), 0.9, "logit", "fields less alike"),
    "mean 0.98": Scenario(fields(0.98, 1, 4), 0.98, "logit", "near the end of the range"),
    "mean 0.98, looser": Scenario(fields(0.98, 4, 4), 0.98, "logit", "the same, fields less alike"),
    "0.7, unequal": Scenario(fields(0.7, 1, None), 0.7, "logit", "1 to 30 fields"),
    "0.9, unequal": Scenario(fields(0.9, 1, None), 0.9, "logit", "1 to 30 fields"),
    "long ones harder": Scenario(harder, _ratio(harder), "logit", "score depends on size"),
    "one field": Scenario(fields(0.9, 1, 1), 0.9, "logit", "independent right-or-wrong"),
    "ANLS 0.94": Scenario(similar, 0.9 + 0.1 * 0.5 * 0.725, "logit", "continuous, bounded"),
    "CER 0.1": Scenario(edits(0.1, 1.0), 0.1, "log", "corpus ratio, no upper end"),
    "CER 0.05, skewed": Scenario(edits(0.05, 0.3), 0.05, "log", "a few documents make most edits"),
    "difference 0": Scenario(gain(0.7, 0.0), 0.0, "plain", "paired, no difference"),
    "difference 0.06": Scenario(gain(0.7, 0.2), 0.06, "plain", "paired"),
    "difference 0.04": Scenario(gain(0.9, 0.4), 0.04, "plain", "paired, near the end"),
}


def covered(scenario: Scenario, documents: int, runs: int, seed: int = 3) -> dict[str, float]:
    """Share of runs whose interval holds the true value, by method."""
    tops, bottoms = scenario.draw(np.random.default_rng(seed), (documents, runs))
    totals = bottoms.sum(axis=0)
    mean = tops.sum(axis=0) / totals
    error = np.sqrt(documents / (documents - 1) * ((tops - mean * bottoms) ** 2).sum(axis=0)) / totals
    half = t_quantile(documents - 1) * error
    drawn = np.concatenate([(each @ tops) / (each @ bottoms) for each in resamples(documents)])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    if scenario.kind == "plain":
        _, ours_low, ours_high = symmetric(tops, bottoms)
    else:
        found = intervals(tops, bottoms, scenario.kind)
        ours_low, ours_high = found.low, found.high
    ends = {"ours": (ours_low, ours_high), "cluster t": (mean - half, mean + half), "percentile": (low, high)}
    return {
        name: float(((low <= scenario.true + 1e-12) & (scenario.true <= high + 1e-12)).mean())
        for name, (low, high) in ends.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--documents", type=int, nargs="+", default=DOCUMENTS)
    arguments = parser.parse_args()
    names = ("ours", "cluster t", "percentile")
    head = [f"{name}, {documents}" for name in names for documents in arguments.documents]
    print(f"| data | {' | '.join(head)} |\n|---|{'--:|' * len(head)}")
    for name, scenario in SCENARIOS.items():
        found = {documents: covered(scenario, documents, arguments.runs) for documents in arguments.documents}
        cells = [f"{100 * found[documents][method]:.1f}" for method in names for documents in arguments.documents]
        print(f"| {name}: {scenario.says} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
