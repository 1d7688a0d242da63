"""The jobs `benchmark_NAME`, `re_score` and `redraw`: launched for real, for everything and for one partition."""

import base64
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from PIL import Image

from tests.cells import answer, bench_of, score
from tests.support import journal_of, write_source, write_yaml
from vlmbench_assets.build import build_definitions
from vlmbench_assets.instance import HOST_TAG, open_instance
from vlmbench_assets.make.benchmark_leaderboard import make_benchmark_leaderboard
from vlmbench_assets.make.leaderboard import make_leaderboard
from vlmbench_assets.named_jobs import job_names
from vlmbench_assets.shown import LONGEST_PAGE, page
from vlmbench_assets.workspace import find_workspace

pytestmark = pytest.mark.filterwarnings("ignore:AssetExecutionContext:DeprecationWarning")


@pytest.fixture
def ready(workspace: Path) -> Path:
    """Two models on one dataset; one answers only what its contract can read now and then, at a price."""
    write_yaml(workspace, "prompts/number", "user: '{{ question }}'\nexpects: {type: number}\n")
    price = "price: {input_per_million: 1, output_per_million: 2}"
    write_yaml(workspace, "models/loud", f"plugin: echo\nprompts: number\noptions: {{answer: '{{field}}'}}\n{price}\n")
    write_yaml(workspace, "benchmarks/b", "models: [echo, loud]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    write_yaml(workspace, "benchmarks/one-more", "models: [echo]\ndatasets: [tiny]\nmetrics: [exact_match]\n")
    return workspace


@pytest.fixture
def instance(workspace: Path) -> Iterator[dg.DagsterInstance]:
    opened = open_instance(find_workspace(workspace))
    yield opened
    opened.dispose()


def launch(
    root: Path, instance: dg.DagsterInstance, name: str, model: str = "", **config: object
) -> dg.ExecuteInProcessResult:
    job = build_definitions(bench_of(root)).get_repository_def().get_job(name)
    op = next(iter(job.graph.node_dict))
    return job.execute_in_process(
        instance=instance,
        run_config={"ops": {op: {"config": config}}},
        partition_key=dg.MultiPartitionKey({"model": model, "dataset": "tiny"}) if model else None,
        raise_on_error=False,
    )


def written(root: Path) -> dict[str, str]:
    """When each table and page was written."""
    found = sorted((root / "data").glob("*/**/manifest.json"))
    return {
        "/".join(path.parent.relative_to(root / "data").parts): json.loads(path.read_bytes())["written_at"]
        + str(path.stat().st_mtime_ns)
        for path in found
    }


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name.replace("/tiny", "") for name, when in after.items() if before.get(name) != when}


def test_jobs_run_what_they_are_named_after(ready: Path, instance: dg.DagsterInstance) -> None:
    assert launch(ready, instance, "benchmark_b", "echo").success
    assert {name for name in written(ready) if "loud" in name} == set(), "one partition is one cell"
    result = launch(ready, instance, "benchmark_b")
    assert result.success
    shown = result.get_step_success_events()[0]
    assert shown.step_key == "run_benchmark_b"
    before, asked = written(ready), journal_of(ready, "loud").read_bytes()

    assert launch(ready, instance, "benchmark_b").success
    assert changed(before, written(ready)) == set(), "what is fresh is left alone"
    assert launch(ready, instance, "redraw").success
    redrawn = written(ready)
    assert changed(before, redrawn) == {"report/echo", "report/loud", "leaderboard"}
    assert launch(ready, instance, "re_score", "loud").success
    assert changed(redrawn, written(ready)) == {"metrics/loud", "aggregates/loud", "report/loud", "leaderboard"}
    # A model that cannot run here any more is no hindrance to scoring what it said.
    write_yaml(ready, "models/loud", "plugin: echo\nprompts: number\noptions: {fail_load: no weights}\n")
    assert launch(ready, instance, "re_score", cells=["loud|tiny"]).success
    assert journal_of(ready, "loud").read_bytes() == asked

    _figures_are_plotted(instance)


def _figures_are_plotted(instance: dg.DagsterInstance) -> None:
    found = {
        str(record.partition_key): {
            name: value.value
            for name, value in record.asset_materialization.metadata.items()
            if isinstance(value, dg.IntMetadataValue | dg.FloatMetadataValue)
        }
        for record in reversed(instance.fetch_materializations(dg.AssetKey("report"), limit=50).records)
        if record.asset_materialization
    }
    echo, loud = found["tiny|echo"], found["tiny|loud"]
    assert (echo["score"], echo["coverage"], echo["samples"], echo["failed"]) == (0.75, 1.0, 4, 0)
    assert "ci_low" not in echo, "two documents support no interval"
    assert echo["median_latency_ms"] is not None
    assert (loud["score"], loud["failed"], loud["contract_kept"]) == (0.0, 4, 0.0), "no field's name is a number"
    assert "contract_kept" not in echo, "without an output contract there is none to keep"
    assert "cost" not in loud, "echo counts no tokens, so nobody knows"


