"""What `vlmbench plan` costs over many cells: with nothing stale, and with everything stale in several ways.

One cell per dataset is made by the real code; the other models' cells are copies of it under their own names, which
the judge must find fresh before anything is timed. Every plan is made in a process of its own, best of three, so that
neither imports nor memory are shared. Beside it stands Dagster's own resolver, asked the same question.

Run: python benchmarks/staleness.py [--samples N] [--datasets N] [MODELS...]
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vlmbench_assets.bench import Bench, open_bench
from vlmbench_assets.catalog import Cell
from vlmbench_assets.store import CELL_ASSETS
from vlmbench_assets.workspace import Workspace

if TYPE_CHECKING:
    import dagster as dg
    from dagster._core.definitions.data_version import CachingStaleStatusResolver

SIZES = ((40, (50, 125, 250, 500)), (1000, (50,)))
"""Samples, and for each of them how many models."""
DATASETS = 40
COMPARED = 10
"""Models for which Dagster is asked too; with 40 datasets that is 400 cells."""
SEED = "m0000"
ROUNDS = 3
METRICS = ("exact_match", "anls", "cer")
READERS = ("vlmbench_assets.tables", "vlmbench_assets.work.read")
"""What a plan imports when it must read a dataset."""


@dataclass(frozen=True)
class Change:
    """A way to make every cell stale."""

    name: str
    make: Callable[[Path, int, int, int], None]
    """Called with workspace, models, datasets, samples; what was changed before is as it was."""
    flag: str = ""
    """What the measuring process is told besides."""


def write(root: Path, name: str, text: str) -> None:
    """Write a registry entry."""
    path = root / "registries" / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_registries(root: Path, models: int, datasets: int, *, answer: str = "same", prompt: str = "Read it.") -> None:
    """A benchmark of so many models and datasets; four prompt collections, each for a quarter of the models."""
    names, sets = [f"m{index:04}" for index in range(models)], [f"d{index:03}" for index in range(datasets)]
    for index in range(4):
        write(root, f"prompts/p{index}", f'user: "{prompt} {{{{ question }}}}"\n')
    for index, name in enumerate(names):
        write(root, f"models/{name}", f"plugin: echo\nprompts: p{index % 4}\noptions: {{answer: '{answer}'}}\n")
    for name in sets:
        write(root, f"datasets/{name}", f"reader: jsonl\nsource: source/{name}\n")
    write(root, "benchmarks/b", json.dumps({"models": names, "datasets": sets, "metrics": METRICS}))


def write_sources(root: Path, datasets: int, samples: int, question: str = "Total?") -> None:
    """The datasets' files: every fourth sample has a page of its own."""
    for number in range(datasets):
        folder = root / "source" / f"d{number:03}"
        folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for index in range(samples):
            page = f"p{index // 4}.png"
            if not (folder / page).exists():
                (folder / page).write_bytes(f"{number} {index}".encode())
            said = [{"role": "user", "content": question}, {"role": "assistant", "content": "same"}]
            sample = {"id": f"s{index}", "doc_id": f"doc{index // 4}", "field": f"f{index % 4}", "images": [page]}
            lines.append(json.dumps(sample | {"messages": said}) + "\n")
        (folder / "samples.jsonl").write_text("".join(lines), encoding="utf-8")


def _change_sources(root: Path, models: int, datasets: int, samples: int) -> None:
    write_registries(root, models, datasets)
    write_sources(root, datasets, samples, f"Sum at {time.time_ns()}?")


CHANGES = (
    Change("nothing", lambda root, models, datasets, _samples: write_registries(root, models, datasets)),
    Change(
        "every model's option", lambda root, models, datasets, _: write_registries(root, models, datasets, answer="x")
    ),
    Change("every prompt", lambda root, models, datasets, _: write_registries(root, models, datasets, prompt="Look.")),
    Change(
        "every metric's version", lambda root, models, datasets, _: write_registries(root, models, datasets), "metrics"
    ),
    Change("every dataset's files", _change_sources, "sources"),
)


