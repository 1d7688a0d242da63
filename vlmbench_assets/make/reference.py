"""What the cells of a dataset must agree in to be compared: samples, references, how the headline is defined."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import METRICS, SAMPLES
from vlmbench_assets.made_from import MadeFrom
from vlmbench_assets.store import Manifest
from vlmbench_assets.tables import parse_table, read_table
from vlmbench_assets.work.aggregate import counted, joined
from vlmbench_assets.work.report_tables import HEADLINE_POLICY

COLUMNS = ("sample_id", "doc_id", "value", "weight", "category", "detail")


class Reference:
    """The samples and references that most cells were scored on; those of now where as many were.

    A corrected reference makes all scores old, and leaves them as comparable with each other as they were.
    """

    def __init__(self, bench: Bench, dataset: str, headline: str, models: Sequence[str]) -> None:
        """Find what most of the models were scored on.

        Args:
            bench: The workspace.
            dataset: The dataset.
            headline: The metric that ranks; empty where nothing does.
            models: Those to compare.
        """
        self.bench = bench
        self.dataset = dataset
        self.headline = headline
        self.metric = MadeFrom(bench).metric(headline) if headline else {}
        now = manifest.digests.get("gold") if (manifest := bench.store.manifest("samples", dataset)) else None
        found = [bench.store.manifest("metrics", dataset, model) for model in models]
        made = [each for each in found if each is not None and each.lineage.get("gold")]
        golds = Counter(each.lineage["gold"] for each in made)
        most = max(golds, key=lambda gold: (golds[gold], gold == now), default=now)
        kept = None if most == now else self._kept([each for each in made if each.lineage["gold"] == most])
        path = bench.store.table("samples", dataset)
        # Without the table of then there is nothing to compare on but that of now.
        self.earlier = kept is not None
        self.gold = now if kept is None else most
        self.samples = read_table(path, SAMPLES) if kept is None and path.exists() else kept
        self.others = len(made) - golds.get(self.gold or "", 0)

    @property
    def notice(self) -> str:
        """What to say above a ranking on references that are not those of now; empty on those of now."""
        if not self.earlier:
            return ""
        who = "All are" if self.others == 0 else "Those compared are"
        return f"{who} scored on the earlier references, which were changed since: run again to score on those of now"

    def difference(self, made: Manifest | None) -> str:
        """Why a cell's scores cannot be compared; empty where they can."""
        if made is None or made.lineage.get("gold") != self.gold:
            than = " than most" if self.earlier else ""
            return f"scored on other samples or references{than}, so not compared"
        if any(made.lineage.get(name) != value for name, value in self.metric.items()):
            return f"scored by another version of {self.headline}, so not compared"
        return ""

    def rows(self, cell: Cell, answers: pd.DataFrame) -> pd.DataFrame | None:
        """What counts of a cell's headline, by sample: `COLUMNS` and whether the answer failed."""
        path = self.bench.store.table("metrics", cell.dataset, cell.model)
        if self.samples is None or not self.headline or not path.exists():
            return None
        metrics = parse_table(path.read_bytes(), METRICS)
        rows = joined(self.samples, answers, metrics[metrics["metric"] == self.headline])
        return counted(rows, self.bench.metric(self.headline), HEADLINE_POLICY)[[*COLUMNS, "failed"]]

    def _kept(self, made: Sequence[Manifest]) -> pd.DataFrame | None:
        """The samples that some scores were made on, from the history; None where they were pruned."""
        for each in made:
            content = self.bench.store.objects.get(str(each.facts.get("samples_file", "")))
            if content is not None:
                return parse_table(content, SAMPLES)
        return None