def test_redrawn_are_the_leaderboards_of_benchmarks_too(ready: Path, instance: dg.DagsterInstance) -> None:
    write_yaml(ready, "datasets/again", (ready / "registries/datasets/tiny.yaml").read_text(encoding="utf-8"))
    write_yaml(ready, "benchmarks/both", "models: [echo]\ndatasets: [tiny, again]\nmetrics: [exact_match]\n")
    for dataset in ("tiny", "again"):
        answer(ready, "echo", dataset)
        score(ready, "echo", dataset)
        make_leaderboard(bench_of(ready), dataset)
    make_benchmark_leaderboard(bench_of(ready), "both")
    before = written(ready)
    assert launch(ready, instance, "redraw").success
    assert "benchmark_leaderboard/both" in changed(before, written(ready))


def test_a_job_says_which_cells_failed_and_why(ready: Path, instance: dg.DagsterInstance) -> None:
    write_yaml(ready, "models/loud", "plugin: echo\noptions: {fail_load: no weights here}\n")
    result = launch(ready, instance, "benchmark_b", cells=["loud|tiny"])
    (failure,) = [each for each in result.all_node_events if each.is_step_failure]
    assert failure.step_failure_data.user_failure_data is not None
    assert "no weights here" in (failure.step_failure_data.user_failure_data.description or "")
    unknown = launch(ready, instance, "redraw", cells=["nobody|tiny"])
    (failure,) = [each for each in unknown.all_node_events if each.is_step_failure]
    assert failure.step_failure_data.user_failure_data is not None
    assert (
        failure.step_failure_data.user_failure_data.description
        == "'nobody|tiny' is no cell of this job; those are: none"
    )


def test_everything_in_the_ui_is_described_owned_and_off(ready: Path) -> None:
    repository = build_definitions(bench_of(ready)).get_repository_def()
    for node in repository.asset_graph.asset_nodes:
        assert node.description, node.key
        assert node.owners, node.key
        assert node.kinds, node.key
        assert node.group_name != "default"
    jobs = {job.name: job for job in repository.get_all_jobs() if not job.name.startswith("__")}
    assert set(jobs) == {"benchmark_b", "benchmark_one_more", "re_score", "redraw", "refresh_stale"}
    assert all(job.description for job in jobs.values())
    assert jobs["benchmark_one_more"].tags["vlmbench/benchmark"] == "one-more"
    assert repository.schedule_defs == []
    assert [sensor.default_status for sensor in repository.sensor_defs] == [dg.DefaultSensorStatus.STOPPED]


def test_each_benchmark_has_a_job_of_its_own() -> None:
    assert job_names(["receipts", "a-b", "a.b", "a_b"]) == {
        "a-b": "benchmark_a_b",
        "a.b": "benchmark_a_b_2",
        "a_b": "benchmark_a_b_3",
        "receipts": "benchmark_receipts",
    }


def test_a_killed_run_does_not_count_as_running(workspace: Path) -> None:
    """A queue that takes one run at a time would wait for it for ever."""
    write_source(workspace, 4)
    opened = open_instance(find_workspace(workspace))
    job = build_definitions(bench_of(workspace)).get_repository_def().get_job("redraw")
    dead, alive = (opened.create_run_for_job(job) for _ in range(2))
    elsewhere = opened.create_run_for_job(job, tags={HOST_TAG: "another-machine"})
    for run, pid in ((dead, 2**22 + 1), (alive, os.getpid()), (elsewhere, 2**22 + 1)):
        event = dg.DagsterEvent(
            event_type_value=dg.DagsterEventType.RUN_START.value,
            job_name=run.job_name,
            pid=pid,
        )
        opened.report_dagster_event(event, run.run_id)
    opened.dispose()
    again = open_instance(find_workspace(workspace))
    statuses = {run.run_id: run.status for run in again.get_runs()}
    again.dispose()
    running = dg.DagsterRunStatus.STARTED
    assert statuses == {dead.run_id: dg.DagsterRunStatus.FAILURE, alive.run_id: running, elsewhere.run_id: running}


def test_pages_in_the_ui_are_bounded(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (700, 1000, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    chart = Image.new("RGB", (900, 400), "white")
    chart.paste("steelblue", (100, 100, 500, 300))
    chart.save(tmp_path / "chart.png")
    (tmp_path.parent / "secret.png").write_bytes((tmp_path / "chart.png").read_bytes())
    text = "![a chart](chart.png)\n![noise](noise.png)\n![up](../secret.png)\n![gone](gone.png)\n"
    shown = page(text, tmp_path).value
    assert isinstance(shown, str)
    (inline,) = re.findall(r"!\[a chart\]\(data:image/(?:png|webp);base64,([^)]+)\)", shown)
    assert len(base64.b64decode(inline)) < (tmp_path / "chart.png").stat().st_size
    assert f"*noise* (`{tmp_path / 'noise.png'}`)" in shown
    assert "![up](../secret.png)\n![gone](gone.png)" in shown
    long = page("line\n" * 100_000 + text, tmp_path).value
    assert isinstance(long, str)
    assert len(long) < LONGEST_PAGE
    assert "goes on in its file" in long
