"""What changed since a cell was scored before."""

from vlmbench_assets.bench import Bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.difference import explain, states_of
from vlmbench_assets.made_from import BEFORE
from vlmbench_assets.work.cell_report.facts import Since
from vlmbench_sdk import ContractError, WorkspaceError

GONE = "It was scored before; that state is not in the history any more, so there is nothing to compare with."


def since_before(bench: Bench, cell: Cell, metric: str = "") -> tuple[Since | None, str]:
    """The difference to the state before, or why there is none to tell; neither where there was no state before.

    Args:
        bench: The workspace.
        cell: Whose scores.
        metric: The metric to compare by; default: the cell's headline.
    """
    made = bench.store.manifest("metrics", cell.dataset, cell.model)
    before = made.facts.get(BEFORE) if made else ""
    if not before or made is None:
        return None, ""
    try:
        states = states_of(bench, cell)
        second = next((each for each in reversed(states) if each.metrics.version == made.version), None)
        first = next((each for each in reversed(states) if each.metrics.version == before), None)
        if first is None or second is None:
            return None, GONE
        found = explain(bench, first, second, metric, slices=False)
    except (WorkspaceError, ContractError):
        return None, GONE
    told = found.comparison
    left_out = sum(map(len, (told.only_first, told.only_second, told.scored_first, told.scored_second)))
    return Since(found.reasons, found.metric, told.overall, told.flips, left_out), ""