def make_cells(root: Path, datasets: int) -> None:
    """Make one cell per dataset, of the first model."""
    from vlmbench_assets.make.aggregates import make_aggregates
    from vlmbench_assets.make.answers import Asking, make_answers
    from vlmbench_assets.make.metrics import make_metrics
    from vlmbench_assets.make.report import make_report
    from vlmbench_assets.work.watch import Surroundings

    bench = open_bench(Workspace(root))
    quiet = Surroundings(say=lambda _line: None, progress=lambda _done, _total: None)
    for cell in cells_of(1, datasets):
        make_answers(bench, cell, Asking(), quiet)
        make_metrics(bench, cell)
        make_aggregates(bench, cell)
        make_report(bench, cell)


def copy_cells(root: Path, models: range, datasets: int) -> None:
    """Copy the made cells for other models, which say the same."""
    bench = open_bench(Workspace(root))
    for cell in cells_of(1, datasets):
        for index in models:
            _copy_cell(bench, cell, f"m{index:04}", f"p{index % 4}")


def _copy_cell(bench: Bench, cell: Cell, model: str, prompts: str) -> None:
    for asset in CELL_ASSETS:
        source, target = (bench.store.folder(asset, cell.dataset, name) for name in (cell.model, model))
        left_out = shutil.ignore_patterns("history", "requests.jsonl", "worker.log", "job.json", "result.json")
        shutil.copytree(source, target, ignore=left_out, copy_function=_copy_file)
        manifest = json.loads((target / "manifest.json").read_bytes()) | {"model": model}
        if asset == "answers":
            manifest["facts"]["prompts"]["name"] = prompts
        (target / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def _copy_file(source: str, target: str) -> None:
    """Pictures, which nobody reads here, as links; all else as files of their own."""
    (os.link if source.endswith(".png") else shutil.copyfile)(source, target)


def cells_of(models: int, datasets: int) -> list[Cell]:
    """All cells, dataset by dataset."""
    return [Cell(model=f"m{m:04}", dataset=f"d{d:03}") for d in range(datasets) for m in range(models)]


def measure(root: Path, models: int, datasets: int, flag: str) -> None:
    """In a process of its own: plan once and print what it took."""
    clock = time.perf_counter
    started = clock()
    from vlmbench_assets.plan import make_plan

    for name in READERS if flag == "sources" else ():
        __import__(name)
    imported = clock()
    bench = open_bench(Workspace(root))
    if flag == "metrics":
        raised = {name: plugin.model_copy(update={"version": 99}) for name, plugin in bench.plugins.metrics.items()}
        bench = replace(bench, plugins=replace(bench.plugins, metrics=raised))
    opened, cpu = clock(), time.process_time()
    plan = make_plan(bench, cells_of(models, datasets))
    took = {"import": imported - started, "open": opened - imported, "plan": clock() - opened}
    to_ask = sum(each.judged.to_ask for each in plan.cells)
    why = plan.to_do[0].judged.reasons if plan.to_do else []
    found = {"cpu": time.process_time() - cpu, "peak_mb": _peak_mb(), "to_do": len(plan.to_do), "to_ask": to_ask}
    print(json.dumps(took | found | {"why": why}))


def _peak_mb() -> float:
    # getrusage would also count what the process that started this one had.
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def measured(root: Path, models: int, datasets: int, flag: str) -> dict[str, float]:
    """One plan in a process of its own."""
    arguments = [sys.executable, __file__, "--measure", str(root), str(models), "--datasets", str(datasets)]
    done = subprocess.run([*arguments, "--flag", flag], check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def command_s(root: Path) -> float:
    """Wall seconds of the real command, its imports and its output included."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-m", "vlmbench_assets.cli", "plan"], cwd=root, check=False, capture_output=True)
    return time.perf_counter() - started


def measure_all(root: Path, models: int, datasets: int, samples: int) -> None:
    """Print the rows of one size; leaves everything fresh but the datasets' files, which it puts back."""
    cells = models * datasets
    for change in CHANGES:
        rounds = []
        for _ in range(ROUNDS):
            change.make(root, models, datasets, samples)
            rounds.append(measured(root, models, datasets, change.flag))
        best = min(rounds, key=lambda each: each["plan"])
        assert best["to_do"] == (0 if change.name == "nothing" else cells), (change.name, best)
        change.make(root, models, datasets, samples)
        # The version of a metric is in its plugin, which the command would load as it is.
        command = "" if change.flag == "metrics" else f"{command_s(root):.2f}"
        print(
            f"{cells:7} {samples:7}  {change.name:23} {best['plan']:7.2f} {1000 * best['plan'] / cells:8.2f}"
            f" {best['cpu']:6.2f} {best['open']:7.2f} {best['import']:9.2f} {best['peak_mb']:8.0f} {command:>10}",
            flush=True,
        )


def compare_with_dagster(root: Path, models: int, datasets: int) -> None:
    """Ask Dagster's resolver which cells are stale, after telling it all that is on disk."""
    import warnings

    from vlmbench_assets.instance import open_instance
    from vlmbench_assets.sync import sync_instance

    warnings.simplefilter("ignore")
    cells = cells_of(models, datasets)
    write_registries(root, models, datasets)
    measured(root, models, datasets, "sources")
    print(f"\n{'':24} {'cells':>6} {'stale':>6} {'seconds':>8} {'ms/cell':>8} {'2,000 cells s':>14}")
    instance = open_instance(Workspace(root))
    try:
        sync_instance(open_bench(Workspace(root)), instance, cells)
        for change in CHANGES[:2]:
            change.make(root, models, datasets, 0)
            bench = open_bench(Workspace(root))
            sync_instance(bench, instance, cells)
            for assets in (CELL_ASSETS[:1], CELL_ASSETS):
                resolver, started = _resolver(bench, instance), time.perf_counter()
                stale = len({cell for asset in assets for cell in _stale(resolver, asset, cells)})
                _row(f"resolver, {len(assets)} asset(s)", len(cells), stale, time.perf_counter() - started)
            best = min((measured(root, models, datasets, "") for _ in range(ROUNDS)), key=lambda each: each["plan"])
            _row("plan, 4 assets", len(cells), int(best["to_do"]), best["plan"])
    finally:
        instance.dispose()


def _resolver(bench: Bench, instance: "dg.DagsterInstance") -> "CachingStaleStatusResolver":
    """One that has looked at nothing yet."""
    from dagster._core.definitions.data_version import CachingStaleStatusResolver
    from dagster._core.loader import LoadingContextForTest

    from vlmbench_assets.build import build_definitions

    graph = build_definitions(bench).get_repository_def().asset_graph
    context = LoadingContextForTest(instance)
    return CachingStaleStatusResolver(instance=instance, asset_graph=graph, loading_context=context)


def _stale(resolver: "CachingStaleStatusResolver", asset: str, cells: Sequence[Cell]) -> Iterator[Cell]:
    from dagster import AssetKey

    from vlmbench_assets.partitions import cell_key

    for cell in cells:
        if resolver.get_status(AssetKey(asset), cell_key(cell)).name != "FRESH":
            yield cell


def _row(name: str, cells: int, stale: int, seconds: float) -> None:
    per_cell = 1000 * seconds / cells
    print(f"{name:24} {cells:6} {stale:6} {seconds:8.2f} {per_cell:8.2f} {2 * per_cell:14.1f}", flush=True)


def main() -> None:
    """Measure every size in one growing workspace for each number of samples."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", type=int)
    parser.add_argument("--samples", type=int, default=SIZES[0][0])
    parser.add_argument("--datasets", type=int, default=DATASETS)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--flag", default="", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure, given.models[0], given.datasets, given.flag)
        return
    print("  cells samples  stale                    plan s  ms/cell  CPU s  open s  import s  peak MB  command s")
    for samples, sizes in [(given.samples, given.models)] if given.models else SIZES:
        with tempfile.TemporaryDirectory() as folder:
            root, made = Path(folder), 1
            write_registries(root, 1, given.datasets)
            write_sources(root, given.datasets, samples)
            make_cells(root, given.datasets)
            for models in sorted(sizes):
                # Samples that a size before this one read anew are put back as they were made.
                write_sources(root, given.datasets, samples)
                write_registries(root, models, given.datasets)
                copy_cells(root, range(made, models), given.datasets)
                made = models
                measured(root, models, given.datasets, "sources")
                measure_all(root, models, given.datasets, samples)
            write_sources(root, given.datasets, samples)
            if samples == SIZES[0][0]:
                shutil.rmtree(root / "registries/models")
                compare_with_dagster(root, min(COMPARED, made), given.datasets)


if __name__ == "__main__":
    main()
