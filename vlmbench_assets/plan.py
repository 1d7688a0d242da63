"""The plan: what a run would do, why, how many samples it would ask, and what that would cost. Starts nothing.

Datasets whose files, entry or reader changed are read first, because nothing can be counted otherwise; no
model and no environment is touched.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import JsonValue

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.environment import environment_of, missing_binaries
from vlmbench_assets.gpus.discovery import enough_gpus
from vlmbench_assets.make.benchmark_leaderboard import benchmarks_to_show
from vlmbench_assets.make.samples import ensure_samples, never_scoring, samples_are_fresh, samples_of, wanted_samples
from vlmbench_assets.models_of import models_of
from vlmbench_assets.prompting import collection_of
from vlmbench_assets.reasons import counted, lineage_changes
from vlmbench_assets.staleness import CellJudgement, Judge, Judgement, State
from vlmbench_sdk import EnvironmentUnavailableError, VlmBenchError

Choice = Literal["needed", "all", "only_missing", "retry_failed"]
"""Which cells to run: those with something to do, every one, those never made, those whose last run failed."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What asking a cell's open samples would take, from what earlier cells of the model took; None is unknown."""

    seconds: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """One cell of a plan."""

    judged: CellJudgement
    estimate: Estimate
    blocked: tuple[str, ...] = ()
    """What stands in its way on this machine, each with what to do about it."""

    @property
    def to_do(self) -> bool:
        """Whether a run would do anything."""
        return self.judged.state != "fresh"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do."""

    cells: tuple[PlannedCell, ...]
    unreadable: dict[str, str] = field(default_factory=dict)
    """Datasets that cannot be read, and why."""
    read: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Datasets that were read for this plan, and why."""
    without_gold: dict[str, int] = field(default_factory=dict)
    """Datasets with samples that have no gold, and how many."""
    unreadable_gold: dict[str, str] = field(default_factory=dict)
    """By cell to run: how many samples no answer can match, because their output contract cannot read their gold."""
    leaderboards: dict[str, Judgement] = field(default_factory=dict)
    """By dataset: leaderboards that do not show what is there."""
    benchmarks: dict[str, Judgement] = field(default_factory=dict)
    """By benchmark: the same."""
    never_scoring: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """By dataset: metrics that apply to none of its samples."""

    @property
    def to_do(self) -> list[PlannedCell]:
        """The cells with something to do."""
        return [planned for planned in self.cells if planned.to_do]


@dataclass(frozen=True, slots=True)
class _Pace:
    """What an answer of a model took in one cell."""

    seconds: float | None
    load_s: float
    input_tokens: float | None
    output_tokens: float | None


def make_plan(bench: Bench, cells: Sequence[Cell], *, limit: int | None = None, keep_errors: bool = False) -> Plan:
    """Read what must be read, judge every cell, and estimate.

    Args:
        bench: The workspace.
        cells: Which cells.
        limit: Only the first samples of each dataset are wanted.
        keep_errors: Rows with status error or timeout may stay.
    """
    unreadable: dict[str, str] = {}
    read: dict[str, tuple[str, ...]] = {}
    without_gold: dict[str, int] = {}
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        try:
            if reasons := read_if_needed(bench, dataset):
                read[dataset] = reasons
        except VlmBenchError as error:
            unreadable[dataset] = str(error)
            continue
        manifest = bench.store.manifest("samples", dataset)
        missing = manifest.facts.get("without_gold") if manifest else 0
        if isinstance(missing, int) and missing:
            without_gold[dataset] = missing
    never = {
        name: found
        for name in dict.fromkeys(cell.dataset for cell in cells if cell.dataset not in unreadable)
        if (found := never_scoring(bench, name, _metrics_of(bench, cells, name)))
    }
    judge = Judge(bench, limit=limit, keep_errors=keep_errors)
    judged = [_unreadable(judge.cell(cell)) if cell.dataset in unreadable else judge.cell(cell) for cell in cells]
    paces = _paces(bench, judged)
    planned = tuple(
        PlannedCell(each, _estimate(bench, each, paces), tuple(_blocks(bench, each, unreadable))) for each in judged
    )
    gold = {
        str(each.judged.cell): note
        for each in planned
        if each.to_do and each.judged.cell.dataset not in unreadable and (note := gold_note(bench, each.judged.cell))
    }
    boards = _leaderboards(bench, judge, cells)
    over = {name: judge.benchmark(name) for name in benchmarks_to_show(bench, [cell.dataset for cell in cells])}
    over = {name: found for name, found in over.items() if found.state != "fresh"}
    return Plan(planned, unreadable, read, without_gold, gold, boards, over, never)


def _metrics_of(bench: Bench, cells: Sequence[Cell], dataset: str) -> list[str]:
    models = [cell.model for cell in cells if cell.dataset == dataset]
    return [*dict.fromkeys(name for model in models for name in bench.catalog.metrics_of(dataset, model))]


def gold_note(bench: Bench, cell: Cell) -> str:
    """How many samples of a cell no answer can match, with one of them; empty for none. Its samples must be read."""
    collection = collection_of(bench, cell.model)
    if collection is None or collection.contracts is None:
        return ""
    from vlmbench_assets.work.parse import contracts_of, unreadable_gold

    samples = samples_of(bench, cell.dataset)
    found = unreadable_gold(samples, contracts_of(collection, samples, cell.dataset))
    if not found:
        return ""
    name, problem = next(iter(found.items()))
    return f"the output contract cannot read the gold of {counted(len(found), 'sample')}, such as {name}: {problem}"


