"""Score answers: one row per sample and metric that applies to it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from vlmbench_assets.contracts import METRICS, UNANSWERED
from vlmbench_assets.tables import table_from_rows
from vlmbench_assets.work.many_texts import many, normalization_many
from vlmbench_sdk import Case, Cases, MetricPlugin, NormalizerPlugin, Options, PluginError, Score, Scores
from vlmbench_sdk.entries import MetricEntry
from vlmbench_sdk.metric import NO_GOLD, Normalize, NormalizeMany, categorize_many, letters
from vlmbench_sdk.scoring import ManyScorer, Scorer, many_scorer_of, normalization, scorer_of

AT_ONCE = 50_000
"""Rows that are scored together: more would take memory and save nothing."""
Texts = Sequence[str]
Golds = Sequence[tuple[str, ...]]
_letters_many = many(letters)


@dataclass(frozen=True, slots=True)
class LoadedMetric:
    """A metric entry, ready to score."""

    name: str
    entry: MetricEntry
    plugin: MetricPlugin
    options: Options
    scorer: Scorer
    normalize: Normalize
    many: ManyScorer | None = None
    """Scores many cases at once; None where the plugin cannot."""
    normalize_many: NormalizeMany = list

    def score(self, answers: Texts, references: Golds, answer_types: Texts, whose: Texts = ()) -> Scores:
        """Score cases, given column by column; every column of the result is filled.

        What the scorer raises has the metric in its notes, and where cases are scored one by one the sample, of
        those that `whose` names.
        """
        try:
            if self.many is not None:
                cases = Cases(answers, references, answer_types, self.normalize_many, _letters_many)
                found = _filled(self.many(cases, self.options), len(answers))
            else:
                found = self._one_by_one(answers, references, answer_types, whose)
        except Exception as error:
            error.add_note(f"metric {self.name} ({self.plugin.metric_id})")
            raise
        return found if self.entry.threshold is None else self._judged(found, answers, references)

    def _one_by_one(self, answers: Texts, references: Golds, answer_types: Texts, whose: Texts) -> Scores:
        scores: list[Score] = []
        try:
            for answer, golds, kind in zip(answers, references, answer_types, strict=True):
                scores.append(self.scorer(Case(answer, golds, kind, self.normalize), self.options))
        except Exception as error:
            if whose:
                error.add_note(f"sample {whose[len(scores)]}")
            raise
        return Scores(
            [each.value for each in scores],
            [each.weight for each in scores],
            [each.category for each in scores],
            [each.detail for each in scores],
        )

    def _judged(self, found: Scores, answers: Texts, references: Golds) -> Scores:
        """Right or wrong by the entry's threshold; wrong ones that the scorer gave no category get one."""
        sign, threshold = (1 if self.plugin.higher_is_better else -1), self.entry.threshold or 0.0
        right = [value is not None and sign * value >= sign * threshold for value in found.values]
        values = [None if value is None else float(passes) for value, passes in zip(found.values, right, strict=True)]
        # What has no score, or a kind of error from its scorer, keeps its category.
        named = [
            value is None or each not in {"", "correct"} for value, each in zip(values, found.categories, strict=True)
        ]
        owners = [index for index, golds in enumerate(references) for _ in golds]
        kinds = categorize_many(
            self.normalize_many(answers),
            self.normalize_many([each for golds in references for each in golds]),
            owners,
            [passes or known for passes, known in zip(right, named, strict=True)],
            _letters_many,
        )
        for index, passes in enumerate(right):
            if named[index] and not passes:
                kinds[index] = found.categories[index]
        return Scores(values, [1.0] * len(values), kinds, found.details)


def _filled(found: Scores, cases: int) -> Scores:
    """The same scores with every column there.

    Raises:
        PluginError: When there are more or fewer of them than cases.
    """
    full = Scores(
        found.values,
        found.weights or [1.0] * cases,
        found.categories or [""] * cases,
        found.details or [""] * cases,
    )
    if {len(full.values), len(full.weights), len(full.categories), len(full.details)} != {cases}:
        raise PluginError(f"`score_many` gave {len(full.values)} scores for {cases} cases")
    return full


def load_metric(
    name: str, entry: MetricEntry, plugin: MetricPlugin, normalizers: Mapping[str, NormalizerPlugin]
) -> LoadedMetric:
    """Import what a metric entry names.

    Raises:
        PluginError: When a scorer or normaliser cannot be imported.
    """
    # What an environment of its own has need not be installed here; its normalisers only name kinds of error.
    elsewhere = entry.environment is not None
    names = () if elsewhere else entry.normalize
    return LoadedMetric(
        name=name,
        entry=entry,
        plugin=plugin,
        options=plugin.options.model_validate(entry.options),
        scorer=_never if elsewhere else scorer_of(plugin),
        normalize=normalization(names, normalizers),
        many=None if elsewhere else many_scorer_of(plugin),
        normalize_many=normalization_many(names, normalizers),
    )


def _never(_case: Case, _options: Options) -> Score:
    raise PluginError("this metric scores in an environment of its own")


