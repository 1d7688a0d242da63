"""Everything the site says, as named values: one after the other, so that no more than a dataset is held."""

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import pandas as pd

from vlmbench_assets.bench import Bench, project_versions
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import SAMPLES
from vlmbench_assets.models_of import models_of
from vlmbench_assets.orphans import orphans
from vlmbench_assets.site.benchmarks import benchmark_board, without_texts
from vlmbench_assets.site.cells import CellTables, Script, about_metric, cell_scripts, flags, published, read_cell
from vlmbench_assets.site.datasets import board, golds, pairs, pairs_key, ranked, samples_scripts, slices
from vlmbench_assets.site.history import history, last_change
from vlmbench_assets.site.pictures import Pictures
from vlmbench_assets.site.scripts import Json, Later
from vlmbench_assets.staleness import Judge
from vlmbench_assets.work.rank import Ranking
from vlmbench_assets.work.statistics import FEWEST_DOCUMENTS
from vlmbench_sdk import ContractError


@dataclass(frozen=True, slots=True)
class Gatherer:
    """Reads a workspace for its site; writes nothing."""

    bench: Bench
    pictures: Pictures
    rankings: dict[str, Ranking] = field(default_factory=dict)
    """By dataset, for the benchmarks that it is in."""

    def scripts(self) -> Iterator[Script]:
        """Name and value of every file; the last one is the index."""
        judge = Judge(self.bench, keep_errors=True)
        datasets: list[Json] = []
        answered = ""
        asked: set[str] = set()
        for name in sorted(self._datasets()):
            models = models_of(self.bench, name)
            asked.update(models)
            made = [self.bench.store.manifest("answers", name, model) for model in models]
            answered = max([answered, *(each.written_at for each in made if each is not None)])
            datasets.append((yield from self._dataset(judge, name, models)))
        yield "index", {**self._index(datasets, sorted(asked)), "answered": answered}

    def _datasets(self) -> set[str]:
        """Datasets with answers, and those that stand beside them in a benchmark."""
        catalog, root = self.bench.catalog, self.bench.store.root / "answers"
        met = {path.parent.name for path in root.glob("*/*/answers.csv")} & set(catalog.datasets)
        beside = [set(entry.datasets) for entry in catalog.benchmarks.values() if met & set(entry.datasets)]
        return met.union(*beside)

    def _dataset(self, judge: Judge, name: str, models: list[str]) -> Generator[Script, None, Json]:
        bench = self.bench
        entry = bench.catalog.datasets[name]
        headline = bench.catalog.headline_of(name, models[0]) if models else ""
        cells: dict[str, CellTables] = {}
        warnings: dict[str, Json] = {}
        changes: dict[str, Json] = {}
        samples, damage = self._samples(name)
        if samples is not None:
            yield from samples_scripts(bench, name, samples, self.pictures)
        for model in models:
            cell = Cell(model=model, dataset=name)
            tables, warnings[model] = self._cell(judge, cell, samples, damage)
            if tables is not None:
                cells[model] = tables
                past = history(bench, cell, headline)
                changes[model] = last_change(past)
                yield from cell_scripts(bench, tables, headline, warnings[model], past)
        scored = {model: tables for model, tables in cells.items() if not tables.aggregates.empty}
        ranking = ranked(bench, name, headline, warnings)
        if ranking is not None:
            self.rankings[name] = without_texts(ranking)
        facts: dict[str, Json] = {
            "name": name,
            "about": entry.description,
            "licence": entry.licence,
            "citation": entry.citation,
            "samples": 0 if samples is None else len(samples),
            "documents": 0 if samples is None else int(samples["doc_id"].nunique()),
            "metric": {"name": headline, **about_metric(bench, headline)} if headline else None,
            **board(bench, ranking, headline, warnings, changes),
        }
        yield (
            f"datasets/{name}/board",
            {
                "models": list(scored),
                "slices": slices(scored, headline),
                "answered": list(cells),
                "gold": golds(scored),
            },
        )
        key = pairs_key(bench, scored, headline)
        yield f"datasets/{name}/pairs", Later(key, partial(pairs, bench, name, list(scored), headline))
        return facts

    def _samples(self, name: str) -> tuple[pd.DataFrame | None, str]:
        """The samples of a dataset, and why they cannot be read."""
        try:
            return published(self.bench, "samples", SAMPLES, name), ""
        except ContractError as error:
            return None, error.what

    def _cell(
        self, judge: Judge, cell: Cell, samples: pd.DataFrame | None, damage: str
    ) -> tuple[CellTables | None, dict[str, Json]]:
        """A cell's tables, and what must be known of it; one that cannot be read costs no other its page."""
        try:
            tables = read_cell(self.bench, cell, samples) if samples is not None else None
            said = flags(judge, cell, tables) if not damage else {}
        except ContractError as error:
            tables, said, damage = None, {}, error.what
        return tables, {"missing": True, "unreadable": damage} if damage else said

    def _index(self, datasets: list[Json], models: list[str]) -> dict[str, Json]:
        catalog = self.bench.catalog
        shown = {str(each["name"]) for each in datasets if isinstance(each, dict)}
        benchmarks: list[Json] = [
            {
                "name": name,
                "about": entry.description,
                "datasets": list(entry.datasets),
                "models": list(dict.fromkeys([*entry.models, *entry.optional_models])),
                **benchmark_board(self.bench, name, self.rankings),
            }
            for name, entry in catalog.benchmarks.items()
            if set(entry.datasets) <= shown
        ]
        return {
            "version": project_versions().get("vlmbench-assets", ""),
            "images": self.pictures.images,
            "fewest": FEWEST_DOCUMENTS,
            "benchmarks": benchmarks,
            "models": [{"name": name, **self._model(name)} for name in models],
            "datasets": datasets,
            "orphans": [[each.cell.model, each.cell.dataset, each.reason] for each in orphans(self.bench)],
        }

    def _model(self, name: str) -> Mapping[str, Json]:
        entry = self.bench.catalog.models[name]
        return {"about": entry.description, "plugin": entry.plugin, "revision": entry.revision}
