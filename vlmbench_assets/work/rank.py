"""Put the models of a dataset side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from vlmbench_assets.work.combined import Combine
from vlmbench_assets.work.markdown import NOTHING, interval, number, percent
from vlmbench_assets.work.percentiles import median
from vlmbench_assets.work.report_tables import HEADLINE_POLICY
from vlmbench_assets.work.separate import Pair, all_pairs, front, rank_intervals
from vlmbench_sdk import MetricPlugin

FIXED = (
    "rank",
    "rank_low",
    "rank_high",
    "model",
    "ci_low",
    "ci_high",
    "coverage",
    "samples",
    "failed",
    "median_latency_ms",
    "seconds",
    "cost_per_1000",
    "currency",
    "front",
    "note",
)
MODEL_AT, HEADLINE_AT, INTERVAL_AT, SAMPLES_AT, SECONDS_AT = 3, 4, 5, 7, 10
MISSING = "missing"
FRONT = "◆"
UNNAMED = "unnamed currency"


@dataclass(frozen=True, slots=True)
class CellScores:
    """What a model did on the dataset."""

    aggregates: pd.DataFrame
    answers: pd.DataFrame
    limit: int | None
    """Only so many samples were asked; None for all."""
    answer_s: float | None
    """Seconds the model took for all answers."""
    warnings: tuple[str, ...] = ()
    """Why this row should not be trusted as it stands."""
    counted: pd.DataFrame | None = None
    """What counts of its headline, by sample: sample_id, doc_id, value, weight, category, detail; None where it
    cannot be held against others."""
    cost_per_1000: float | None = None
    """What a thousand answers cost; 0 where asking costs nothing, None where it is not known."""
    currency: str = ""
    failed: int | None = None
    """Answers that failed, of the samples that count for the headline; None where that is not known."""
    imported: str = ""
    """Where its answers were imported from; empty where the model was asked."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The models of a dataset, best first, and how each pair of them differs."""

    headline: str
    table: pd.DataFrame
    pairs: list[Pair]
    """Every pair that can be compared, the higher ranked one first."""
    cells: Mapping[str, CellScores | None]
    plugin: MetricPlugin | None = None
    """The metric behind the headline; None where nothing ranks."""
    combine: Combine | None = None
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """By model without a row why what was made of it cannot be read."""
    plugins: Mapping[str, MetricPlugin] = field(default_factory=dict)
    """Of all metrics."""
    samples: pd.DataFrame | None = None
    """Those that the compared models were scored on."""
    notice: str = ""
    """What to know of the references that all of them were scored on; empty where they are those of now."""

    @property
    def scores(self) -> dict[str, pd.DataFrame]:
        """What counts of each ranked model that can be compared, best first."""
        ranked = self.table.loc[self.table[self.headline].notna(), "model"]
        return {name: cell.counted for name in ranked if (cell := self.cells[name]) and cell.counted is not None}

    @property
    def documents(self) -> int:
        """How many documents the scores rest on."""
        return max((rows["doc_id"].nunique() for rows in self.scores.values()), default=0)

    @property
    def higher_is_better(self) -> bool:
        """Of the headline."""
        return self.plugin is None or self.plugin.higher_is_better


def last_answer(ranking: Ranking) -> str:
    """When the latest answer of any model came: a date; empty where none says when."""
    said = [cell.answers["answered_at"].max() for cell in ranking.cells.values() if cell and len(cell.answers)]
    return max((str(each)[:10] for each in said if isinstance(each, str)), default="")


def rank(
    cells: Mapping[str, CellScores | None],
    headline: str,
    plugins: Mapping[str, MetricPlugin],
    combine: Combine | None = None,
    unreadable: Mapping[str, str] | None = None,
) -> Ranking:
    """Make the leaderboard: a row per model, best first, those without results last.

    Columns: rank, rank_low and rank_high (the ranks that paired tests leave open; any, for a model that cannot be held
    against others), model, the headline and its interval, coverage, samples, failed, median_latency_ms, seconds,
    cost_per_1000 with its currency, front (whether no other model is as good in quality, latency and cost and better in
    one), a column per further metric, note. A null score has no rank. A model whose tables are
    unreadable is missing, and noted why. `samples` are those that count for the headline, `coverage` and `failed` are
    of them.
    """
    unreadable = unreadable or {}
    others = dict.fromkeys(
        name for cell in cells.values() if cell is not None for name in cell.aggregates["metric"] if name != headline
    )
    rows = [_row(model, cell, headline, list(others), unreadable.get(model, "")) for model, cell in cells.items()]
    plugin = plugins.get(headline)
    down = plugin is None or plugin.higher_is_better
    table = pd.DataFrame(rows, columns=_columns(headline, list(others))).astype({headline: float})
    table = table.sort_values(headline, ascending=not down, na_position="last", kind="stable", ignore_index=True)
    table["rank"] = table[headline].rank(method="min", ascending=not down).astype("Int64")
    for name in ("samples", "failed"):
        table[name] = table[name].astype("Int64")
    ranking = Ranking(headline, table, [], cells, plugin, combine, unreadable, plugins)
    ranked = table.loc[table[headline].notna(), "model"].tolist()
    pairs = all_pairs(ranking.scores, plugin, combine) if plugin else []
    ranks = rank_intervals(ranked, pairs, higher_is_better=down) if plugin else {}
    for position, name in enumerate(("rank_low", "rank_high")):
        table[name] = table["model"].map({model: each[position] for model, each in ranks.items()}).astype("Int64")
    table["front"] = table["model"].isin(_front(table, ranked, one_currency(table), down=down))
    return replace(ranking, pairs=pairs)


