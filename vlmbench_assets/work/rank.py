"""Put the models of a dataset side by side."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from vlmbench_assets.contracts import UNANSWERED
from vlmbench_assets.work.markdown import NOTHING, interval, markdown_table, number, percent
from vlmbench_assets.work.report_tables import HEADLINE_POLICY
from vlmbench_sdk import MetricPlugin

FIXED = (
    "rank",
    "model",
    "ci_low",
    "ci_high",
    "coverage",
    "samples",
    "failed",
    "median_latency_ms",
    "seconds",
    "note",
)
MISSING = "missing"


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


def rank(cells: Mapping[str, CellScores | None], headline: str, plugins: Mapping[str, MetricPlugin]) -> pd.DataFrame:
    """Make the leaderboard: a row per model, best first, those without results last.

    Columns: rank, model, the headline and its interval, coverage, samples, failed, median_latency_ms,
    seconds, a column per further metric, note. A null score has no rank.
    """
    others = dict.fromkeys(
        name for cell in cells.values() if cell is not None for name in cell.aggregates["metric"] if name != headline
    )
    rows = [_row(model, cell, headline, list(others)) for model, cell in cells.items()]
    down = headline not in plugins or plugins[headline].higher_is_better
    table = pd.DataFrame(rows, columns=_columns(headline, list(others))).astype({headline: float})
    table = table.sort_values(headline, ascending=not down, na_position="last", kind="stable", ignore_index=True)
    table["rank"] = table[headline].rank(method="min", ascending=not down).astype("Int64")
    bounds = zip(table["model"], table["ci_low"], table["ci_high"], table["note"], strict=True)
    table["note"] = [_with_tie(model, low, high, note, table) for model, low, high, note in bounds]
    return table


def leaderboard_markdown(table: pd.DataFrame, dataset: str, headline: str, plugins: Mapping[str, MetricPlugin]) -> str:
    """The leaderboard as a page."""
    header, rows = terminal_rows(table, headline)
    direction = "higher" if headline not in plugins or plugins[headline].higher_is_better else "lower"
    return (
        f"# Leaderboard of {dataset}\n\n"
        f"Ranked by `{headline}` ({direction} is better), over all samples asked; a failed answer counts as the "
        "worst score. Intervals are 95 %, clustered by document. Models whose intervals overlap are not told "
        "apart by these figures.\n\n" + markdown_table(header, rows)
    )


def terminal_rows(table: pd.DataFrame, headline: str) -> tuple[list[str], list[list[str]]]:
    """Header and cells as people read them."""
    others = [name for name in table.columns if name not in FIXED and name != headline]
    header = ["rank", "model", headline, "95 %", "coverage", "samples", "failed", "ms", "s", *others, "note"]
    rows = [
        [
            NOTHING if pd.isna(row["rank"]) else str(row["rank"]),
            row["model"],
            number(row[headline]),
            interval(row["ci_low"], row["ci_high"]),
            percent(row["coverage"]),
            _whole(row["samples"]),
            _whole(row["failed"]),
            _whole(row["median_latency_ms"]),
            number(row["seconds"], 1),
            *(number(row[name]) for name in others),
            row["note"],
        ]
        for row in table.to_dict("records")
    ]
    return header, rows


def _columns(headline: str, others: list[str]) -> list[str]:
    return ["rank", "model", headline, *FIXED[2:-1], *others, "note"]


def _row(model: str, cell: CellScores | None, headline: str, others: list[str]) -> dict[str, object]:
    if cell is None:
        return {"model": model, "note": MISSING}
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
        "samples": len(cell.answers),
        "failed": int(cell.answers["status"].isin(UNANSWERED).sum()),
        "median_latency_ms": cell.answers["latency_ms"].median(),
        "seconds": cell.answer_s,
        "note": "; ".join([*([f"first {cell.limit} samples only"] if cell.limit else []), *cell.warnings]),
    }


def _with_tie(model: str, low: float | None, high: float | None, note: str, table: pd.DataFrame) -> str:
    """Say with whom a model's interval overlaps."""
    if pd.isna(low) or pd.isna(high):
        return note
    tied = table.loc[(table["ci_low"] <= high) & (table["ci_high"] >= low) & (table["model"] != model), "model"]
    said = f"overlaps {', '.join(tied)}" if len(tied) else ""
    return "; ".join(part for part in (note, said) if part)


def _whole(value: object) -> str:
    return NOTHING if value is None or (isinstance(value, float) and math.isnan(value)) else f"{value:.0f}"