def _leaderboards(bench: Bench, judge: Judge, cells: Sequence[Cell]) -> dict[str, Judgement]:
    """Leaderboards that are not fresh, of the datasets that have anything to show."""
    found: dict[str, Judgement] = {}
    for dataset in dict.fromkeys(cell.dataset for cell in cells):
        judged = judge.leaderboard(dataset, models_of(bench, dataset))
        if judged.state != "fresh" and any(
            bench.store.table("aggregates", dataset, cell.model).exists() for cell in cells if cell.dataset == dataset
        ):
            found[dataset] = judged
    return found


def read_if_needed(bench: Bench, dataset: str) -> tuple[str, ...]:
    """Read a dataset unless its samples are fresh; return why it was read.

    Raises:
        DatasetError: When it cannot be read as declared.
    """
    wanted = wanted_samples(bench, dataset)
    if samples_are_fresh(bench, dataset, wanted):
        return ()
    before = bench.store.manifest("samples", dataset)
    ensure_samples(bench, dataset)
    return tuple(lineage_changes(before.lineage, wanted)) or ("not finished",) if before else ("never read",)


def chosen(plan: Plan, choice: Choice) -> list[PlannedCell]:
    """The cells of a plan that a run is for."""
    if choice == "all":
        return list(plan.cells)
    if choice == "only_missing":
        return [each for each in plan.cells if each.judged.state == "missing"]
    if choice == "retry_failed":
        return [each for each in plan.cells if each.judged.state == "failed" or _has_failed_rows(each)]
    return plan.to_do


def _has_failed_rows(planned: PlannedCell) -> bool:
    return any(reason.endswith(" failed") for reason in planned.judged.assets["answers"].reasons)


def _blocks(bench: Bench, judged: CellJudgement, unreadable: dict[str, str]) -> Iterator[str]:
    if judged.cell.dataset in unreadable:
        yield unreadable[judged.cell.dataset]
    if judged.blocked and "answers" in judged.stages:
        yield judged.blocked
    name = judged.cell.model
    model = bench.catalog.models[name]
    if judged.to_ask:
        for program, install in missing_binaries(bench.catalog.environments[model.environment]):
            yield f"the program `{program}` is not installed. Install it: {install}"
    if judged.to_ask and model.gpus and environment_of(bench, name).leases_gpus:
        try:
            enough_gpus(model.gpus, f"model {name}")
        except EnvironmentUnavailableError as error:
            yield str(error)


def _unreadable(judged: CellJudgement) -> CellJudgement:
    """A cell whose dataset cannot be read is not fresh, whatever was made of it before."""
    before = judged.assets["answers"]
    state: State = "stale" if before.state == "fresh" else before.state
    answers = replace(before, state=state, reasons=("its dataset cannot be read", *before.reasons))
    return replace(judged, assets={**judged.assets, "answers": answers})


Paces = dict[str, dict[str, _Pace]]
"""By model and dataset."""


def _paces(bench: Bench, judged: Sequence[CellJudgement]) -> Paces:
    """The pace of every cell of the models that have something to ask, as far as it was measured."""
    found: Paces = {each.cell.model: {} for each in judged if each.to_ask}
    for cell in (each.cell for each in judged if each.cell.model in found):
        manifest = bench.store.manifest("answers", cell.dataset, cell.model)
        if manifest is None:
            continue
        facts = manifest.facts
        number, rows = _number(facts.get("asked")), _number(facts.get("rows_with_tokens"))
        seconds, into, out = (_number(facts.get(name)) for name in ("answer_s", "input_tokens", "output_tokens"))
        found[cell.model][cell.dataset] = _Pace(
            seconds=seconds / number if seconds is not None and number else None,
            load_s=_number(facts.get("load_s")) or 0.0,
            input_tokens=into / rows if into is not None and rows else None,
            output_tokens=out / rows if out is not None and rows else None,
        )
    return found


def _estimate(bench: Bench, judged: CellJudgement, paces: Paces) -> Estimate:
    if not judged.to_ask:
        return Estimate(seconds=0.0)
    own = paces[judged.cell.model].get(judged.cell.dataset)
    others = list(paces[judged.cell.model].values())

    def per_answer(name: Literal["seconds", "input_tokens", "output_tokens"]) -> float | None:
        mine = getattr(own, name) if own else None
        known = [value for pace in others if (value := getattr(pace, name)) is not None]
        return mine if mine is not None else sum(known) / len(known) if known else None

    seconds, into, out = (per_answer(name) for name in ("seconds", "input_tokens", "output_tokens"))
    load_s = max((pace.load_s for pace in others), default=0.0)
    price = bench.catalog.models[judged.cell.model].price
    tokens = None if into is None or out is None else (into * judged.to_ask, out * judged.to_ask)
    return Estimate(
        seconds=None if seconds is None else load_s + seconds * judged.to_ask,
        input_tokens=round(tokens[0]) if tokens else None,
        output_tokens=round(tokens[1]) if tokens else None,
        cost=(tokens[0] * price.input_per_million + tokens[1] * price.output_per_million) / 1e6
        if tokens and price
        else None,
        currency=price.currency if price else "",
    )


def _number(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def summary(plan: Plan) -> str:
    """One line: how many cells and samples, and what is fresh."""
    to_do = plan.to_do
    asked = sum(each.judged.to_ask for each in to_do)
    fresh = len(plan.cells) - len(to_do)
    if not to_do and (boards := len(plan.leaderboards) + len(plan.benchmarks)):
        return f"{counted(boards, 'leaderboard')} to make; {counted(len(plan.cells), 'cell')} fresh"
    if not to_do:
        return f"nothing to do: {counted(len(plan.cells), 'cell')} fresh"
    return f"{counted(len(to_do), 'cell')} to run, {counted(asked, 'sample')} to ask; {counted(fresh, 'cell')} fresh"
