"""Each kind of change × each asset: exactly the expected stale set, for exactly the expected reasons."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cells import bench_of
from tests.staleness.kinds import ALL, Cells, Kind
from tests.staleness.kinds_data import DATA
from tests.staleness.kinds_models import MODELS
from tests.staleness.kinds_nothing import NOTHING
from tests.staleness.kinds_scores import SCORES
from tests.staleness.made import SAMPLES
from vlmbench_assets import made_from
from vlmbench_assets.catalog import Cell
from vlmbench_assets.models_of import models_of
from vlmbench_assets.plan import Plan, make_plan
from vlmbench_assets.staleness import Judge
from vlmbench_assets.store import CELL_ASSETS

KINDS = [*NOTHING, *MODELS, *DATA, *SCORES]


def stale(plan: Plan) -> Cells:
    """By cell and asset, all that is not fresh, with its reasons."""
    found: Cells = {}
    for each in plan.to_do:
        assert each.judged.state == "stale"
        assert {asset.state for asset in each.judged.assets.values()} <= {"fresh", "stale"}
        reasons = {name: list(asset.reasons) for name, asset in each.judged.assets.items() if asset.state == "stale"}
        found[f"{each.judged.cell.model}|{each.judged.cell.dataset}"] = {str(name): reasons[name] for name in reasons}
    return found


def followed(own: Mapping[str, dict[str, list[str]]]) -> Cells:
    """Add to each cell that what follows from a stale asset is stale."""
    full: Cells = {}
    for cell, reasons in own.items():
        full[cell] = {}
        before = ""
        for asset in CELL_ASSETS:
            found = [*reasons.get(asset, []), *([f"after {before}"] if before else [])]
            if found:
                full[cell][asset] = found
                before = asset
    return full


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_exactly_what_changed_is_stale(kind: Kind, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "elsewhere"
    shutil.copytree(made, root)
    kind.change(root)
    for name, value in kind.constants.items():
        monkeypatch.setattr(made_from, name, value)
    bench = kind.patch(bench_of(root))
    plan = make_plan(bench, [Cell(*name.split("|")) for name in ALL])
    assert stale(plan) == followed(kind.stale)
    asked = {f"{each.judged.cell.model}|{each.judged.cell.dataset}": each.judged.to_ask for each in plan.to_do}
    assert {name: number for name, number in asked.items() if number} == dict(kind.ask)
    assert (plan.read, plan.unreadable, plan.without_gold) == (dict(kind.read), {}, dict(kind.without_gold))
    if kind.stale:
        own = tuple(reason for reasons in list(kind.stale.values())[-1].values() for reason in reasons)
        assert tuple(plan.to_do[-1].judged.reasons) == (own if kind.said is None else kind.said)
    judge = Judge(bench)
    boards = {name: judge.leaderboard(name, models_of(bench, name)).reasons for name in SAMPLES}
    assert {name: reasons for name, reasons in boards.items() if reasons} == dict(kind.boards)
    over = tuple(f"leaderboard {name} changed" for name in kind.boards)
    over = kind.benchmark if kind.benchmark is not None else over
    assert [each for each in judge.benchmark("b").reasons if each.startswith("leaderboard ")] == list(over)
    assert bool(judge.benchmark("b").reasons) == bool(kind.boards or over)