def one_currency(table: pd.DataFrame) -> str | None:
    """The currency of all costs; empty where nothing costs, None where they differ, so that they cannot be compared."""
    found = set(table.loc[table["cost_per_1000"].astype(float) > 0, "currency"].replace("", UNNAMED))
    return next(iter(found), "") if len(found) <= 1 else None


def cost_header(currency: str | None) -> list[str]:
    """The heading of the column of costs, with their currency where it is one; none where nothing costs."""
    return [] if currency == "" else ["cost of 1,000" + (f", {currency}" if currency else "")]


def cost_cell(cost: float | None, own: str, currency: str | None) -> list[str]:
    """A cost under that heading; it names its own currency where there are several."""
    return [] if currency == "" else [number(cost, 2) + (f" {own}" if cost and currency is None else "")]


def _front(table: pd.DataFrame, ranked: Sequence[str], currency: str | None, *, down: bool) -> set[str]:
    rows = table[table["model"].isin(ranked)].set_index("model")
    known = [
        {str(model): None if pd.isna(value) else float(value) for model, value in rows[name].items()}
        for name in ("median_latency_ms", *(["cost_per_1000"] if currency is not None else []))
    ]
    quality = {str(model): float(value) for model, value in rows[table.columns[HEADLINE_AT]].items()}
    return front(quality, known, higher_is_better=down)


def terminal_rows(table: pd.DataFrame, headline: str, *, brief: bool = False) -> tuple[list[str], list[list[str]]]:
    """Header and cells as people read them; brief: what is needed to choose."""
    others = [name for name in table.columns if name not in FIXED and name != headline]
    currency = one_currency(table)
    header = ["rank", "possible", "front", "model", headline, "95 %", "coverage", "samples", "failed", "ms", "s"]
    header += [*cost_header(currency), *others, "note"]
    rows = [
        [
            NOTHING if pd.isna(row["rank"]) else str(row["rank"]),
            possible_ranks(row["rank_low"], row["rank_high"]),
            FRONT if row["front"] else "",
            row["model"],
            number(row[headline]),
            interval(row["ci_low"], row["ci_high"]),
            percent(row["coverage"]),
            _whole(row["samples"]),
            _whole(row["failed"]),
            milliseconds(known(row["median_latency_ms"])),
            number(row["seconds"], 1),
            *cost_cell(known(row["cost_per_1000"]), row["currency"], currency),
            *(number(row[name]) for name in others),
            row["note"],
        ]
        for row in table.to_dict("records")
    ]
    if brief:
        first, last = [MODEL_AT, HEADLINE_AT, INTERVAL_AT], len(header) - 1
        # By place, since a metric may be called as a column is.
        left = {*first, SAMPLES_AT, SECONDS_AT, *range(last - len(others), last)}
        left |= set() if any(row[last] for row in rows) else {last}
        kept = [*first, *(place for place in range(len(header)) if place not in left)]
        return [header[place] for place in kept], [[row[place] for place in kept] for row in rows]
    return header, rows


def _columns(headline: str, others: list[str]) -> list[str]:
    return [*FIXED[:HEADLINE_AT], headline, *FIXED[HEADLINE_AT:-1], *others, "note"]


def _row(model: str, cell: CellScores | None, headline: str, others: list[str], unreadable: str) -> dict[str, object]:
    if cell is None:
        return {"model": model, "currency": "", "note": f"{MISSING}: {unreadable}" if unreadable else MISSING}
    frame = cell.aggregates
    overall = frame[(frame["dimension"] == "overall") & (frame["policy"] == HEADLINE_POLICY)].set_index("metric")
    values = {name: overall["value"].get(name) for name in [headline, *others]}
    first = overall.loc[headline] if headline in overall.index else None
    return {
        "model": model,
        **values,
        "ci_low": None if first is None else first["ci_low"],
        "ci_high": None if first is None else first["ci_high"],
        "coverage": None if first is None else first["coverage"],
        "samples": 0 if first is None else first["n"],
        "failed": cell.failed,
        "median_latency_ms": median(cell.answers["latency_ms"]),
        "seconds": cell.answer_s,
        "cost_per_1000": cell.cost_per_1000,
        "currency": cell.currency,
        "note": "; ".join([*([f"first {cell.limit} samples only"] if cell.limit else []), *cell.warnings]),
    }


def possible_ranks(low: int | None, high: int | None) -> str:
    """Ranks as people write them: `1`, or `1–3`."""
    if pd.isna(low) or pd.isna(high):
        return NOTHING
    return str(low) if low == high else f"{low}–{high}"


def known(value: float | None) -> float | None:
    """A figure of a table, where there is one."""
    return None if value is None or pd.isna(value) else float(value)


def milliseconds(value: float | None) -> str:
    """A latency as people write it; one below a millisecond is not zero."""
    return "<1" if value is not None and 0 < value < 1 else number(value, 0)


def _whole(value: int | None) -> str:
    return NOTHING if pd.isna(value) else str(value)
