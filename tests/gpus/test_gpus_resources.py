"""What a cell took of the machine: measured, added up over shards, shown, and no reason to run anything."""

from pathlib import Path

import pytest

from tests.cells import answer, bench_of, score
from tests.support import write_yaml
from vlmbench_assets.catalog import Cell
from vlmbench_assets.staleness import Judge
from vlmbench_assets.work.usage import resources, together
from vlmbench_sdk.usage import Usage

GPU = Usage(
    samples=5,
    seconds=5.0,
    cpu_s=4.0,
    cpu_peak=1.5,
    cpu_mean=0.8,
    memory_peak_mib=1000.0,
    memory_mean_mib=900.0,
    gpus=1,
    gpu_memory_peak_mib=20000.0,
    gpu_memory_mean_mib=15000.0,
    gpu_busy_peak=1.0,
    gpu_busy_mean=0.5,
)


@pytest.mark.parametrize("shards", [1, 2])
def test_the_report_shows_what_was_used_and_stays_fresh(shards: int, workspace: Path) -> None:
    options = "{answer: '{field}', latency_ms: 700}"
    write_yaml(workspace, "models/echo", f"plugin: echo\nshards: {shards}\noptions: {options}\n")
    first = answer(workspace, "echo", "tiny")
    score(workspace, "echo", "tiny")
    page = (workspace / "data/report/echo/tiny/report.md").read_text(encoding="utf-8")
    assert "## Resources" in page
    assert "| memory | " in page
    assert "MiB at most" in page
    assert "GPU memory" not in page, "nothing is known of it"
    again = answer(workspace, "echo", "tiny")
    assert again.facts["usage"] == first.facts["usage"] is not None
    assert Judge(bench_of(workspace)).cell(Cell("echo", "tiny")).state == "fresh"


def test_shards_are_added_up() -> None:
    both = together([GPU, GPU.model_copy(update={"gpu_busy_mean": 1.0, "seconds": 9.0})])
    assert both is not None
    assert (both.cpu_s, both.cpu_peak, both.memory_peak_mib, both.gpus) == (8.0, 3.0, 2000.0, 2)
    assert (both.gpu_memory_peak_mib, both.gpu_busy_mean, both.gpu_busy_peak) == (40000.0, 0.75, 1.0)
    assert both.seconds == 9.0
    assert together([]) is None
    assert together([GPU, Usage(samples=1)]) is not None


def test_only_what_is_known_has_a_row() -> None:
    shown = resources({"wall_s": 12.34, "load_s": None, "usage": GPU.model_dump(mode="json")})
    assert shown["GPU memory"] == "15000 MiB on average, 20000 MiB at most"
    assert shown["GPU busy"] == "50 % on average, 100 % at most"
    assert "time to load the model" not in shown
    assert resources({}) == {}
    assert "memory" in resources({"usage": {**GPU.model_dump(mode="json"), "of another version": 1}})
