"""What became of a cell over time."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.contracts import AGGREGATES
from vlmbench_assets.difference import State, explain, states_of
from vlmbench_assets.site.scripts import Json, number, numbers
from vlmbench_assets.store import Manifest, read_manifest
from vlmbench_assets.tables import parse_table
from vlmbench_assets.work.report_tables import HEADLINE_POLICY
from vlmbench_sdk import ContractError, WorkspaceError

SHOWN = 10
"""The last so many changes are explained; each takes a comparison of all samples."""


def history(bench: Bench, cell: Cell, headline: str) -> list[dict[str, Json]]:
    """Each time a cell was scored, oldest first: when, its headline then, and what changed since the time before.

    Empty where a manifest of then cannot be read.
    """
    try:
        states = states_of(bench, cell)
    except WorkspaceError:
        return []
    scores = _scores(bench, cell, headline)
    found: list[dict[str, Json]] = []
    for before, state in zip([None, *states], states, strict=False):
        table = state.metrics.digests.get("table", "")
        explained = before is not None and state.number > states[-1].number - SHOWN
        found.append(
            {
                "number": state.number,
                "at": state.metrics.written_at,
                "score": scores.get(table),
                "change": _change(bench, before, state, headline) if before is not None and explained else None,
            }
        )
    return found


def last_change(past: Sequence[dict[str, Json]]) -> Json:
    """The latest difference, and its verdict; None where there is nothing to compare with."""
    change = past[-1]["change"] if past else None
    if not isinstance(change, dict) or "difference" not in change:
        return None
    difference = change["difference"]
    return [difference[0], change["verdict"]] if isinstance(difference, list) else None


def _scores(bench: Bench, cell: Cell, headline: str) -> dict[str, Json]:
    """Value, interval, coverage and n of the headline, by the digest of the scores that it was made from."""
    found: dict[str, Json] = {}
    for path in bench.store.history("aggregates", cell.dataset, cell.model):
        made = _readable(path)
        content = bench.store.objects.get(made.files.get("aggregates.csv", "")) if made else None
        if made is None or content is None:
            continue
        try:
            table = parse_table(content, AGGREGATES)
        except ContractError:
            continue
        rows = table[
            (table["dimension"] == "overall") & (table["metric"] == headline) & (table["policy"] == HEADLINE_POLICY)
        ]
        for row in rows.to_dict("records"):
            figures = numbers([row[name] for name in ("value", "ci_low", "ci_high", "coverage", "n")])
            found[made.lineage.get("metrics", "")] = figures
    return found


def _change(bench: Bench, before: State, state: State, headline: str) -> Json:
    try:
        told = explain(bench, before, state, headline)
    except (WorkspaceError, ContractError) as error:
        return {"refused": error.what}
    overall, flips = told.comparison.overall, told.comparison.flips
    better = int((flips["moved"] == "better").sum()) if isinstance(flips, pd.DataFrame) and len(flips) else 0
    return {
        "reasons": list(told.reasons),
        "difference": numbers([overall.difference, overall.low, overall.high]),
        "p": number(overall.p_value),
        "verdict": overall.verdict,
        "better": better,
        "worse": len(flips) - better,
    }


def _readable(path: Path) -> Manifest | None:
    try:
        return read_manifest(path)
    except WorkspaceError:
        return None
