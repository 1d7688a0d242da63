"""One figure for a model over the datasets of a benchmark: the mean of its scores, or of its ranks.

Each dataset weighs alike. Only a model that has every cell, on the samples that others were asked, has an average:
the mean of what is there would be the mean of other datasets.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from vlmbench_assets.work.combined import Combine, estimate_combined
from vlmbench_assets.work.compare import FEWEST_DOCUMENTS, difference
from vlmbench_assets.work.rank import Ranking
from vlmbench_assets.work.separate import Pair, all_pairs, corrected, pair_rows, rank_intervals
from vlmbench_assets.work.statistics import FEWEST_DOCUMENTS as FEWEST_FOR_ERROR
from vlmbench_assets.work.statistics import FloatArray, by_error, t_quantile
from vlmbench_sdk import MetricPlugin

MEAN_RANK = "mean rank"


@dataclass(frozen=True, slots=True)
class Average:
    """One model over all datasets."""

    value: float
    low: float | None
    high: float | None
    ranks: tuple[int, int] | None
    """The best and the worst rank that remain possible; None for one model alone, which has no rank."""


@dataclass(frozen=True, slots=True)
class Averages:
    """All models that have one."""

    by: str
    """What is averaged: `mean METRIC`, or `mean rank`."""
    higher_is_better: bool
    models: Mapping[str, Average]
    """Best first."""
    pairs: list[Pair]
    """Paired differences of the average; none where ranks are averaged."""


@dataclass(frozen=True, slots=True)
class Part:
    """A standard error with its degrees of freedom."""

    error: float
    degrees: int


def lacking(rankings: Mapping[str, Ranking]) -> dict[str, list[str]]:
    """By model the datasets on which it has no comparable score of as many samples as the others."""
    found: dict[str, list[str]] = {model: [] for ranking in rankings.values() for model in ranking.cells}
    for dataset, ranking in rankings.items():
        asked = {model: len(cell.answers) for model in ranking.scores if (cell := ranking.cells[model])}
        for model in ranking.cells:
            if asked.get(model) != max(asked.values(), default=0):
                found[model].append(dataset)
    return found


def complete_models(rankings: Mapping[str, Ranking]) -> list[str]:
    """The models that have a comparable score of the fullest kind on every dataset."""
    return [model for model, datasets in lacking(rankings).items() if not datasets]


def one_metric(rankings: Mapping[str, Ranking]) -> MetricPlugin | None:
    """The metric that ranks every dataset; None where they differ, so that their scores have no mean."""
    plugins = {ranking.headline: ranking.plugin for ranking in rankings.values()}
    return next(iter(plugins.values())) if len(plugins) == 1 else None


def average(rankings: Mapping[str, Ranking]) -> Averages:
    """Average every complete model: its scores where one metric ranks all datasets, else its ranks.

    One complete model alone has a mean score and no rank: whatever the others lack, they may be before it or behind.
    Its ranks, which would all be 1, have no mean.
    """
    models = complete_models(rankings)
    plugin = one_metric(rankings)
    if plugin is None:
        return _of_ranks(rankings, models)
    return _of_scores(rankings, models, plugin, next(iter(rankings.values())).headline)


def _of_scores(rankings: Mapping[str, Ranking], models: Sequence[str], plugin: MetricPlugin, headline: str) -> Averages:
    """The mean of the scores.

    Formula: m = Σ m_d / D over D datasets, whose documents are independent, so s² = Σ s_d² / D² with s_d the error of
    dataset d by its documents, and Student's t with (Σ s_d²)² / Σ (s_d⁴ / (G_d - 1)) degrees, on the scale of the
    range. Source: a mean over strata, Cochran, Sampling Techniques, 3rd ed., §5.3-5.4; the degrees: Satterthwaite,
    Biometrics Bulletin 2 (1946).
    """
    found = {}
    for model in models:
        values = [float(ranking.table.set_index("model")[headline][model]) for ranking in rankings.values()]
        parts = [_error(each.scores[model], plugin, each.combine) for each in rankings.values()]
        found[model] = _mean(values, parts, plugin)
    ordered = sorted(models, key=lambda model: found[model].value, reverse=plugin.higher_is_better)
    pairs = _pairs(rankings, ordered, plugin)
    ranks = rank_intervals(ordered, pairs, higher_is_better=plugin.higher_is_better)
    kept = {model: replace(found[model], ranks=ranks[model] if len(models) > 1 else None) for model in ordered}
    return Averages(f"mean {headline}", plugin.higher_is_better, kept, pairs)


def _mean(values: Sequence[float], parts: Sequence[Part | None], plugin: MetricPlugin) -> Average:
    value = math.fsum(values) / len(values)
    together = _together([part for part in parts if part is not None])
    if together is None or None in parts:
        return Average(value, None, None, None)
    ends = by_error(value, together.error, together.degrees + 1, lower=plugin.lower, upper=plugin.upper)
    return Average(value, ends.low, ends.high, None)


def _together(parts: Sequence[Part]) -> Part | None:
    """The error of a mean of independent parts."""
    if not parts:
        return None
    squares = [part.error**2 for part in parts]
    total = math.fsum(squares)
    below = math.fsum(each**2 / part.degrees for each, part in zip(squares, parts, strict=True))
    degrees = int(total**2 / below) if below > 0 else min(part.degrees for part in parts)
    return Part(math.sqrt(total) / len(parts), max(1, degrees))


def _error(rows: pd.DataFrame, plugin: MetricPlugin, combine: Combine | None) -> Part | None:
    """The error of one score by its documents; None where they are too few."""
    documents, ids = pd.factorize(rows["doc_id"], sort=True)
    if len(ids) < FEWEST_FOR_ERROR:
        return None
    if combine is not None:
        error = estimate_combined(rows, documents.astype(np.int64), combine, plugin).error
        return None if error is None else Part(error, len(ids) - 1)
    weight = rows["weight"].to_numpy(dtype=np.float64)
    tops = np.bincount(documents, rows["value"].to_numpy(dtype=np.float64) * weight)
    return _ratio_error(tops.astype(np.float64), np.bincount(documents, weight).astype(np.float64))


def _ratio_error(tops: FloatArray, bottoms: FloatArray) -> Part | None:
    """The error of Σ tops / Σ bottoms, each document left out once (Cochran §6.17)."""
    tops, bottoms = tops[bottoms > 0], bottoms[bottoms > 0]
    documents, total = len(tops), bottoms.sum()
    if documents < FEWEST_FOR_ERROR:
        return None
    left_out = (tops.sum() - tops) / (total - bottoms)
    return Part(float(np.sqrt((documents - 1) / documents * ((left_out - left_out.mean()) ** 2).sum())), documents - 1)


@dataclass(frozen=True, slots=True)
class _Change:
    """How two models differ on one dataset."""

    rows: pd.DataFrame
    difference: float | None
    part: Part | None


def _change(ranking: Ranking, first: str, second: str, plugin: MetricPlugin) -> _Change:
    both = pair_rows(ranking.scores, first, second)
    weight = both["weight"].to_numpy(dtype=np.float64)
    if ranking.combine is not None or not np.allclose(weight, both["weight_first"]):
        told = difference(both, plugin, ranking.combine, tested=False)
        if told.low is None or told.high is None:
            return _Change(both, told.difference, None)
        half = (told.high - told.low) / 2
        return _Change(both, told.difference, Part(half / t_quantile(told.documents - 1), told.documents - 1))
    documents = pd.factorize(both["doc_id"], sort=True)[0]
    tops = np.bincount(documents, both["change"].to_numpy(dtype=np.float64) * weight).astype(np.float64)
    bottoms = np.bincount(documents, weight).astype(np.float64)
    total = float(bottoms.sum())
    return _Change(both, float(tops.sum()) / total if total > 0 else None, _ratio_error(tops, bottoms))


def _pairs(rankings: Mapping[str, Ranking], models: Sequence[str], plugin: MetricPlugin) -> list[Pair]:
    """Paired differences of the mean score.

    By Student's t, with error and degrees joined as for the mean itself. To flip documents would test something else:
    that no dataset shows a difference; of two models that are each better on one, it finds none in their mean. No
    p-value is less than what flips of the documents that differ could give, for t trusts few documents too much.
    """
    found = []
    for first, second in combinations(models, 2):
        changes = [_change(ranking, first, second, plugin) for ranking in rankings.values()]
        found.append(_averaged(first, second, changes, plugin))
    return corrected(found)


def _averaged(first: str, second: str, changes: Sequence[_Change], plugin: MetricPlugin) -> Pair:
    from scipy.special import stdtr

    rows = [each.rows.assign(place=place) for place, each in enumerate(changes)]
    both = pd.concat(rows)[["place", "doc_id", "change"]]
    moved = both["change"] * (1 if plugin.higher_is_better else -1)
    wins, losses = int((moved > 0).sum()), int((moved < 0).sum())
    documents = len(both[["place", "doc_id"]].drop_duplicates())
    differing = len(both.loc[both["change"] != 0, ["place", "doc_id"]].drop_duplicates())
    known = [each.difference for each in changes if each.difference is not None]
    value = math.fsum(known) / len(changes) if len(known) == len(changes) else None
    pair = Pair(first, second, len(both), value, 1.0, 1.0, documents, wins, len(both) - wins - losses, losses)
    parts = [each.part for each in changes if each.part is not None]
    together = _together(parts) if len(parts) == len(changes) else None
    if not value or together is None or documents < FEWEST_DOCUMENTS:
        return pair
    least = 2.0 ** (1 - differing)
    if not together.error > 0:
        return replace(pair, p_value=min(1.0, least))
    half = t_quantile(together.degrees) * together.error
    p = 2 * float(stdtr(together.degrees, -abs(value) / together.error))
    return replace(pair, p_value=min(1.0, max(p, least)), low=value - half, high=value + half)


def _of_ranks(rankings: Mapping[str, Ranking], models: Sequence[str]) -> Averages:
    """The mean of the ranks among the complete models, tied ones sharing theirs.

    Its interval is the mean of the ranks that remain possible on each dataset, with Holm's correction over the pairs
    of all datasets: so all of them hold together with 95 %. One model is before another where their intervals part.
    """
    if len(models) < 2:
        return Averages(MEAN_RANK, higher_is_better=False, models={}, pairs=[])
    pairs = corrected([pair for ranking in rankings.values() for pair in _own_pairs(ranking, models)])
    each = len(models) * (len(models) - 1) // 2
    ranks, ends = [], []
    for number, ranking in enumerate(rankings.values()):
        rows = ranking.table.set_index("model").loc[list(models), ranking.headline]
        ranks.append(rows.rank(method="average", ascending=not ranking.higher_is_better))
        own = pairs[number * each : (number + 1) * each]
        ends.append(rank_intervals(models, own, higher_is_better=ranking.higher_is_better))
    value = {model: math.fsum(float(rank[model]) for rank in ranks) / len(ranks) for model in models}
    low, high = (
        {model: math.fsum(end[model][side] for end in ends) / len(ends) for model in models} for side in (0, 1)
    )
    found = {}
    for model in sorted(models, key=lambda name: value[name]):
        before = sum(high[other] < low[model] for other in models)
        after = sum(high[model] < low[other] for other in models)
        found[model] = Average(value[model], low[model], high[model], (1 + before, len(models) - after))
    return Averages(MEAN_RANK, higher_is_better=False, models=found, pairs=[])


def _own_pairs(ranking: Ranking, models: Sequence[str]) -> Iterator[Pair]:
    if ranking.plugin is not None:
        scores = ranking.scores
        yield from all_pairs({model: scores[model] for model in models}, ranking.plugin, ranking.combine)
