"""What each asset is made from, by name, as far as it is known before anything runs.

Not part of any lineage, because no table depends on it: descriptions, comments, the order of keys, paths,
file times, licences, timeouts, retry policies, options a plugin declares as `without_effect`, the
SDK's version, Python's patch level.
"""

from collections.abc import Mapping, Sequence

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.environment import distributions_of, distributions_of_metric, environment_named, environment_of
from vlmbench_assets.imported_model import IMPORTED, is_imported
from vlmbench_assets.lineage import Lineage, digest_json, shown
from vlmbench_assets.prompting import THINKING, TUNED, contracts_digest, prompt_parts, thinking_rule, tuned_here
from vlmbench_assets.store import Manifest
from vlmbench_sdk import Options
from vlmbench_sdk.entries import Applies

AGGREGATION = "3"
"""Raised when the same scores could aggregate to other numbers: intervals, policies, groups."""
PAGE = "6"
"""Raised when the same tables give another report or leaderboard."""
HEATMAP_PAIRS = ("field*doc_type", "field*subset")
"""Pairs that the report's heatmap is drawn from, besides the declared dimensions."""
LOCK = "environment lock"
QUESTIONS = "questions"
BEFORE = "state before"
"""The version of the scores that a cell had before these, as the manifest of its metrics tells."""


