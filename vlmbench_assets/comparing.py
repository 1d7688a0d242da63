"""Compare models on a dataset, pair by pair, with a correction for the number of pairs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.difference import State, combine_of_metric, states_of, tables_of
from vlmbench_assets.make.aggregates import with_resolution
from vlmbench_assets.make.answered import limit_of
from vlmbench_assets.make.leaderboard import cell_warnings
from vlmbench_assets.staleness import Judge
from vlmbench_assets.work.compare import Comparison, Difference, compare, corrected_for_number
from vlmbench_assets.work.robustness import drops
from vlmbench_sdk import WorkspaceError


@dataclass(frozen=True, slots=True)
class ComparedPair:
    """Two models on one dataset."""

    first: str
    second: str
    comparison: Comparison


@dataclass(frozen=True, slots=True)
class ComparedDataset:
    """Some models on one dataset, by one metric."""

    dataset: str
    metric: str
    higher_is_better: bool
    pairs: list[ComparedPair]
    robustness: dict[str, list[tuple[str, Difference]]]
    """By model, its change from clean images to those of every other subset."""
    warnings: dict[str, list[str]]
    """By model, what of its scores should not be trusted as it stands, as its leaderboard says it."""


def compare_models(bench: Bench, models: Sequence[str], dataset: str, metric: str = "") -> ComparedDataset:
    """Compare models by a metric, as each was last scored.

    Args:
        bench: The workspace.
        models: At least two.
        dataset: The dataset.
        metric: Name of the metric entry; the headline by default.

    Raises:
        WorkspaceError: When a model was never scored on it, not by this metric, or by another version of it.
    """
    states = {model: _state(bench, model, dataset) for model in models}
    name = metric or bench.catalog.headline_of(dataset, models[0])
    _refuse_other_versions(bench, states, name)
    plugin = bench.metric(name)
    combine = combine_of_metric(bench, name)
    dimensions = bench.catalog.dimensions_of(dataset, models[0])
    tables = {}
    for model, state in states.items():
        scored = tables_of(bench, state)
        tables[model] = replace(scored, samples=with_resolution(bench, dataset, scored.samples, dimensions))
    pairs = [
        ComparedPair(
            one,
            two,
            compare(tables[one], tables[two], name, plugin, dimensions, combine=combine, same_gold=True),
        )
        for one, two in combinations(models, 2)
    ]
    overall = corrected_for_number([each.comparison.overall for each in pairs], plugin)
    pairs = [
        replace(each, comparison=replace(each.comparison, overall=told))
        for each, told in zip(pairs, overall, strict=True)
    ]
    robustness = {model: drops(scored, name, plugin, combine) for model, scored in tables.items()}
    judge = Judge(bench, keep_errors=True)
    warnings = {model: _warnings(judge, Cell(model, dataset), state) for model, state in states.items()}
    return ComparedDataset(
        dataset=dataset,
        metric=name,
        higher_is_better=plugin.higher_is_better,
        pairs=pairs,
        robustness={model: each for model, each in robustness.items() if each},
        warnings={model: each for model, each in warnings.items() if each},
    )


def shared_datasets(bench: Bench, models: Sequence[str]) -> list[str]:
    """The datasets on which all of some models were scored."""
    return [
        dataset
        for dataset in sorted(bench.catalog.datasets)
        if all(states_of(bench, Cell(model, dataset)) for model in models)
    ]


def _warnings(judge: Judge, cell: Cell, state: State) -> list[str]:
    limit = limit_of(state.answers)
    return [*([f"first {limit} samples only"] if limit else []), *cell_warnings(judge, cell)]


def _state(bench: Bench, model: str, dataset: str) -> State:
    states = states_of(bench, Cell(model, dataset))
    if not states:
        raise WorkspaceError(
            "this cell was never scored", where=f"{model} × {dataset}", fix="Run it first with `vlmbench run`"
        )
    return states[-1]


def _refuse_other_versions(bench: Bench, states: dict[str, State], metric: str) -> None:
    """Refuse scores that do not mean the same: by another version, option or normalisation of the metric."""
    definitions = {}
    for model, state in states.items():
        lineage = state.metrics.lineage
        made = {name: value for name, value in lineage.items() if f"{name} ".startswith(f"metric {metric} ")}
        if metric not in bench.catalog.metrics or not made:
            known = ", ".join(sorted({name.split()[1] for name in lineage if name.startswith("metric ")}))
            raise WorkspaceError(
                f"it was not scored by metric {metric!r}", where=state.name, fix=f"Its metrics: {known}"
            )
        definitions[model] = made
    first = next(iter(definitions))
    for model, made in definitions.items():
        other = sorted(name for name in {*made, *definitions[first]} if made.get(name) != definitions[first].get(name))
        if other:
            raise WorkspaceError(
                f"{other[0]} was {definitions[first].get(other[0], '(none)')} for {first} and is "
                f"{made.get(other[0], '(none)')} for {model}, so their scores do not mean the same",
                where=states[model].name,
                fix="Score both again with `vlmbench run`",
            )
