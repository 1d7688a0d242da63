"""The one judge of staleness: what of a cell is fresh, stale, missing or failed, and why.

It compares the catalog with the manifests under `data/`, asks nothing else, and writes nothing. The plan, the
runs, the leaderboards, the checks and the automation all ask it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.hold import CellFailure, failure_of
from vlmbench_assets.imported_model import imported_from, is_imported, not_there
from vlmbench_assets.lineage import Lineage, digest_json
from vlmbench_assets.made_from import LOCK, QUESTIONS, MadeFrom, without
from vlmbench_assets.make.kept import ASKED_AGAIN, KeptAnswers
from vlmbench_assets.prompting import asked_of, prompt_parts, prompts_used
from vlmbench_assets.questions import Questions, load_questions, question_changes
from vlmbench_assets.reasons import counted, lineage_changes, prompts_reason, question_reasons
from vlmbench_assets.store import CELL_ASSETS, NEXT, AssetName, Manifest
from vlmbench_sdk import EnvironmentUnavailableError

State = Literal["fresh", "stale", "missing", "failed"]
Manifests = Mapping[AssetName, Manifest | None]
OF_SAMPLES = frozenset({"references changed", "slices of the samples changed", "samples changed"})
"""What is also true, and goes without saying, where samples came or went."""
OF_THE_TABLE = ("question changed", "image changed", "document, field", "references changed", "slices of the samples")
"""How reasons begin that say what of the samples changed, so that `samples changed` adds nothing."""
DOUBTED = "shown as stale "
"""How names in a leaderboard's lineage begin that say whose figures its page doubts."""
DAMAGED = "its manifest is damaged"
OLD_FORMAT = "made by a version of vlmbench that kept no full lineage"


@dataclass(frozen=True, slots=True)
class Judgement:
    """One asset of a cell or dataset."""

    asset: AssetName
    state: State
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CellJudgement:
    """One cell: its four assets, and what is to be asked."""

    cell: Cell
    assets: Mapping[AssetName, Judgement]
    samples: int
    """Samples of the dataset; 0 where it cannot be read."""
    to_ask: int
    """Samples that a run would ask."""
    imported: str = ""
    """The file and format that its answers were imported from; empty where its model can be asked."""
    blocked: str = ""
    """Why nothing can be said of its model; empty where all is known."""

    @property
    def stages(self) -> list[AssetName]:
        """The stages that have something to do, in order."""
        return [asset for asset, found in self.assets.items() if found.state != "fresh"]

    @property
    def state(self) -> State:
        """The cell as a whole: failed, else missing, else stale, else fresh."""
        states = {found.state for found in self.assets.values()}
        order: tuple[State, ...] = ("failed", "missing", "stale")
        if "missing" in states and self.assets["answers"].state != "missing":
            order = ("failed", "stale", "missing")
        return next((state for state in order if state in states), "fresh")

    @property
    def reasons(self) -> list[str]:
        """Why anything is to be done, without what only follows from another reason."""
        return self._reasons(self.assets.values())

    @property
    def doubts(self) -> list[str]:
        """The same of its figures: a report that is only out of date says nothing about scores."""
        return self._reasons([found for asset, found in self.assets.items() if asset != "report"])

    def _reasons(self, judged: Iterable[Judgement]) -> list[str]:
        own = [reason for found in judged for reason in found.reasons if not _follows(reason)]
        resized = any(reason.endswith((" added", " removed")) for reason in self.assets["answers"].reasons)
        told = any(reason.startswith(OF_THE_TABLE) for reason in own)
        unsaid = OF_SAMPLES if resized else {"samples changed"} if told else frozenset[str]()
        return [reason for reason in dict.fromkeys(own) if reason not in unsaid]


