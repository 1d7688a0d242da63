"""Why did the score change? Two materialisations of a cell, or two models on one dataset, held side by side."""

from dataclasses import dataclass
from pathlib import Path

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import ANSWERS, METRICS, SAMPLES
from vlmbench_assets.made_from import QUESTIONS, without
from vlmbench_assets.make.aggregates import combine_by_metric
from vlmbench_assets.prompting import THINKING
from vlmbench_assets.questions import load_questions, question_changes
from vlmbench_assets.reasons import lineage_changes, prompts_reason, question_reasons
from vlmbench_assets.store import Manifest, read_manifest
from vlmbench_assets.tables import parse_table
from vlmbench_assets.work.combined import Combine
from vlmbench_assets.work.compare import Comparison, Scored, compare
from vlmbench_assets.work.parse import spoken
from vlmbench_sdk import WorkspaceError

CONTENTS = ("answers", "gold")
"""Names in the lineage of metrics that say no more than that the tables differ."""


@dataclass(frozen=True, slots=True)
class State:
    """One materialisation of a cell's scores."""

    number: int
    metrics: Manifest
    answers: Manifest | None
    """The answers it was made from; None when their manifest was pruned."""

    @property
    def name(self) -> str:
        """How people call it."""
        return f"{self.metrics.model} × {self.metrics.dataset} #{self.number}"


@dataclass(frozen=True, slots=True)
class Explained:
    """The difference of two states, and what they were made from."""

    first: State
    second: State
    metric: str
    reasons: list[str]
    comparison: Comparison


def states_of(bench: Bench, cell: Cell) -> list[State]:
    """All materialisations of a cell's scores that the history still has, oldest first."""
    answers: dict[str, Manifest] = {}
    for path in bench.store.history("answers", cell.dataset, cell.model):
        manifest = _read(path)
        answers[manifest.files.get("answers.csv", "")] = manifest
    found = []
    for path in bench.store.history("metrics", cell.dataset, cell.model):
        manifest = _read(path)
        found.append(State(int(path.stem), manifest, answers.get(str(manifest.facts.get("answers_file")))))
    return found


def explain(bench: Bench, first: State, second: State, metric: str, *, slices: bool = True) -> Explained:
    """Compare two states by a metric, and unless it is told otherwise their slices too.

    Raises:
        WorkspaceError: When a table of theirs was pruned, or neither was scored by the metric.
    """
    known = [str(each) for each in _list(second.metrics.facts.get("metrics"))]
    name = metric or _headline(bench, second.metrics, known)
    if name not in known or name not in bench.catalog.metrics:
        raise WorkspaceError(
            f"it was not scored by metric {name!r}", where=second.name, fix=f"Its metrics: {', '.join(known)}"
        )
    plugin = bench.metric(name)
    dimensions = bench.catalog.dimensions_of(second.metrics.dataset, second.metrics.model) if slices else ()
    combine = combine_of_metric(bench, name)
    comparison = compare(tables_of(bench, first), tables_of(bench, second), name, plugin, dimensions, combine=combine)
    return Explained(first, second, name, _reasons(bench, first, second), comparison)


def _headline(bench: Bench, metrics: Manifest, known: list[str]) -> str:
    """The metric that ranks a cell; of one that nothing declares any more, the first that it was scored by."""
    declared = metrics.dataset in bench.catalog.datasets and metrics.model in bench.catalog.models
    headline = bench.catalog.headline_of(metrics.dataset, metrics.model) if declared else ""
    return headline or next((name for name in known if name in bench.catalog.metrics), "")


def combine_of_metric(bench: Bench, name: str) -> Combine | None:
    """What makes a metric's value from the scores of a group, where it is no mean of samples."""
    return combine_by_metric(bench, [name]).get(name)


def tables_of(bench: Bench, state: State) -> Scored:
    """The tables of a state, from the history.

    Raises:
        WorkspaceError: When one was pruned.
    """
    objects, facts = bench.store.objects, state.metrics.facts

    def content(name: str, digest: object) -> bytes:
        return objects.need(str(digest), f"the table of {name} of {state.name}")

    answers = parse_table(content("answers", facts.get("answers_file")), ANSWERS)
    metrics = parse_table(content("metrics", state.metrics.files.get("metrics.csv")), METRICS)
    # Scores of before the rule had a version name it only where they kept the thinking.
    answers = spoken(answers, state.metrics.lineage.get(THINKING, "strip").partition("@")[0])
    # What broke its output contract then is known from its scores; the contract may be another one now.
    # Only those that combine write something else than the status there.
    combining = [name for name in bench.catalog.metrics if bench.metric(name).combine]
    unparsed = metrics["value"].isna() & (metrics["category"] == "unparsed") & metrics["metric"].isin(combining)
    broken = metrics.loc[unparsed | (metrics["detail"] == "parse_failed"), "sample_id"]
    answers.loc[answers["sample_id"].isin(broken), "status"] = "parse_failed"
    return Scored(
        samples=parse_table(content("samples", facts.get("samples_file")), SAMPLES), answers=answers, metrics=metrics
    )


def _reasons(bench: Bench, first: State, second: State) -> list[str]:
    """What the two were made from that differs, in words."""
    said: list[str] = []
    one, two = first.answers, second.answers
    if one is None or two is None:
        said.append("what the answers were made from is not in the history any more")
    else:
        said += lineage_changes(without(one.lineage, QUESTIONS), without(two.lineage, QUESTIONS))
        said += _asked_differently(bench, one, two)
    metrics = [without(each.metrics.lineage, *CONTENTS) for each in (first, second)]
    said += lineage_changes(metrics[0], metrics[1])
    if first.metrics.lineage.get("gold") != second.metrics.lineage.get("gold"):
        said.append("references or samples changed")
    if not said and first.metrics.lineage != second.metrics.lineage:
        said.append("nothing was declared differently: asked again, the model said something else")
    return said


def _asked_differently(bench: Bench, one: Manifest, two: Manifest) -> list[str]:
    digests = [each.lineage.get(QUESTIONS, "") for each in (one, two)]
    kept = [bench.store.objects.get(each) for each in digests]
    if digests[0] == digests[1] or kept[0] is None or kept[1] is None:
        return []
    before, now = load_questions(kept[0]), load_questions(kept[1])
    prompts = prompts_reason(one.facts.get("prompts"), two.facts.get("prompts"))
    return list(question_reasons(question_changes(before, now), prompts, len(now.items)))


def _read(path: Path) -> Manifest:
    manifest = read_manifest(path)
    if manifest is None:
        raise WorkspaceError("it was removed while it was read", where=str(path), fix="Try again")
    return manifest


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else []