class MadeFrom:
    """The lineage of everything in a workspace; what many cells share is worked out once."""

    def __init__(self, bench: Bench) -> None:
        """Work out nothing yet."""
        self._bench = bench
        self._models: dict[str, Lineage] = {}
        self._locks: dict[str, str] = {}
        self._metrics: dict[str, Lineage] = {}

    def model(self, name: str) -> Lineage:
        """Everything about a model that its answers depend on, apart from its prompts.

        Raises:
            EnvironmentUnavailableError: When the identity of its environment cannot be known now.
        """
        if is_imported(self._bench, name):
            return {"plugin": IMPORTED}
        if name not in self._models:
            bench, entry = self._bench, self._bench.catalog.models[name]
            plugin = bench.plugins.models[entry.plugin]
            lineage = {
                "plugin": f"{plugin.name} {self._owner('vlmbench_models', plugin.name)}",
                "environment": environment_of(bench, name).identity(distributions_of(bench, name)[1]),
                **({"revision": entry.revision} if entry.revision else {}),
                **_options(plugin.options.model_validate(entry.options)),
            }
            for setting, value in entry.generation.model_dump(mode="json").items():
                if value not in (None, []):
                    lineage[f"generation {setting}"] = shown(value)
            self._models[name] = lineage
        return dict(self._models[name])

    def model_of(self, cell: Cell, answers: Manifest | None) -> Lineage:
        """The lineage of a cell's model, with its environment's lock as far as it is known without making it.

        Where the environment is not prepared on this machine, the lock that the cell was answered under stands
        as long as the environment's own identity does.
        """
        if is_imported(self._bench, cell.model):
            # What an import was made from stands in its manifest alone: there is nothing to compare it with.
            return without(answers.lineage, QUESTIONS) if answers else self.model(cell.model)
        lineage = self.model(cell.model)
        if cell.model not in self._locks:
            environment = environment_of(self._bench, cell.model)
            self._locks[cell.model] = environment.lock(distributions_of(self._bench, cell.model))
        lock = self._locks[cell.model]
        if not lock and answers is not None and answers.lineage.get("environment") == lineage["environment"]:
            lock = answers.lineage.get(LOCK, "")
        return {**lineage, LOCK: lock} if lock else lineage

    def declared(self, name: str) -> Lineage:
        """A model with its prompt collection: what Dagster compares to mark answers as unsynced."""
        prompts = prompt_parts(self._bench, name)
        return {**self.model(name), **({"prompts": digest_json(prompts)} if prompts else {})}

    def samples(self, dataset: str, source: str) -> Lineage:
        """Everything a dataset's samples are read from.

        Args:
            dataset: The dataset entry's name.
            source: Digest of the files in its source; empty where it has none.
        """
        entry = self._bench.catalog.datasets[dataset]
        reader = self._bench.plugins.dataset_readers[entry.reader]
        return {
            "reader": f"{reader.name} {self._owner('vlmbench_dataset_readers', reader.name)}",
            **({"source": source} if source else {}),
            **_options(reader.options.model_validate(entry.options)),
            **{name: value for name in ("split", "language") if (value := getattr(entry, name))},
            **({"dataset revision": entry.revision} if entry.revision else {}),
        }

    def questions_key(self, cell: Cell, samples: Manifest | None) -> str:
        """Digest of all that a cell's questions come from: equal, and no prompt need be rendered to compare."""
        return digest_json([samples.digests if samples else {}, prompt_parts(self._bench, cell.model), cell.dataset])

    def metric(self, name: str) -> Lineage:
        """One metric entry: its plugin's versioned id, its options, normalisation profile, what it applies to."""
        if name not in self._metrics:
            bench, entry = self._bench, self._bench.catalog.metrics[name]
            plugin = bench.plugins.metrics[entry.plugin]
            head = f"metric {name}"
            # It decides how scores aggregate too, so it is in the one name that aggregates look at.
            judged = "" if entry.threshold is None else f", threshold {entry.threshold:g}"
            lineage = {
                head: f"{plugin.metric_id}{judged}",
                **_options(plugin.options.model_validate(entry.options), f"{head} "),
            }
            if entry.normalize:
                steps = [bench.plugins.normalizers[step] for step in entry.normalize]
                lineage[f"{head} normalize"] = shown(", ".join(f"{step.name}@{step.version}" for step in steps))
            if entry.applies_to != Applies():
                applies = entry.applies_to.model_dump(mode="json", exclude_defaults=True)
                lineage[f"{head} applies_to"] = shown(applies)
            self._metrics[name] = lineage
        return self._metrics[name]

    def metric_environment(self, name: str, before: Lineage) -> Lineage:
        """Where a metric scores, with the lock as far as it is known, as for a model; empty for the host.

        Args:
            name: The metric entry.
            before: The lineage of the scores that are there.

        Raises:
            EnvironmentUnavailableError: When the identity of its environment cannot be known now.
        """
        entry = self._bench.catalog.metrics[name]
        if not entry.environment:
            return {}
        environment = environment_named(self._bench, entry.environment)
        distributions = distributions_of_metric(self._bench, name)
        at, lock_at = f"metric {name} environment", f"metric {name} {LOCK}"
        identity, lock = environment.identity(distributions[1]), environment.lock(distributions)
        if not lock and before.get(at) == identity:
            lock = before.get(lock_at, "")
        return {at: identity, **({lock_at: lock} if lock else {})}

    def metrics(
        self, cell: Cell, samples: Manifest | None, answers: Manifest | None, made: Manifest | None = None
    ) -> Lineage:
        """A cell's scores: what was said, the gold, and every metric.

        Raises:
            EnvironmentUnavailableError: When the identity of a metric's environment cannot be known now.
        """
        lineage = {"answers": _digest(answers, "said"), "gold": _digest(samples, "gold")}
        for name in self._bench.catalog.metrics_of(cell.dataset, cell.model):
            lineage.update(self.metric(name))
            lineage.update(self.metric_environment(name, made.lineage if made else {}))
        return {**lineage, **self.contracts(cell, samples)}

    def contracts(self, cell: Cell, samples: Manifest | None) -> Lineage:
        """A cell's output contracts: they decide which answers failed, and what of the others is scored."""
        contracts = contracts_digest(self._bench, cell, _digest(samples, "slices"))
        return {**contracts, THINKING: thinking_rule(self._bench, cell.model)}

    def aggregates(
        self, cell: Cell, samples: Manifest | None, answers: Manifest | None, metrics: Manifest | None
    ) -> Lineage:
        """A cell's aggregates: its scores, what they are broken down by, and how."""
        names = self._bench.catalog.metrics_of(cell.dataset, cell.model)
        return {
            "answers": _digest(answers, "said"),
            "metrics": _digest(metrics, "table"),
            "slices": _digest(samples, "slices"),
            "dimensions": shown(", ".join(self.dimensions(cell))),
            **({"images": _digest(samples, "table")} if {"pages", "resolution"} & set(self._parts(cell)) else {}),
            "method": AGGREGATION,
            # A new version may have another range without having other scores.
            **{f"metric {name}": self.metric(name)[f"metric {name}"] for name in names},
            **self.contracts(cell, samples),
        }

    def dimensions(self, cell: Cell) -> tuple[str, ...]:
        """All dimensions of a cell, those of its pictures included."""
        declared = self._bench.catalog.dimensions_of(cell.dataset, cell.model)
        return tuple(dict.fromkeys([*declared, *HEATMAP_PAIRS]))

    def _parts(self, cell: Cell) -> list[str]:
        """The single dimensions that a cell's are made of."""
        return [part for dimension in self.dimensions(cell) for part in dimension.split("*")]

    def report(
        self,
        cell: Cell,
        samples: Manifest | None,
        answers: Manifest | None,
        metrics: Manifest | None,
        aggregates: Manifest | None,
    ) -> Lineage:
        """A cell's page: all its tables, the state it is compared with, the price, and how it looks.

        It shows what the worker took as well, which changes only when something is asked; the answers' times and so
        the digest of their table change with it.
        """
        charts, price = self._bench.plugins.charts, self._bench.catalog.models[cell.model].price
        before = str(metrics.facts.get(BEFORE, "")) if metrics else ""
        return {
            "samples": _digest(samples, "table"),
            "answers": _file(answers, "answers"),
            "aggregates": aggregates.version if aggregates else "",
            "headline": self._bench.catalog.headline_of(cell.dataset, cell.model),
            "page": PAGE,
            **{f"chart {name}": self._owner("vlmbench_charts", name) for name in sorted(charts)},
            **({"tuned": TUNED} if tuned_here(self._bench, cell) else {}),
            **({"price": shown(price.model_dump(mode="json"))} if price else {}),
            **({BEFORE: before} if before else {}),
        }

    def leaderboard(self, dataset: str, models: Sequence[str]) -> Lineage:
        """A dataset's leaderboard: gold and headline as they are now, and of each model what was made, and its price.

        Scores made by another version of the headline, or of other gold, are shown as not comparable; so both sides
        are in it.
        """
        catalog, store = self._bench.catalog, self._bench.store
        headline = catalog.headline_of(dataset, models[0]) if models else ""
        lineage = {
            "page": PAGE,
            "gold": _digest(store.manifest("samples", dataset), "gold"),
            "headline": headline,
            **(self.metric(headline) if headline else {}),
        }
        for model in models:
            tuned = f" {TUNED}" if tuned_here(self._bench, Cell(model=model, dataset=dataset)) else ""
            answers = _file(store.manifest("answers", dataset, model), "answers")[:16]
            scored, summed = (store.manifest(asset, dataset, model) for asset in ("metrics", "aggregates"))
            versions = " ".join(each.version if each else "" for each in (scored, summed))
            lineage[f"model {model}"] = f"{answers} {versions}{tuned}"
            if price := catalog.models[model].price:
                lineage[f"price of {model}"] = shown(price.model_dump(mode="json"))
        return lineage

    def benchmark(self, benchmark: str) -> Lineage:
        """A benchmark's leaderboard: of each dataset what its leaderboard over the benchmark's models is made from."""
        entry = self._bench.catalog.benchmarks[benchmark]
        models = list(dict.fromkeys(cell.model for cell in self._bench.catalog.cells(benchmark)))
        lineage = {"page": PAGE}
        if entry.headline:
            lineage |= {"headline": entry.headline, **self.metric(entry.headline)}
        for dataset in entry.datasets:
            # The version of the page stands above, once.
            lineage[f"leaderboard {dataset}"] = digest_json(without(self.leaderboard(dataset, models), "page"))[:16]
        return lineage

    def _owner(self, hook: str, name: str) -> str:
        """The distribution that brings something, with its version."""
        owner = self._bench.plugins.owners[hook, name]
        return f"{owner.distribution}=={owner.version}"


def _options(options: Options, before: str = "") -> Lineage:
    """Options with their defaults filled in, so that writing a default down changes nothing."""
    return {
        f"{before}option {name}": shown(value)
        for name, value in options.model_dump(mode="json").items()
        if name not in options.without_effect
    }


def _digest(manifest: Manifest | None, name: str) -> str:
    return manifest.digests.get(name, "") if manifest else ""


def _file(manifest: Manifest | None, asset: str) -> str:
    return manifest.files.get(f"{asset}.csv", "") if manifest else ""


def without(lineage: Mapping[str, str], *names: str) -> Lineage:
    """A lineage but for some names."""
    return {name: value for name, value in lineage.items() if name not in names}