def score(
    samples: pd.DataFrame, answers: pd.DataFrame, metrics: Sequence[LoadedMetric], kept: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Score every answer with every metric that applies to its sample; rows of `kept` are taken as they are.

    A row without an answer (`UNANSWERED` statuses) or without gold has no value; it keeps the weight it
    would have had, so that a corpus-level aggregate can count it as a failure.
    """
    asked = _Asked.of(samples, answers)
    ids = pd.Index(asked.ids)
    parts: list[pd.DataFrame] = []
    for number, metric in enumerate(metrics):
        found = [_frame(metric, asked, rows) for rows in _chunks(asked.to_score(metric, kept))]
        if kept is not None:
            before = kept[kept["metric"] == metric.name]
            at = ids.get_indexer(pd.Index(before["sample_id"]))
            found.append(before.assign(row=at)[at >= 0])
        parts += [part.assign(number=number) for part in found]
    if not parts:
        return table_from_rows(METRICS, [])
    table = pd.concat(parts, ignore_index=True)
    order = np.lexsort((table.pop("number").to_numpy(), table.pop("row").to_numpy()))
    return table.take(order).reset_index(drop=True)[METRICS.columns]


@dataclass(frozen=True, slots=True)
class _Asked:
    """The columns that scoring looks at, a row per answer."""

    ids: NDArray[np.object_]
    status: NDArray[np.object_]
    answer: NDArray[np.object_]
    references: NDArray[np.object_]
    about: pd.DataFrame
    """What an entry's `applies_to` may name."""

    @staticmethod
    def of(samples: pd.DataFrame, answers: pd.DataFrame) -> "_Asked":
        at = pd.Index(samples["sample_id"]).get_indexer(pd.Index(answers["sample_id"]))
        ids, status, answer = (answers[name].to_numpy(dtype=object) for name in ("sample_id", "status", "answer"))
        about = samples[["answer_type", "field", "doc_type"]].take(at).reset_index(drop=True)
        return _Asked(ids, status, answer, samples["references"].to_numpy(dtype=object)[at], about)

    def to_score(self, metric: LoadedMetric, kept: pd.DataFrame | None) -> NDArray[np.intp]:
        """The rows that a metric applies to and that are not kept."""
        wanted = np.ones(len(self.ids), dtype=np.bool_)
        for name, allowed in metric.entry.applies_to:
            if allowed:
                wanted &= self.about[name].isin(allowed).to_numpy()
        if kept is not None and len(kept):
            stand = set(kept.loc[kept["metric"] == metric.name, "sample_id"])
            wanted &= np.fromiter((each not in stand for each in self.ids), dtype=np.bool_, count=len(self.ids))
        return np.flatnonzero(wanted)

    def cases(self, rows: NDArray[np.intp]) -> tuple[list[str], list[tuple[str, ...]], list[str]]:
        """Answer, references and type of rows; an answer that failed is empty."""
        failed = UNANSWERED
        said = ["" if self.status[row] in failed else self.answer[row] for row in rows]
        golds = [tuple(json.loads(self.references[row])) for row in rows]
        return said, golds, self.about["answer_type"].to_numpy(dtype=object)[rows].tolist()


def _chunks(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    for start in range(0, max(len(rows), 1), AT_ONCE):
        yield rows[start : start + AT_ONCE]


def _frame(metric: LoadedMetric, asked: _Asked, rows: NDArray[np.intp]) -> pd.DataFrame:
    """The rows of the table for some answers, with the number of each answer in `row`."""
    said, golds, kinds = asked.cases(rows)
    usable = [index for index, gold in enumerate(golds) if gold or not metric.plugin.needs_gold]
    if len(usable) < len(golds):
        said, kinds = [said[index] for index in usable], [kinds[index] for index in usable]
        golds = [golds[index] for index in usable]
    found = metric.score(said, golds, kinds, [asked.ids[rows[index]] for index in usable])
    values: list[float | None] = [None] * len(rows)
    weights, categories, details = [1.0] * len(rows), [""] * len(rows), [NO_GOLD] * len(rows)
    columns = zip(usable, found.values, found.weights, found.categories, found.details, strict=True)
    for index, value, weight, category, detail in columns:
        status = asked.status[rows[index]]
        weights[index] = weight
        # What has no gold for this metric is not counted, whether it was answered or not.
        if status not in UNANSWERED or detail == NO_GOLD:
            values[index], categories[index], details[index] = value, category, detail
        else:
            categories[index] = "unparsed" if status == "parse_failed" else ""
            # What combines the scores of a group goes by their detail: it says what an empty answer is.
            details[index] = detail if metric.plugin.combine else status
    return pd.DataFrame(
        {
            "sample_id": pd.Series(asked.ids[rows], dtype=str),
            "metric": pd.Series([metric.name] * len(rows), dtype=str),
            "value": np.array(values, dtype=np.float64),
            "weight": np.array(weights, dtype=np.float64),
            "category": pd.Series(categories, dtype=str),
            "detail": pd.Series(details, dtype=str),
            "row": rows,
        }
    )


def cases_to_score(
    samples: pd.DataFrame, answers: pd.DataFrame, metric: LoadedMetric, kept: pd.DataFrame | None
) -> list[tuple[str, tuple[str, ...], str]]:
    """The different cases that `score` would ask a metric about: answer, references, type of the answer."""
    asked = _Asked.of(samples, answers)
    found: dict[tuple[str, tuple[str, ...], str], None] = {}
    for rows in _chunks(asked.to_score(metric, kept)):
        cases = zip(*asked.cases(rows), strict=True)
        found.update((case, None) for case in cases if case[1] or not metric.plugin.needs_gold)
    return list(found)
