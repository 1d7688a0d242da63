"""Staleness in Dagster: the check `fresh`, the job `refresh_stale`, the sensor `keep_fresh`, unsynced marks."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from tests.commands.forked import Commands
from tests.support import write_echo_workspace, write_source, write_yaml
from vlmbench_assets.bench import open_bench
from vlmbench_assets.build import build_definitions
from vlmbench_assets.instance import open_instance
from vlmbench_assets.workspace import find_workspace

# Dagster's own Pipes calls what it deprecates; here its runs are in this process, where warnings are errors.
pytestmark = pytest.mark.filterwarnings("ignore:AssetExecutionContext:DeprecationWarning")

CELLS = ("echo|tiny", "loud|tiny")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, commands: Commands) -> Path:
    """Two models on one dataset, all fresh."""
    root = write_echo_workspace(tmp_path_factory.mktemp("ready") / "workspace")
    write_yaml(root, "models/loud", "extends: echo\noptions: {answer: '{field}!', asked_log: asked.log}\n")
    write_yaml(root, "benchmarks/b", "models: [echo, loud]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    commands.on(root, root.parent / "cache")("run", check=0)
    return root


@pytest.fixture
def ready(made: Path, workspace: Path) -> Path:
    """A copy of it, to be changed."""
    shutil.rmtree(workspace)
    shutil.copytree(made, workspace)
    return workspace


@pytest.fixture
def instance(workspace: Path) -> Iterator[dg.DagsterInstance]:
    opened = open_instance(find_workspace(workspace))
    yield opened
    opened.dispose()


def definitions(workspace: Path) -> dg.Definitions:
    return build_definitions(open_bench(find_workspace(workspace)))


def tick(workspace: Path, instance: dg.DagsterInstance, cursor: str | None) -> tuple[list[str], str, str | None]:
    """Evaluate the sensor: the cells it wants to run, why it skips, its new cursor."""
    sensor = definitions(workspace).get_repository_def().get_sensor_def("keep_fresh")
    with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
        result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    requests = result.run_requests or []
    wanted = [cell for request in requests for cell in request.run_config["ops"]["run_stale_cells"]["config"]["cells"]]
    skipped = result.skip_reason.skip_message or "" if result.skip_reason else ""
    return wanted, skipped, result.cursor


def refresh(workspace: Path, instance: dg.DagsterInstance, cells: list[str]) -> dg.ExecuteInProcessResult:
    config = {"ops": {"run_stale_cells": {"config": {"cells": cells}}}}
    job = definitions(workspace).get_repository_def().get_job("refresh_stale")
    return job.execute_in_process(instance=instance, run_config=config, raise_on_error=False)


def made_by(workspace: Path) -> dict[str, str]:
    paths = sorted((workspace / "data/answers").glob("*/*/manifest.json"))
    return {path.parent.parent.name: json.loads(path.read_bytes())["written_at"] for path in paths}


def test_the_sensor_is_off_until_someone_turns_it_on(ready: Path) -> None:
    sensor = definitions(ready).get_repository_def().get_sensor_def("keep_fresh")
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    dg.Definitions.validate_loadable(definitions(ready))


def test_the_automation_runs_what_changed_once_and_nothing_else(ready: Path, instance: dg.DagsterInstance) -> None:
    cells, skipped, cursor = tick(ready, instance, None)
    assert (cells, skipped) == ([], "nothing to do: 2 cells fresh")

    write_yaml(ready, "models/loud", "extends: echo\noptions: {answer: '{field}?'}\n")
    cells, _, cursor = tick(ready, instance, cursor)
    assert cells == ["loud|tiny"]
    again, skipped, cursor = tick(ready, instance, cursor)
    assert again == [], "what was requested is not requested again"
    assert skipped == "1 cell to run, 4 samples to ask; 1 cell fresh"

    before = made_by(ready)
    assert refresh(ready, instance, cells).success
    assert made_by(ready)["echo"] == before["echo"]
    assert tick(ready, instance, cursor)[:2] == ([], "nothing to do: 2 cells fresh")

    write_source(ready, 6)
    cells, _, cursor = tick(ready, instance, cursor)
    assert sorted(cells) == sorted(CELLS), "rows appended to the dataset"
    write_yaml(ready, "models/third", "extends: echo\n")
    write_yaml(ready, "benchmarks/c", "models: [third]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    assert tick(ready, instance, cursor)[0] == ["third|tiny"], "a new file in registries"


def test_a_cell_that_fails_is_not_tried_for_ever(ready: Path, instance: dg.DagsterInstance) -> None:
    write_yaml(ready, "models/loud", "extends: echo\noptions: {fail_load: no weights here}\n")
    cells, _, cursor = tick(ready, instance, None)
    assert cells == ["loud|tiny"]
    result = refresh(ready, instance, cells)
    assert not result.success
    assert tick(ready, instance, cursor)[0] == []


def test_the_check_says_which_cells_are_not_fresh_and_why(ready: Path, instance: dg.DagsterInstance) -> None:
    write_yaml(ready, "models/loud", "extends: echo\noptions: {answer: '{field}?'}\n")
    checks = [each for each in definitions(ready).asset_checks or [] if isinstance(each, dg.AssetChecksDefinition)]
    result = dg.materialize(checks, instance=instance, selection=dg.AssetSelection.all_asset_checks())
    found = {each.asset_key.to_user_string(): each for each in result.get_asset_check_evaluations()}
    assert {name: each.passed for name, each in found.items()} == dict.fromkeys(
        ("answers", "metrics", "aggregates", "report"), False
    )
    assert found["answers"].description == "1 of 2 cells are fresh; loud × tiny: option answer {field}! → {field}?"
    table = found["answers"].metadata["not_fresh"]
    assert isinstance(table, dg.TableMetadataValue)
    (record,) = table.records
    assert record.data == {
        "model": "loud",
        "dataset": "tiny",
        "state": "stale",
        "ask": 4,
        "why": "option answer {field}! → {field}?",
    }

    refresh(ready, instance, [])
    keys = [dg.AssetCheckKey(dg.AssetKey("answers"), "fresh")]
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)[keys[0]]
    assert latest.evaluation is not None
    assert latest.evaluation.passed


def test_dagster_marks_the_answers_of_a_changed_model_as_unsynced(ready: Path, instance: dg.DagsterInstance) -> None:
    write_yaml(ready, "models/loud", "extends: echo\noptions: {answer: '{field}?'}\n")
    tick(ready, instance, None)
    graph = definitions(ready).get_repository_def().asset_graph
    context = LoadingContextForTest(instance)
    resolver = CachingStaleStatusResolver(instance=instance, asset_graph=graph, loading_context=context)
    keys = {model: dg.MultiPartitionKey({"model": model, "dataset": "tiny"}) for model in ("echo", "loud")}
    statuses = {model: resolver.get_status(dg.AssetKey("answers"), key).name for model, key in keys.items()}
    assert statuses == {"echo": "FRESH", "loud": "STALE"}


def test_what_was_made_elsewhere_is_shown_after_a_sync(ready: Path) -> None:
    """The instance was deleted, or the tables came from another machine."""
    shutil.rmtree(ready / ".dagster")
    fresh = open_instance(find_workspace(ready))
    tick(ready, fresh, None)
    known = fresh.get_materialized_partitions(dg.AssetKey("report"))
    assert sorted(known) == ["tiny|echo", "tiny|loud"]
    assert list(fresh.get_runs()) == []
    fresh.dispose()