class Judge:
    """Judges cells of one workspace; what cells share is worked out once."""

    def __init__(self, bench: Bench, *, limit: int | None = None, keep_errors: bool = False) -> None:
        """Look at nothing yet.

        Args:
            bench: The workspace.
            limit: Only the first samples of each dataset are wanted.
            keep_errors: Rows with status error or timeout may stay.
        """
        self.bench = bench
        self.made_from = MadeFrom(bench)
        self._limit = limit
        self._keep_errors = keep_errors
        self._samples: dict[str, Manifest | None] = {}
        self._questions: dict[tuple[str, str], Questions] = {}
        self._changes: dict[tuple[str, str, str, str], list[str]] = {}

    def cell(self, cell: Cell) -> CellJudgement:
        """Judge one cell."""
        samples = self.samples(cell.dataset)
        made: Manifests = {asset: self.bench.store.manifest(asset, cell.dataset, cell.model) for asset in CELL_ASSETS}
        total = int(str(samples.facts["samples"])) if samples else 0
        failure = failure_of(self.bench.store, cell.dataset, cell.model)
        try:
            answers, to_ask = self._answers(cell, samples, made["answers"], failure, total)
        except EnvironmentUnavailableError as error:
            answers = self._unknown(cell, made["answers"], str(error))
            to_ask = 0 if answers.state == "fresh" else total
            later = self._later(cell, samples, made, failure, answers)
            return CellJudgement(cell, later, total, to_ask, blocked=str(error))
        later, imported = self._later(cell, samples, made, failure, answers), imported_from(made["answers"])
        lacking = not_there(cell) if is_imported(self.bench, cell.model) and not imported else ""
        return CellJudgement(cell, later, total, to_ask, imported, lacking)

    def samples(self, dataset: str) -> Manifest | None:
        """The manifest of a dataset's samples as they were last read."""
        if dataset not in self._samples:
            found = self.bench.store.manifest("samples", dataset)
            self._samples[dataset] = None if found is None or found.damaged else found
        return self._samples[dataset]

    def leaderboard(self, dataset: str, models: Sequence[str]) -> Judgement:
        """Judge a dataset's leaderboard over some models."""
        made = self.bench.store.manifest("leaderboard", dataset)
        return self._board("leaderboard", made, self.made_from.leaderboard(dataset, models))

    def benchmark(self, benchmark: str) -> Judgement:
        """Judge a benchmark's leaderboard."""
        made = self.bench.store.manifest("benchmark_leaderboard", benchmark)
        return self._board("benchmark_leaderboard", made, self.made_from.benchmark(benchmark))

    def doubted(self, cell: Cell) -> bool:
        """Whether a leaderboard says of a cell's figures that they are not those that would be made now."""
        return failure_of(self.bench.store, cell.dataset, cell.model) is not None or bool(self.cell(cell).doubts)

    def _board(self, asset: AssetName, made: Manifest | None, wanted: Lineage) -> Judgement:
        """Judge a leaderboard; one whose page doubts a cell is stale as soon as that is no longer true."""
        doubted = {name: value for name, value in (made.lineage if made else {}).items() if name.startswith(DOUBTED)}
        judge = Judge(self.bench, keep_errors=True) if doubted else self
        cells = {name: Cell(*value.split(" × ")) for name, value in doubted.items()}
        known = (self.bench.catalog.models, self.bench.catalog.datasets)
        still = [name for name, cell in cells.items() if cell.model in known[0] and cell.dataset in known[1]]
        return self._judge(asset, made, wanted | {name: doubted[name] for name in still if judge.doubted(cells[name])})

    def wanted(self, cell: Cell) -> str:
        """Digest of all that is declared for a cell, whatever was made of it: one attempt is enough for each."""
        samples = self.samples(cell.dataset)
        model = self.made_from.model_of(cell, self.bench.store.manifest("answers", cell.dataset, cell.model))
        parts = [model, self.made_from.questions_key(cell, samples), self.made_from.dimensions(cell)]
        try:
            parts.append(self.made_from.metrics(cell, samples, None))
        except EnvironmentUnavailableError as error:
            parts.append(str(error))
        return digest_json(parts)[:16]

    def _answers(
        self, cell: Cell, samples: Manifest | None, made: Manifest | None, failure: CellFailure | None, total: int
    ) -> tuple[Judgement, int]:
        state: State
        wanted = self.made_from.model_of(cell, made)
        reasons = self._answers_reasons(cell, samples, made, wanted)
        failed = failure is not None and failure.stage == "answers"
        if failure is not None and failed:
            reasons.insert(0, " ".join(failure.reason.split()))
        if not reasons:
            return Judgement("answers", "fresh"), 0
        if is_imported(self.bench, cell.model):
            state = "failed" if failed else "stale" if made else "missing"
            return Judgement("answers", state, tuple(reasons if made else ["nothing was imported"])), 0
        to_ask = self._to_ask(cell, wanted) if samples else 0
        if not to_ask and self._limit is not None and reasons == self._row_reasons(made):
            # The failed rows lie beyond the limit.
            return Judgement("answers", "fresh"), 0
        done = min(total, self._limit or total) - to_ask
        if made is None and done > 0:
            reasons.append(f"{done} of {total} answered before")
        state = "failed" if failed else "stale" if made else "missing"
        return Judgement("answers", state, tuple(reasons)), to_ask

    def _unknown(self, cell: Cell, made: Manifest | None, error: str) -> Judgement:
        """Judge answers whose environment says nothing now: those of an environment of the same kind can stand.

        They can be scored without an engine; only what was never asked needs one.
        """
        kind = self.bench.catalog.environments[self.bench.catalog.models[cell.model].environment].kind
        if made is not None and made.lineage.get("environment", "").partition(" ")[0] == kind:
            return Judgement("answers", "fresh")
        return Judgement("answers", "stale" if made else "missing", (error,))

    def _answers_reasons(
        self, cell: Cell, samples: Manifest | None, made: Manifest | None, wanted: Lineage
    ) -> list[str]:
        if made is None:
            return ["never run"]
        if made.damaged:
            return [DAMAGED]
        if made.schema_version < 2:
            return [OLD_FORMAT]
        before = without(made.lineage, QUESTIONS)
        if LOCK not in wanted:
            before = without(before, LOCK)
        reasons = lineage_changes(before, wanted)
        if damage := self._damage(made):
            reasons.append(damage)
        if KeptAnswers(self.bench.store, cell.dataset, cell.model).interrupted():
            reasons.append("asking everything again was interrupted")
        return [*reasons, *self._questions_reasons(cell, samples, made), *self._row_reasons(made)]

    def _questions_reasons(self, cell: Cell, samples: Manifest | None, made: Manifest) -> list[str]:
        if samples is None:
            return []
        asked, total = int(str(made.facts["samples"])), int(str(made.facts["samples_in_dataset"]))
        if self.made_from.questions_key(cell, samples) == made.facts["questions_key"]:
            left = min(total, self._limit or total) - asked
            return [f"{left} of {total} samples were never asked"] if left > 0 else []
        said = prompts_reason(made.facts.get("prompts"), prompts_used(self.bench, cell.model))
        key = (made.lineage[QUESTIONS], cell.dataset, digest_json(prompt_parts(self.bench, cell.model)), said)
        if key not in self._changes:
            self._changes[key] = self._compare(cell, made.lineage[QUESTIONS], said)
        return list(self._changes[key])

    def _compare(self, cell: Cell, asked_digest: str, said: str) -> list[str]:
        """How what was asked differs from what would be asked; the same for every model of a prompt collection."""
        kept = self.bench.store.objects.get(asked_digest)
        if kept is None:
            return ["what was asked is not in the history any more"]
        asked, wanted = load_questions(kept), self.questions(cell)
        if self._limit is not None:
            before = {each.sample_id for each in asked.items}
            first = {each.sample_id for each in wanted.items[: self._limit]}
            wanted = wanted.only(before | first)
        changes = question_changes(asked, wanted)
        return list(question_reasons(changes, said, len(wanted.items)))

    def _row_reasons(self, made: Manifest | None) -> list[str]:
        if made is None or made.damaged:
            return []
        failed = made.facts.get("asked_again_next")
        if self._keep_errors or not isinstance(failed, int) or not failed:
            return []
        return [f"{failed} of {counted(int(str(made.facts['samples'])), 'answer')} failed"]

    def questions(self, cell: Cell) -> Questions:
        """What a cell's model would be asked now."""
        from vlmbench_assets.make.samples import sample_rows

        how = "imported" if is_imported(self.bench, cell.model) else digest_json(prompt_parts(self.bench, cell.model))
        key = (cell.dataset, how)
        if key not in self._questions:
            self._questions[key] = asked_of(self.bench, cell, sample_rows(self.bench, cell.dataset))[1]
        return self._questions[key]

    def _to_ask(self, cell: Cell, wanted: Lineage) -> int:
        """How many samples have no answer under the wanted lineage, in the journal or in the table."""
        questions = self.questions(cell)
        if self._limit is not None:
            questions = Questions(questions.items[: self._limit])
        kept = KeptAnswers(self.bench.store, cell.dataset, cell.model)
        retried = frozenset[str]() if self._keep_errors else ASKED_AGAIN
        return kept.open_questions(questions, digest_json(wanted), retried)

    def _later(
        self, cell: Cell, samples: Manifest | None, made: Manifests, failure: CellFailure | None, answers: Judgement
    ) -> dict[AssetName, Judgement]:
        """Judge the stages after `answers`; each follows from those before it."""
        try:
            metrics = self.made_from.metrics(cell, samples, made["answers"], made["metrics"])
        except EnvironmentUnavailableError:
            # Of a metric whose engine says nothing now, the scores can stand.
            metrics = made["metrics"].lineage if made["metrics"] else {}
        wanted: dict[AssetName, Lineage] = {
            "metrics": metrics,
            "aggregates": self.made_from.aggregates(cell, samples, made["answers"], made["metrics"]),
            "report": self.made_from.report(cell, samples, made["answers"], made["metrics"], made["aggregates"]),
        }
        found: dict[AssetName, Judgement] = {"answers": answers}
        before = answers
        for asset, lineage in wanted.items():
            judged = self._judge(asset, made[asset], lineage)
            if before.state != "fresh" and judged.state != "missing":
                judged = Judgement(asset, "stale", (*judged.reasons, f"after {before.asset}"))
            if failure is not None and failure.stage == asset:
                judged = Judgement(asset, "failed", (" ".join(failure.reason.split()), *judged.reasons))
            found[asset] = before = judged
        return found

    def _judge(self, asset: AssetName, made: Manifest | None, wanted: Lineage) -> Judgement:
        if made is None:
            return Judgement(asset, "missing", ("never made",))
        if made.damaged:
            return Judgement(asset, "stale", (DAMAGED,))
        if made.schema_version < 2:
            return Judgement(asset, "stale", (OLD_FORMAT,))
        reasons = lineage_changes(made.lineage, wanted) if made.lineage != wanted else []
        if damage := self._damage(made):
            reasons.append(damage)
        return Judgement(asset, "stale" if reasons else "fresh", tuple(reasons))

    def _damage(self, made: Manifest) -> str:
        """What is wrong with the files of an asset, as far as a glance tells; empty when nothing is."""
        folder = self.bench.store.folder(made.asset, made.dataset, made.model)
        if (folder / NEXT).exists():
            return "its publication was interrupted"
        for name, size in made.sizes.items():
            try:
                if (folder / name).stat().st_size != size:
                    return f"{name} was changed or damaged"
            except FileNotFoundError:
                return f"{name} is gone"
        return ""


def _follows(reason: str) -> bool:
    return reason.startswith("after ") or reason == "never made"
