"""Do 95 % intervals hold the true value in 95 % of cases? Simulated on clustered data.

Run: python benchmarks/coverage.py [--held-out] [--runs N] [--documents N ...]
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vlmbench_assets.work.resample import resamples
from vlmbench_assets.work.scale import Kind
from vlmbench_assets.work.statistics import intervals, symmetric

Floats = NDArray[np.float64]
Shape = tuple[int, int]
Drawn = tuple[Floats, Floats]
"""Sums of weight times score, and of weights, shape (documents, runs)."""
DOCUMENTS = (20, 50, 200)
RUNS = 10_000


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


def mixed(
    shares: tuple[float, ...], draws: tuple[Callable[[np.random.Generator, Shape], Drawn], ...]
) -> Callable[[np.random.Generator, Shape], Drawn]:
    """Documents of several kinds, each with its share."""

    def draw(chance: np.random.Generator, shape: Shape) -> Drawn:
        which = chance.choice(len(shares), shape, p=shares)
        drawn = [each(chance, shape) for each in draws]
        tops, bottoms = (np.choose(which, [pair[side] for pair in drawn]) for side in (0, 1))
        return tops, bottoms

    return draw


def looped(share: float, mean: float, rate: float) -> Callable[[np.random.Generator, Shape], Drawn]:
    """Edits, and a share of documents whose answers run on for ever: `rate` edits per character."""

    def draw(chance: np.random.Generator, shape: Shape) -> Drawn:
        tops, lengths = edits(mean, 1.0)(chance, shape)
        return np.where(chance.random(shape) < share, np.ceil(rate * lengths), tops), lengths

    return draw


def heavy(
    rates: Callable[[np.random.Generator, Shape], Floats], spread: float
) -> Callable[[np.random.Generator, Shape], Drawn]:
    """Rates of edits of any distribution; lengths are log-normal."""

    def draw(chance: np.random.Generator, shape: Shape) -> Drawn:
        lengths = np.ceil(100 * chance.lognormal(0, spread, shape))
        return rates(chance, shape) * lengths, lengths

    return draw


def single(values: Callable[[np.random.Generator, Shape], Floats]) -> Callable[[np.random.Generator, Shape], Drawn]:
    """One score a document."""

    def draw(chance: np.random.Generator, shape: Shape) -> Drawn:
        return values(chance, shape), np.ones(shape)

    return draw


def changed(
    before: Callable[[np.random.Generator, Shape], Floats], moves: Callable[[np.random.Generator, Shape], Floats]
) -> Callable[[np.random.Generator, Shape], Drawn]:
    """Changes of a score between 0 and 1, one a document, weighing 1 to 30."""

    def draw(chance: np.random.Generator, shape: Shape) -> Drawn:
        first = before(chance, shape)
        weights = np.minimum(chance.geometric(0.2, shape), 30).astype(float)
        return (np.clip(first + moves(chance, shape), 0, 1) - first) * weights, weights

    return draw


def swapped(wins: float, losses: float) -> Callable[[np.random.Generator, Shape], Drawn]:
    """One field a document, right-or-wrong; the second model wins some and loses some."""

    def draw(chance: np.random.Generator, shape: Shape) -> Drawn:
        u = chance.random(shape)
        return (u < wins).astype(float) - (u > 1 - losses), np.ones(shape)

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


HELD_OUT: Mapping[str, Scenario] = {
    "mean 0.3": Scenario(fields(0.3, 2, 2), 0.3, "logit", "two fields"),
    "mean 0.8": Scenario(fields(0.8, 0.5, 10), 0.8, "logit", "ten fields, much alike"),
    "mean 0.95": Scenario(fields(0.95, 10, 6), 0.95, "logit", "six fields, hardly alike"),
    "mean 0.995": Scenario(fields(0.995, 2, 4), 0.995, "logit", "four fields, nearly all right"),
    "one field, 0.75": Scenario(fields(0.75, 1, 1), 0.75, "logit", "independent right-or-wrong"),
    "one field, 0.97": Scenario(fields(0.97, 1, 1), 0.97, "logit", "the same"),
    "0.8, unequal": Scenario(fields(0.8, 5, None), 0.8, "logit", "1 to 30 fields, hardly alike"),
    "easy and hard": Scenario(
        mixed((0.85, 0.15), (fields(0.99, 5, 5), fields(0.3, 5, 5))),
        0.85 * 0.99 + 0.15 * 0.3,
        "logit",
        "15 % of documents are read badly",
    ),
    "long tables": Scenario(
        mixed((0.9, 0.1), (fields(0.9, 3, 3), fields(0.8, 3, 60))),
        (0.9 * 3 * 0.9 + 0.1 * 60 * 0.8) / (0.9 * 3 + 0.1 * 60),
        "logit",
        "a tenth has twenty times the fields",
    ),
    "graded": Scenario(
        single(lambda chance, shape: chance.choice([0, 0.25, 0.5, 0.75, 1], shape, p=[0.02, 0.03, 0.05, 0.1, 0.8])),
        0.9075,
        "logit",
        "one grade of five a document",
    ),
    "TEDS": Scenario(single(lambda chance, shape: chance.beta(8, 2, shape)), 0.8, "logit", "one similarity a document"),
    "WER 0.3": Scenario(edits(0.3, 2.0), 0.3, "log", "corpus ratio"),
    "CER 0.02": Scenario(edits(0.02, 0.6), 0.02, "log", "corpus ratio"),
    "CER, 3 % loop": Scenario(looped(0.03, 0.05, 5.0), 0.97 * 0.05 + 0.03 * 5, "log", "answers that run on for ever"),
    "CER, log-normal": Scenario(
        heavy(lambda chance, shape: 0.05 * chance.lognormal(-0.72, 1.2, shape), 0.5), 0.05, "log", "heavy tail"
    ),
    "CER, Pareto": Scenario(
        heavy(lambda chance, shape: 0.06 * chance.pareto(2.5, shape), 0.5), 0.04, "log", "heavier tail, of index 2.5"
    ),
    "counts": Scenario(
        single(lambda chance, shape: chance.poisson(0.2, shape).astype(float)), 0.2, "log", "an open score, mostly 0"
    ),
    "swaps, even": Scenario(swapped(0.1, 0.1), 0.0, "plain", "one field, as many wins as losses"),
    "swaps, gain": Scenario(swapped(0.15, 0.03), 0.12, "plain", "one field, five times as many wins"),
    "small changes": Scenario(
        changed(lambda chance, shape: chance.beta(6, 1, shape), lambda chance, shape: chance.normal(0.02, 0.1, shape)),
        0.0043344,  # E[clip(F + M, 0, 1) - F] by quadrature
        "plain",
        "continuous, weighing 1 to 30",
    ),
    "rare changes": Scenario(
        changed(
            lambda chance, shape: chance.beta(2, 2, shape),
            lambda chance, shape: np.where(chance.random(shape) < 0.15, 0.5, 0.0),
        ),
        0.15 * 0.40625,
        "plain",
        "0.5 better on 15 % of documents, weighing 1 to 30",
    ),
}
"""Written down before the method was chosen, and looked at after."""


def covered(scenario: Scenario, documents: int, runs: int, seed: int = 3) -> dict[str, tuple[float, float]]:
    """Share of runs whose interval holds the true value, and the intervals' median width, by method."""
    tops, bottoms = scenario.draw(np.random.default_rng(seed), (documents, runs))
    drawn = np.concatenate([(each @ tops) / (each @ bottoms) for each in resamples(documents)])
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    if scenario.kind == "plain":
        _, ours_low, ours_high = symmetric(tops, bottoms)
    else:
        found = intervals(tops, bottoms, scenario.kind)
        ours_low, ours_high = found.low, found.high
    ends = {"ours": (ours_low, ours_high), "percentile": (low, high)}
    return {
        # Where there is no interval, it holds nothing.
        name: (
            float(((low <= scenario.true + 1e-12) & (scenario.true <= high + 1e-12)).mean()),
            float(np.nanmedian(high - low)),
        )
        for name, (low, high) in ends.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--held-out", action="store_true", help="the scenarios that chose no method")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--documents", type=int, nargs="+", default=DOCUMENTS)
    arguments = parser.parse_args()
    says = ("ours", "width", "percentile")
    head = [f"{name}, {documents}" for name in says for documents in arguments.documents]
    print(f"| data | {' | '.join(head)} |\n|---|{'--:|' * len(head)}")
    for name, scenario in (HELD_OUT if arguments.held_out else SCENARIOS).items():
        found = [covered(scenario, documents, arguments.runs) for documents in arguments.documents]
        ours, percentile = ([each[method] for each in found] for method in ("ours", "percentile"))
        cells = [
            *(f"{100 * share:.1f}" for share, _ in ours),
            *(f"{width:.3f}" for _, width in ours),
            *(f"{100 * share:.1f}" for share, _ in percentile),
        ]
        print(f"| {name}: {scenario.says} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
